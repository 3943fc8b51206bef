"""Whom the consensus shell stops listening to, and for how long."""

from actors.validator.patience import MAX_FAULTS_PER_WINDOW, WINDOW_MS, Patience
from ledger.types import ValidatorIndex

PEER, OTHER = ValidatorIndex(1), ValidatorIndex(2)


def exhausted(at_ms: int = 1_000) -> Patience:
    patience = Patience()
    for _ in range(MAX_FAULTS_PER_WINDOW):
        patience.note_fault(PEER, at_ms)
    return patience


def test_a_peer_without_faults_is_heard() -> None:
    assert not Patience().is_exhausted(PEER, 0)


def test_a_peer_with_a_few_faults_is_heard() -> None:
    patience = Patience()
    for _ in range(MAX_FAULTS_PER_WINDOW - 1):
        patience.note_fault(PEER, 1_000)
    assert not patience.is_exhausted(PEER, 1_000)


def test_a_peer_with_many_faults_is_not_heard_until_the_window_ends() -> None:
    patience = exhausted()
    assert patience.is_exhausted(PEER, 1_000)
    assert patience.is_exhausted(PEER, 1_000 + WINDOW_MS - 1)
    assert not patience.is_exhausted(PEER, 1_000 + WINDOW_MS)


def test_nobody_else_pays_for_it() -> None:
    assert not exhausted().is_exhausted(OTHER, 1_000)


def test_faults_that_are_far_apart_do_not_add_up() -> None:
    patience = Patience()
    for number in range(3 * MAX_FAULTS_PER_WINDOW):
        patience.note_fault(PEER, number * WINDOW_MS)
        assert not patience.is_exhausted(PEER, number * WINDOW_MS)
