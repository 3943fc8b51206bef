"""Deadlines: one timer for all of them, and what is repeated when it fires (rule 5)."""

from consensus.ancestry import best_certificate
from consensus.effects import Broadcast, SetTimer
from consensus.rejoin import ask
from consensus.resolver import request_missing
from consensus.state import ConsensusState
from consensus.turn import Turn
from ledger.types import View


def tick(turn: Turn) -> None:
    """Look at every deadline; harmless if none has come."""
    state = turn.state
    # Whatever timer the shell had is gone now: have one armed again in any case.
    state.armed_deadline_ms = None
    turn.touch(state.view)
    is_resolve_due = (
        state.resolve_deadline_ms is not None and turn.now_ms >= state.resolve_deadline_ms
    )
    if is_resolve_due:
        request_missing(turn)
    if state.ask_deadline_ms is not None and turn.now_ms >= state.ask_deadline_ms:
        ask(turn)
    own_nullify = state.open_view(state.view).own_nullify
    if own_nullify is not None and turn.now_ms >= state.retry_deadline_ms:
        rebroadcast(turn)
        state.retry_deadline_ms = turn.now_ms + turn.config.retry_interval_ms


def rebroadcast(turn: Turn) -> None:
    """Rule 5: the own votes in this view again, with what proves that the last one ended."""
    current = turn.state.open_view(turn.state.view)
    certificate = best_certificate(turn.state, View(turn.state.view - 1))
    if certificate is not None:
        turn.emit(Broadcast(certificate))
    for vote in (current.own_notarize, current.own_nullify):
        if vote is not None:
            turn.emit(Broadcast(vote))


def arm_timer(turn: Turn) -> None:
    """Tell the shell the next deadline, if it is another one than before."""
    state = turn.state
    wanted = (_view_deadline_ms(state), state.resolve_deadline_ms, state.ask_deadline_ms)
    deadline_ms = min((each for each in wanted if each is not None), default=None)
    if deadline_ms is not None and deadline_ms != state.armed_deadline_ms:
        state.armed_deadline_ms = deadline_ms
        turn.emit(SetTimer(deadline_ms))


def _view_deadline_ms(state: ConsensusState) -> int | None:
    """When something has to be said in this view; never by who may not vote in it."""
    current = state.open_view(state.view)
    if not state.may_vote(state.view):
        return None
    if current.own_nullify is not None:
        return state.retry_deadline_ms
    if current.proposal is None:
        return min(state.leader_deadline_ms, state.advance_deadline_ms)
    return state.advance_deadline_ms
