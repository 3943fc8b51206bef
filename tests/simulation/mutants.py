"""Protocols with one rule broken each: the checker has to catch every one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from consensus import rules, turn
from consensus.state import ViewState
from consensus.turn import Turn
from ledger.types import Digest, View


def _finalize_after_nullify(this: Turn, view_state: ViewState) -> None:
    notarization = view_state.notarization
    if notarization is not None and view_state.own_finalize is None and view_state.is_certified:
        this.cast_finalize(view_state, notarization.proposal)


def _give_up_before_the_last_view_too(this: Turn, view_state: ViewState) -> None:
    previous = this.state.views.get(View(view_state.view - 1))
    if this.now_ms >= this.state.leader_deadline_ms and view_state.own_nullify is None:
        if previous is not None and previous.own_nullify is None:
            this.cast_nullify(previous)
        rules.nullify(this, view_state)


def _trust_every_signature(this: Turn, view_state: ViewState, tally: object, vote: object) -> bool:
    return True


def _vote_unchecked(
    this: Turn, view_state: ViewState, proposal: object, parent_payload: Digest
) -> bool:
    payload = proposal.payload  # type: ignore[attr-defined]  # a Proposal, as the rule has it
    view_state.payload_checks[payload] = True
    return True


@contextmanager
def finalize_after_nullify() -> Iterator[None]:
    """Rule 7 without 'never after nullify'."""
    with patch.object(rules, "_finalize", _finalize_after_nullify):
        yield


@contextmanager
def nullify_after_finalize() -> Iterator[None]:
    """Rule 5 without 'never after finalize': give up on the view before, too."""
    with patch.object(rules, "_give_up", _give_up_before_the_last_view_too):
        yield


@contextmanager
def build_on_anything() -> Iterator[None]:
    """Rule 3 without the nullified views between parent and proposal."""
    with patch.object(rules, "are_gaps_nullified", lambda state, parent, view: True):
        yield


@contextmanager
def trust_every_signature() -> Iterator[None]:
    """Rule 12 without verification of votes."""
    with patch.object(turn.Turn, "is_genuine", _trust_every_signature):
        yield


@contextmanager
def vote_unchecked() -> Iterator[None]:
    """Rules 3 and 8 without the check of the payload."""
    with patch.object(rules, "_check", _vote_unchecked):
        yield


@contextmanager
def never_repeat() -> Iterator[None]:
    """Rule 5 without repetition, so that lost votes stay lost."""
    with patch("consensus.timers.rebroadcast", lambda turn: None):
        yield


MUTANTS = {
    mutant.__name__: mutant
    for mutant in (
        build_on_anything,
        finalize_after_nullify,
        never_repeat,
        nullify_after_finalize,
        trust_every_signature,
        vote_unchecked,
    )
}
