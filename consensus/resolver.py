"""Certificates that are missing here are asked for; peers that miss one are answered (rule 11)."""

from consensus.ancestry import missing_views
from consensus.effects import Send
from consensus.messages import (
    MAX_CERTIFICATES_PER_RESPONSE,
    MAX_VIEWS_PER_REQUEST,
    CertificateRequest,
    CertificateResponse,
)
from consensus.state import ConsensusState
from consensus.turn import Turn
from ledger.types import ValidatorIndex
from ledger.votes import Certificate

_PEERS_PER_ATTEMPT = 2


def request_missing(turn: Turn) -> None:
    """Ask two peers, other ones each time, for what is missing; repeat until nothing is."""
    state = turn.state
    state.resolve_deadline_ms = None
    views = tuple(missing_views(state, MAX_VIEWS_PER_REQUEST))
    if not views:
        state.resolve_attempts = 0
        return
    request = CertificateRequest(turn.config.validators.epoch, state.finalized, views)
    for peer in _next_peers(state):
        turn.emit(Send(peer, request))
    state.resolve_attempts += 1
    turn.want_certificates(turn.config.resolve_delay_ms)


def _next_peers(state: ConsensusState) -> list[ValidatorIndex]:
    others = state.config.validators.count - 1
    first = state.resolve_attempts * _PEERS_PER_ATTEMPT
    offsets = {(first + number) % others + 1 for number in range(min(others, _PEERS_PER_ATTEMPT))}
    count = state.config.validators.count
    return [ValidatorIndex((state.config.index + offset) % count) for offset in sorted(offsets)]


def answer(turn: Turn, peer: ValidatorIndex, request: CertificateRequest) -> None:
    """Send what a peer asked for and this validator holds, at most once per Δ/4."""
    state = turn.state
    last_ms = state.answered_ms.get(peer)
    is_too_soon = last_ms is not None and turn.now_ms < last_ms + turn.config.answer_interval_ms
    is_ours = request.epoch == turn.config.validators.epoch
    if is_too_soon or not is_ours:
        return
    state.answered_ms[peer] = turn.now_ms
    certificates = _certificates_for(state, request)
    if certificates:
        turn.emit(Send(peer, CertificateResponse(tuple(certificates))))


def _certificates_for(state: ConsensusState, request: CertificateRequest) -> list[Certificate]:
    certificates: list[Certificate] = []
    if state.finalization is not None and state.finalized > request.finalized:
        certificates.append(state.finalization)
    for view in request.views:
        view_state = state.views.get(view)
        if view_state is None or view <= state.finalized:
            continue
        if view_state.notarization is not None:
            certificates.append(view_state.notarization)
        if view_state.nullification is not None:
            certificates.append(view_state.nullification)
    return certificates[:MAX_CERTIFICATES_PER_RESPONSE]
