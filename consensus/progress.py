"""What a certificate changes, and what entering a view does (rules 1, 4, 6, 9)."""

from consensus.ancestry import newly_final_chain
from consensus.effects import (
    Broadcast,
    EnteredView,
    Finalized,
    Notarized,
    Nullified,
    Persist,
)
from consensus.errors import ConflictingCertificates
from consensus.state import ConsensusState, ViewState
from consensus.turn import Turn
from ledger.types import ValidatorIndex, View
from ledger.votes import Certificate, Finalization, Notarization, Nullification


def accept_notarization(
    turn: Turn, view_state: ViewState, certificate: Notarization, *, is_assembled: bool
) -> None:
    """Rule 4: keep a verified notarization, pass it on, enter the next view."""
    view_state.notarization = certificate
    if not view_state.is_certified:
        turn.state.uncertified.add(view_state.view)
    turn.emit(Notarized(certificate))
    _keep_and_pass_on(turn, view_state.view, certificate, is_assembled)
    turn.touch(view_state.view)
    turn.touch_waiting()


def accept_nullification(
    turn: Turn, view_state: ViewState, certificate: Nullification, *, is_assembled: bool
) -> None:
    """Rule 6: keep a verified nullification, pass it on, enter the next view."""
    view_state.nullification = certificate
    turn.emit(Nullified(certificate))
    _keep_and_pass_on(turn, view_state.view, certificate, is_assembled)
    turn.touch_waiting()


def accept_finalization(
    turn: Turn, view_state: ViewState, certificate: Finalization, *, is_assembled: bool
) -> None:
    """Rule 9: the payload and all its ancestors are final; the floor moves up.

    Raises
    ------
    ConflictingCertificates
        If the view was nullified or another payload of it notarized: more than f traitors.
    """
    state = turn.state
    proposal = certificate.proposal
    if view_state.nullification is not None:
        raise ConflictingCertificates(proposal.view, "nullification", "finalization")
    if view_state.notarization is not None and view_state.notarization.proposal != proposal:
        raise ConflictingCertificates(proposal.view, "notarization", "finalization")
    chain, is_complete = newly_final_chain(state, proposal)
    state.finalized = proposal.view
    state.finalized_payload = proposal.payload
    state.finalization = certificate
    turn.emit(Finalized(certificate, chain, is_complete))
    _prune(state)
    _keep_and_pass_on(turn, proposal.view, certificate, is_assembled)
    turn.touch_waiting()


def enter_view(turn: Turn, view: View) -> None:
    """Rule 1: arm both timers; rule 10: at once for a leader that was silent, or is convicted."""
    state, config = turn.state, turn.config
    is_jump = view > state.view + 1
    state.view = view
    leader = state.open_view(view).leader
    if is_jump:
        # Nobody was heard in the views between: all are given the benefit of the doubt.
        state.last_active = [view] * config.validators.count
        turn.want_certificates(config.resolve_delay_ms)
    is_skipped = _is_leader_silent(state, leader) or _is_leader_convicted(state, leader)
    state.leader_deadline_ms = turn.now_ms + (0 if is_skipped else config.leader_timeout_ms)
    state.advance_deadline_ms = turn.now_ms + (0 if is_skipped else config.advance_timeout_ms)
    turn.emit(EnteredView(view, leader))
    turn.touch(view)


def _is_leader_silent(state: ConsensusState, leader: ValidatorIndex) -> bool:
    """Whether nothing was heard of the leader while quorums ended view after view."""
    oldest = state.view - state.config.skip_after_views
    return leader != state.config.index and state.last_active[leader] < oldest


def _is_leader_convicted(state: ConsensusState, leader: ValidatorIndex) -> bool:
    """Whether the ledger convicts the leader, and no more than f validators in all."""
    validators = state.config.validators
    is_bft = len(state.convicted) <= validators.count - validators.quorum
    return is_bft and leader in state.convicted


def _keep_and_pass_on(turn: Turn, view: View, certificate: Certificate, is_assembled: bool) -> None:
    turn.emit(Persist(certificate, must_sync=False))
    is_progress = view >= turn.state.view
    if is_assembled or is_progress:
        turn.emit(Broadcast(certificate))
    if is_progress:
        enter_view(turn, View(view + 1))


def _prune(state: ConsensusState) -> None:
    """Rule 13: forget views below the floor, but for the votes that evidence may need."""
    oldest = state.finalized - state.config.retained_views
    for view in [view for view in state.views if view < oldest]:
        del state.views[view]
    state.uncertified = {view for view in state.uncertified if view > state.finalized}
