"""Which earlier payload a view builds on: pure questions about certificates held (rule 2)."""

from consensus.state import ConsensusState
from ledger.types import Digest, View
from ledger.votes import Proposal


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


def newly_final_chain(state: ConsensusState, final: Proposal) -> tuple[tuple[Proposal, ...], bool]:
    """Proposals above the last final view up to ``final``, oldest first; and if that is all."""
    chain = [final]
    while chain[-1].parent_view > state.finalized:
        view_state = state.views.get(chain[-1].parent_view)
        if view_state is None or view_state.notarization is None:
            break
        chain.append(view_state.notarization.proposal)
    is_complete = chain[-1].parent_view == state.finalized
    return tuple(reversed(chain)), is_complete


def missing_views(state: ConsensusState) -> list[View]:
    """Views above the floor of which a certificate is needed, latest first (rule 11)."""
    missing: set[View] = set()

    # VIEWS OF WHICH NOTHING IS KNOWN
    for number in range(state.finalized + 1, state.view):
        view_state = state.views.get(View(number))
        has_certificate = view_state is not None and (
            view_state.notarization is not None or view_state.nullification is not None
        )
        if not has_certificate:
            missing.add(View(number))

    # WHAT THE CURRENT PROPOSAL RESTS ON
    current = state.views.get(state.view)
    if current is not None and current.proposal is not None:
        has_acted = current.own_notarize is not None or current.own_nullify is not None
        if not has_acted:
            _add_missing_below(state, current.proposal, missing)

    # WHAT AN UNCHECKED PAYLOAD RESTS ON
    for view in state.uncertified:
        notarization = state.views[view].notarization
        assert notarization is not None
        if notarized_payload(state, notarization.proposal.parent_view) is None:
            _add_missing_below(state, notarization.proposal, missing)

    return sorted(missing, reverse=True)


def _add_missing_below(state: ConsensusState, proposal: Proposal, missing: set[View]) -> None:
    if proposal.parent_view < state.finalized:
        return
    if notarized_payload(state, proposal.parent_view) is None:
        missing.add(proposal.parent_view)
    for gap in range(proposal.parent_view + 1, proposal.view):
        if not is_nullified(state, View(gap)):
            missing.add(View(gap))
