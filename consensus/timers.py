"""Deadlines: one timer for all of them, and what is repeated when it fires (rule 5)."""

from consensus.effects import Broadcast, SetTimer
from consensus.resolver import request_missing
from consensus.state import ConsensusState
from consensus.turn import Turn
from ledger.types import View
from ledger.votes import Certificate


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
    own_nullify = state.open_view(state.view).own_nullify
    if own_nullify is not None and turn.now_ms >= state.retry_deadline_ms:
        rebroadcast(turn)
        state.retry_deadline_ms = turn.now_ms + turn.config.retry_interval_ms


def rebroadcast(turn: Turn) -> None:
    """Rule 5: the own votes in this view again, with what proves that the last one ended."""
    current = turn.state.open_view(turn.state.view)
    certificate = _best_certificate(turn.state, View(turn.state.view - 1))
    if certificate is not None:
        turn.emit(Broadcast(certificate))
    for vote in (current.own_notarize, current.own_nullify):
        if vote is not None:
            turn.emit(Broadcast(vote))


def _best_certificate(state: ConsensusState, view: View) -> Certificate | None:
    if view == state.finalized:
        return state.finalization
    view_state = state.views.get(view)
    if view_state is None:
        return None
    return view_state.notarization or view_state.nullification


def arm_timer(turn: Turn) -> None:
    """Tell the shell the next deadline, if it is another one than before."""
    state = turn.state
    current = state.open_view(state.view)
    if current.own_nullify is not None:
        deadline_ms = state.retry_deadline_ms
    elif current.proposal is None:
        deadline_ms = min(state.leader_deadline_ms, state.advance_deadline_ms)
    else:
        deadline_ms = state.advance_deadline_ms
    if state.resolve_deadline_ms is not None:
        deadline_ms = min(deadline_ms, state.resolve_deadline_ms)
    if deadline_ms != state.armed_deadline_ms:
        state.armed_deadline_ms = deadline_ms
        turn.emit(SetTimer(deadline_ms))
