"""Which earlier payload a view builds on: pure questions about certificates held (rule 2)."""

from collections.abc import Iterator
from itertools import chain

from consensus.state import ConsensusState
from ledger.types import Digest, View
from ledger.votes import Certificate, Proposal


def certified_payload(state: ConsensusState, view: View) -> Digest | None:
    """Payload of a view that may be built on: final, or notarized and checked here."""
    if view == state.finalized:
        return state.finalized_payload
    view_state = state.views.get(view)
    if view_state is None or not view_state.is_certified or view < state.finalized:
        return None
    assert view_state.notarization is not None
    return view_state.notarization.proposal.payload


def notarized_payload(state: ConsensusState, view: View) -> Digest | None:
    """Payload of a view that is final or notarized, checked here or not."""
    if view == state.finalized:
        return state.finalized_payload
    view_state = state.views.get(view)
    if view_state is None or view_state.notarization is None or view < state.finalized:
        return None
    return view_state.notarization.proposal.payload


def is_nullified(state: ConsensusState, view: View) -> bool:
    """Whether a nullification of the view is held."""
    view_state = state.views.get(view)
    return view_state is not None and view_state.nullification is not None


def are_gaps_nullified(state: ConsensusState, parent: View, view: View) -> bool:
    """Whether every view strictly between the two has a nullification here."""
    return all(is_nullified(state, View(gap)) for gap in range(view - 1, parent, -1))


def find_parent(state: ConsensusState, view: View) -> tuple[View, Digest] | None:
    """Highest view to build on, with all views between nullified; ``None`` if one is missing."""
    for candidate in range(view - 1, state.finalized - 1, -1):
        payload = certified_payload(state, View(candidate))
        if payload is not None:
            return View(candidate), payload
        if not is_nullified(state, View(candidate)):
            return None
    return None


def best_certificate(state: ConsensusState, view: View) -> Certificate | None:
    """What proves that a view has ended, if it is held."""
    if view == state.finalized:
        return state.finalization
    view_state = state.views.get(view)
    if view_state is None:
        return None
    return view_state.notarization or view_state.nullification


def newly_final_chain(state: ConsensusState, final: Proposal) -> tuple[tuple[Proposal, ...], bool]:
    """Proposals above the last final view up to ``final``, oldest first; and if that is all."""
    proposals = [final]
    while proposals[-1].parent_view > state.finalized:
        view_state = state.views.get(proposals[-1].parent_view)
        if view_state is None or view_state.notarization is None:
            break
        proposals.append(view_state.notarization.proposal)
    is_complete = proposals[-1].parent_view == state.finalized
    return tuple(reversed(proposals)), is_complete


def missing_views(state: ConsensusState, limit: int) -> list[View]:
    """Up to ``limit`` views above the floor of which a certificate is needed, latest first.

    What the current proposal and the unchecked payloads rest on comes first, then
    views of which nothing is known (rule 11).
    """
    missing: dict[View, None] = {}
    wanted = chain(_missing_below_proposals(state), _unknown_views(state))
    for view in wanted:
        missing[view] = None
        if len(missing) == limit:
            break
    return sorted(missing, reverse=True)


def _missing_below_proposals(state: ConsensusState) -> Iterator[View]:
    current = state.views.get(state.view)
    if current is not None and current.proposal is not None:
        has_acted = current.own_notarize is not None or current.own_nullify is not None
        if not has_acted:
            yield from _missing_below(state, current.proposal)
    for view in sorted(state.uncertified, reverse=True):
        notarization = state.views[view].notarization
        assert notarization is not None
        if notarized_payload(state, notarization.proposal.parent_view) is None:
            yield from _missing_below(state, notarization.proposal)


def _missing_below(state: ConsensusState, proposal: Proposal) -> Iterator[View]:
    is_hopeless = not state.finalized <= proposal.parent_view < proposal.view
    if is_hopeless:
        return
    if notarized_payload(state, proposal.parent_view) is None:
        yield proposal.parent_view
    for gap in range(proposal.view - 1, proposal.parent_view, -1):
        if not is_nullified(state, View(gap)):
            yield View(gap)


def _unknown_views(state: ConsensusState) -> Iterator[View]:
    for number in range(state.view - 1, state.finalized, -1):
        view_state = state.views.get(View(number))
        has_certificate = view_state is not None and (
            view_state.notarization is not None or view_state.nullification is not None
        )
        if not has_certificate:
            yield View(number)
