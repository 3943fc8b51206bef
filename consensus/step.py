"""The one entry point: an event in, effects out."""

from typing import assert_never

from consensus import recovery, rejoin, resolver, rules, timers
from consensus.effects import Effect
from consensus.events import (
    Event,
    LeadersConvicted,
    MessageReceived,
    PayloadChecked,
    ProposalBuilt,
    Start,
    Tick,
)
from consensus.intake import receive_certificate, receive_vote
from consensus.messages import (
    CertificateRequest,
    CertificateResponse,
    ViewRequest,
    ViewResponse,
)
from consensus.state import ConsensusState
from consensus.turn import Turn
from ledger.votes import Finalize, Notarize, Nullify


def step(state: ConsensusState, event: Event, now_ms: int) -> tuple[ConsensusState, list[Effect]]:
    """Apply one event.

    Parameters
    ----------
    state
        Is used up: the state given back takes its place. Copy it with ``deepcopy``
        before, if it is needed again.
    event
        What happened; the first one is :class:`~consensus.events.Start`.
    now_ms
        Milliseconds of a clock that never goes back.

    Returns
    -------
    tuple
        The new state, and what the shell has to do, in this order. The same state,
        event and time always give the same answer.

    Raises
    ------
    JournalContradiction
        From ``Start``, if the journal is not one that this validator wrote.
    ConflictingCertificates
        If more than f validators are traitors: the node has to stop.
    """
    turn = Turn(state, now_ms)
    if isinstance(event, MessageReceived):
        _receive(turn, event)
    elif isinstance(event, PayloadChecked):
        rules.receive_verdict(turn, event.view, event.payload, event.is_valid)
    elif isinstance(event, ProposalBuilt):
        rules.receive_built_proposal(turn, event.view, event.payload)
    elif isinstance(event, Tick):
        timers.tick(turn)
    elif isinstance(event, LeadersConvicted):
        turn.state.convicted = event.validators
    elif isinstance(event, Start):
        recovery.start(turn, event.records, event.challenge)
    else:
        assert_never(event)
    rules.settle(turn)
    timers.arm_timer(turn)
    return turn.state, turn.effects


def _receive(turn: Turn, event: MessageReceived) -> None:
    peer, message = event.peer, event.message
    is_other_validator = 0 <= peer < turn.config.validators.count and peer != turn.config.index
    if not is_other_validator:
        return
    if isinstance(message, (Notarize, Nullify, Finalize)):
        receive_vote(turn, peer, message)
    elif isinstance(message, CertificateRequest):
        resolver.answer(turn, peer, message)
    elif isinstance(message, CertificateResponse):
        # The rest of an answer that holds a forgery is not looked at.
        all(receive_certificate(turn, peer, held) for held in message.certificates)
    elif isinstance(message, ViewRequest):
        rejoin.answer(turn, peer, message)
    elif isinstance(message, ViewResponse):
        rejoin.receive_answer(turn, peer, message)
    else:
        receive_certificate(turn, peer, message)
