"""A restart: the state that the journal's records leave behind (rule 15)."""

from consensus.config import GENESIS_VIEW
from consensus.effects import Broadcast, Finalized, Notarized, Nullified, PublishPayload
from consensus.errors import JournalContradiction
from consensus.messages import Record, VotesFrom, view_of
from consensus.progress import enter_view
from consensus.rejoin import begin
from consensus.state import ConsensusState, ViewState
from consensus.timers import rebroadcast
from consensus.turn import Turn
from ledger.types import View
from ledger.votes import (
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Round,
    Vote,
    round_of,
)


def start(turn: Turn, records: tuple[Record, ...], challenge: bytes | None) -> None:
    """Replay the journal, tell the shell what is known, and say again what may be unsaid.

    Raises
    ------
    JournalContradiction
        If the records are not those of one honest validator.
    """
    state = turn.state
    entered = View(turn.config.origin_view + 1)
    for record in records:
        entered = max(entered, _replay(state, record))
    _forget_what_is_final(state)
    _report(turn)
    state.last_active = [entered] * state.config.validators.count
    enter_view(turn, entered)
    if challenge is not None and not _are_votes_known(records):
        begin(turn, challenge)
    for view in sorted(state.uncertified):
        turn.touch(view)
    _repeat(turn)


def compact(state: ConsensusState) -> tuple[Record, ...]:
    """Records that leave the same votes and certificates behind as the whole journal.

    The shell may replace its journal by these, in this order, and sync it.
    """
    records: list[Record] = []
    if state.votes_from is not None and state.votes_from > GENESIS_VIEW:
        records.append(VotesFrom(Round(state.config.validators.epoch, state.votes_from)))
    if state.finalization is not None:
        records.append(state.finalization)
    for view in sorted(view for view in state.views if view > state.finalized):
        held = state.views[view]
        kept = (
            held.own_notarize,
            held.own_nullify,
            held.notarization,
            held.nullification,
            held.own_finalize,
        )
        records.extend(record for record in kept if record is not None)
    return tuple(records)


def _are_votes_known(records: tuple[Record, ...]) -> bool:
    """Whether the journal holds what it takes not to contradict an earlier vote (rule 17).

    While they are not known none is cast: so an own vote in it says that they were.
    """
    return any(isinstance(record, (Notarize, Nullify, Finalize, VotesFrom)) for record in records)


def _replay(state: ConsensusState, record: Record) -> View:
    """Take one record in; gives the view that its writer was in, at least."""
    view = view_of(record)
    if isinstance(record, VotesFrom):
        state.votes_from = max(view, state.votes_from or view)
        return View(1)
    view_state = state.open_view(view)
    if isinstance(record, Notarization):
        view_state.notarization = record
        return View(view + 1)
    if isinstance(record, Nullification):
        view_state.nullification = record
        return View(view + 1)
    if isinstance(record, Finalization):
        if view > state.finalized:
            state.finalization = record
            state.finalized = view
            state.finalized_payload = record.proposal.payload
        return View(view + 1)
    _replay_vote(state, view_state, record)
    has_ended = isinstance(record, Finalize)
    return View(view + 1) if has_ended else view


def _replay_vote(state: ConsensusState, view_state: ViewState, vote: Vote) -> None:
    is_own = vote.signer == state.config.index
    is_ours = round_of(vote).epoch == state.config.validators.epoch
    if not is_own or not is_ours:
        raise JournalContradiction(view_state.view, "a vote of another validator or epoch")
    if isinstance(vote, Notarize):
        if view_state.own_notarize not in (None, vote):
            raise JournalContradiction(view_state.view, "two notarize votes")
        view_state.own_notarize = vote
        view_state.notarizes.put(vote, is_verified=True)
        view_state.payload_checks[vote.proposal.payload] = True
        view_state.proposal = vote.proposal
        return
    if isinstance(vote, Finalize):
        if view_state.own_finalize not in (None, vote):
            raise JournalContradiction(view_state.view, "two finalize votes")
        view_state.own_finalize = vote
        view_state.finalizes.put(vote, is_verified=True)
        view_state.payload_checks[vote.proposal.payload] = True
    else:
        view_state.own_nullify = vote
        view_state.nullifies.put(vote, is_verified=True)
    if view_state.own_nullify is not None and view_state.own_finalize is not None:
        raise JournalContradiction(view_state.view, "both a nullify and a finalize vote")


def _forget_what_is_final(state: ConsensusState) -> None:
    for view in [view for view in state.views if view <= state.finalized]:
        del state.views[view]
    state.uncertified = {
        view
        for view, view_state in state.views.items()
        if view_state.notarization is not None and not view_state.is_certified
    }


def _report(turn: Turn) -> None:
    """The shell may have missed what happened right before the crash."""
    state = turn.state
    if state.finalization is not None:
        proposal = state.finalization.proposal
        turn.emit(Finalized(state.finalization, (proposal,), is_chain_complete=False))
    for view in sorted(state.views):
        view_state = state.views[view]
        if view_state.notarization is not None:
            turn.emit(Notarized(view_state.notarization))
        if view_state.nullification is not None:
            turn.emit(Nullified(view_state.nullification))


def _repeat(turn: Turn) -> None:
    """Votes may have reached the disk but not the network."""
    state = turn.state
    for view in sorted(state.views):
        finalize = state.views[view].own_finalize
        if finalize is not None:
            turn.emit(Broadcast(finalize))
    current = state.open_view(state.view)
    has_proposed = current.leader == state.config.index and current.own_notarize is not None
    if has_proposed and current.own_notarize is not None:
        turn.emit(PublishPayload(state.view, current.own_notarize.proposal.payload))
    if current.own_nullify is not None:
        state.retry_deadline_ms = turn.now_ms + turn.config.retry_interval_ms
    rebroadcast(turn)
