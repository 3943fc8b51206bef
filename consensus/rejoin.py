"""A validator that may have forgotten votes asks the others before it votes (rule 17)."""

from consensus.ancestry import best_certificate
from consensus.effects import Broadcast, Persist, Send
from consensus.intake import receive_certificate
from consensus.messages import ViewRequest, ViewResponse, VotesFrom
from consensus.state import ConsensusState
from consensus.turn import Turn
from ledger.types import ValidatorIndex, View
from ledger.votes import Round, subject_of


def begin(turn: Turn, challenge: bytes) -> None:
    """Cast no vote until the others have said in which views they are."""
    turn.state.challenge = challenge
    turn.state.votes_from = None
    ask(turn)


def ask(turn: Turn) -> None:
    """Ask all others, and again after 2Δ for as long as too few have answered."""
    state = turn.state
    if state.challenge is None:
        state.ask_deadline_ms = None
        return
    turn.emit(Broadcast(ViewRequest(turn.config.validators.epoch, state.challenge)))
    state.ask_deadline_ms = turn.now_ms + turn.config.retry_interval_ms


def answer(turn: Turn, peer: ValidatorIndex, request: ViewRequest) -> None:
    """Say how far this validator has been, with proof, at most once per peer and Δ/4.

    Who has forgotten votes may have been further than it knows, and keeps silent.
    """
    state = turn.state
    last_ms = state.told_ms.get(peer)
    is_too_soon = last_ms is not None and turn.now_ms < last_ms + turn.config.answer_interval_ms
    is_ours = request.epoch == turn.config.validators.epoch
    if is_too_soon or not is_ours or not state.may_vote(state.view):
        return
    certificate = best_certificate(state, View(state.view - 1))
    certificates = () if certificate is None else (certificate,)
    state.told_ms[peer] = turn.now_ms
    turn.emit(Send(peer, ViewResponse(request.epoch, request.challenge, certificates)))


def receive_answer(turn: Turn, peer: ValidatorIndex, response: ViewResponse) -> None:
    """Take an answer to the own question; once enough are here, know from which view on to vote."""
    state = turn.state
    is_ours = response.epoch == turn.config.validators.epoch
    if state.challenge is None or response.challenge != state.challenge or not is_ours:
        return
    entered = View(turn.config.origin_view + 1)
    for certificate in response.certificates:
        subject = subject_of(certificate)
        # Only a certificate says that a view was reached: a traitor cannot name a later one.
        if subject.epoch != response.epoch or not receive_certificate(turn, peer, certificate):
            return
        entered = View(subject.view + 1)
    state.reached[peer] = max(entered, state.reached.get(peer, entered))
    if len(state.reached) >= _needed_answers(state):
        _settle_on(turn, View(max(state.reached.values()) + 2))


def _needed_answers(state: ConsensusState) -> int:
    """2f+1: one of them, at least, is of an honest signer of any certificate that there is."""
    validators = state.config.validators
    return 2 * (validators.count - validators.quorum) + 1


def _settle_on(turn: Turn, view: View) -> None:
    state = turn.state
    state.votes_from = view
    state.challenge = None
    state.ask_deadline_ms = None
    state.reached = {}
    turn.emit(Persist(VotesFrom(Round(turn.config.validators.epoch, view)), must_sync=True))
    turn.touch(state.view)
