"""What a validator does about a view, given all that it knows: the heart of the protocol."""

from consensus.ancestry import (
    are_gaps_nullified,
    certified_payload,
    find_parent,
    notarized_payload,
)
from consensus.certify import assemble_certificates
from consensus.effects import CheckPayload, Fault, PeerFault, PublishPayload, RequestProposal
from consensus.state import ViewState
from consensus.turn import Turn
from ledger.types import Digest, View
from ledger.votes import Proposal


def settle(turn: Turn) -> None:
    """Apply the rules, lowest view first, until no view is left that something changed for."""
    while turn.touched:
        view = min(turn.touched)
        turn.touched.discard(view)
        view_state = turn.state.views.get(view)
        if view_state is not None and view > turn.state.finalized:
            _apply(turn, view_state)


def _apply(turn: Turn, view_state: ViewState) -> None:
    assemble_certificates(turn, view_state)
    if view_state.view <= turn.state.finalized:
        return
    _certify(turn, view_state)
    _finalize(turn, view_state)
    if view_state.view == turn.state.view:
        _propose(turn, view_state)
        _adopt_proposal(turn, view_state)
        _notarize(turn, view_state)
        _give_up(turn, view_state)


def _propose(turn: Turn, view_state: ViewState) -> None:
    """Rule 2: a leader builds on the highest certified view with nullified views between."""
    is_my_turn = view_state.leader == turn.config.index and turn.state.may_vote(view_state.view)
    has_acted = view_state.own_notarize is not None or view_state.own_nullify is not None
    if not is_my_turn or has_acted or view_state.requested_parent is not None:
        return
    parent = find_parent(turn.state, view_state.view)
    if parent is None:
        turn.want_certificates(turn.config.resolve_delay_ms)
        return
    view_state.requested_parent, parent_payload = parent
    turn.emit(RequestProposal(view_state.view, view_state.requested_parent, parent_payload))


def _adopt_proposal(turn: Turn, view_state: ViewState) -> None:
    """Rule 3: the leader's first genuine notarize vote is the proposal."""
    vote = view_state.notarizes.votes.get(view_state.leader)
    if view_state.proposal is None and vote is not None:
        is_genuine = turn.is_genuine(view_state, view_state.notarizes, vote)
        view_state.proposal = vote.proposal if is_genuine else None


def _notarize(turn: Turn, view_state: ViewState) -> None:
    """Rule 3: vote for a proposal with a certified parent, nullified gaps, a checked payload."""
    proposal = view_state.proposal
    has_acted = view_state.own_notarize is not None or view_state.own_nullify is not None
    if proposal is None or has_acted or not turn.state.may_vote(view_state.view):
        return
    can_parent_exist = turn.state.finalized <= proposal.parent_view < proposal.view
    if not can_parent_exist:
        _reject(turn, view_state, Fault.BAD_PARENT)
        return
    parent_payload = notarized_payload(turn.state, proposal.parent_view)
    has_ancestry = parent_payload is not None and are_gaps_nullified(
        turn.state, proposal.parent_view, proposal.view
    )
    if parent_payload is None or not has_ancestry:
        turn.want_certificates(turn.config.resolve_delay_ms)
        return
    verdict = _check(turn, view_state, proposal, parent_payload)
    if verdict is False:
        _reject(turn, view_state, Fault.BAD_PAYLOAD)
    is_parent_certified = certified_payload(turn.state, proposal.parent_view) is not None
    if verdict is True and is_parent_certified:
        turn.cast_notarize(view_state, proposal)


def _reject(turn: Turn, view_state: ViewState, fault: Fault) -> None:
    """Rule 5: a bad proposal nullifies its view."""
    turn.emit(PeerFault(view_state.leader, fault))
    nullify(turn, view_state)


def _give_up(turn: Turn, view_state: ViewState) -> None:
    """Rule 5: a timer fired, or the leader itself gave up."""
    if view_state.own_nullify is not None:
        return
    is_leader_late = view_state.proposal is None and turn.now_ms >= turn.state.leader_deadline_ms
    is_view_late = turn.now_ms >= turn.state.advance_deadline_ms
    leader_vote = view_state.nullifies.votes.get(view_state.leader)
    has_leader_given_up = leader_vote is not None and turn.is_genuine(
        view_state, view_state.nullifies, leader_vote
    )
    if is_leader_late or is_view_late or has_leader_given_up:
        nullify(turn, view_state)


def nullify(turn: Turn, view_state: ViewState) -> None:
    """Rule 5: at most once in a view, and never after finalize."""
    if not turn.state.may_vote(view_state.view):
        return
    if view_state.own_nullify is None and view_state.own_finalize is None:
        turn.cast_nullify(view_state)
        turn.state.retry_deadline_ms = turn.now_ms + turn.config.retry_interval_ms


def _certify(turn: Turn, view_state: ViewState) -> None:
    """Rule 8: a payload notarized by others is checked before it is finalized or built on."""
    if view_state.view not in turn.state.uncertified:
        return
    assert view_state.notarization is not None
    proposal = view_state.notarization.proposal
    if view_state.is_certified:
        turn.state.uncertified.discard(view_state.view)
        turn.touch_waiting()
        return
    parent_payload = notarized_payload(turn.state, proposal.parent_view)
    if parent_payload is None:
        turn.want_certificates(turn.config.resolve_delay_ms)
        return
    if _check(turn, view_state, proposal, parent_payload) is False:
        nullify(turn, view_state)


def _check(
    turn: Turn, view_state: ViewState, proposal: Proposal, parent_payload: Digest
) -> bool | None:
    """The shell's verdict on a payload, asked for once; ``None`` while it is pending."""
    if proposal.payload not in view_state.payload_checks:
        view_state.payload_checks[proposal.payload] = None
        turn.emit(CheckPayload(proposal, parent_payload))
    return view_state.payload_checks[proposal.payload]


def _finalize(turn: Turn, view_state: ViewState) -> None:
    """Rule 7: finalize what is notarized and checked, never after nullify or equivocation."""
    notarization = view_state.notarization
    has_voted = view_state.own_finalize is not None or view_state.own_nullify is not None
    may_vote = turn.state.may_vote(view_state.view) and not has_voted
    if notarization is None or not may_vote or not view_state.is_certified:
        return
    proposal = notarization.proposal
    has_voted_otherwise = (
        view_state.own_notarize is not None and view_state.own_notarize.proposal != proposal
    )
    has_seen_equivocation = (
        view_state.is_leader_equivocating
        or has_voted_otherwise
        or _has_leader_said_otherwise(turn, view_state, proposal)
    )
    if not has_seen_equivocation:
        turn.cast_finalize(view_state, proposal)


def _has_leader_said_otherwise(turn: Turn, view_state: ViewState, proposal: Proposal) -> bool:
    vote = view_state.notarizes.votes.get(view_state.leader)
    is_other = vote is not None and vote.proposal != proposal
    return vote is not None and is_other and turn.is_genuine(view_state, view_state.notarizes, vote)


def receive_built_proposal(turn: Turn, view: View, payload: Digest) -> None:
    """Rule 2: the shell has built what the leader proposes, unless the view has ended."""
    view_state = turn.state.views.get(view)
    is_current = view_state is not None and view == turn.state.view
    if view_state is None or not is_current or view_state.requested_parent is None:
        return
    has_acted = view_state.own_notarize is not None or view_state.own_nullify is not None
    if has_acted:
        return
    epoch = turn.config.validators.epoch
    proposal = Proposal(epoch, view, view_state.requested_parent, payload)
    view_state.proposal = proposal
    view_state.payload_checks[payload] = True
    turn.emit(PublishPayload(view, payload))
    turn.cast_notarize(view_state, proposal)


def receive_verdict(turn: Turn, view: View, payload: Digest, is_valid: bool) -> None:
    """Rules 3 and 8: the shell has checked a payload; the first verdict counts."""
    view_state = turn.state.views.get(view)
    if view_state is None or view_state.payload_checks.get(payload, False) is not None:
        return
    view_state.payload_checks[payload] = is_valid
    turn.touch(view)
    turn.touch_waiting()
