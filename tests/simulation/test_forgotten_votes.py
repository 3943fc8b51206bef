"""Rule 17: who has lost its journal contradicts nothing that it said, and votes again."""

import pytest

from consensus import rejoin
from ledger.types import View, max_faulty
from tests.simulation.checker import InvariantBroken
from tests.simulation.forgetful import Forgetting, Restored, forgetting_schedule
from tests.simulation.simulate import Outcome

NO_PROGRESS = "no new final payload"


def run(seed: int, *, spare_faults: int = 1, how: Restored = Restored.NO_JOURNAL) -> Outcome:
    """One schedule; by default the forgetful validator is one of the f that may be faulty."""
    count = forgetting_schedule(seed, 0)[0].count
    schedule, victim = forgetting_schedule(seed, max_faulty(count) - spare_faults)
    return Forgetting(schedule, victim, how).run()


def survives_safely(seed: int) -> bool:
    """A run with f traitors beside the forgetful validator: it may stand still, no more."""
    try:
        run(seed, spare_faults=0)
    except InvariantBroken as error:
        if NO_PROGRESS not in str(error):
            raise
        return False
    return True


def contradictions(seeds: range, how: Restored) -> int:
    """How many of the runs break a promise of safety."""
    broken = 0
    for seed in seeds:
        try:
            run(seed, how=how)
        except InvariantBroken as error:
            broken += NO_PROGRESS not in str(error)
    return broken


def test_a_validator_that_lost_its_disk_contradicts_nothing_and_finalizes_again() -> None:
    lost = sum(run(seed).faults["lost disk"] for seed in range(60))
    assert lost > 60


def test_with_f_traitors_beside_it_the_ledger_may_wait_but_nothing_is_contradicted() -> None:
    went_on = [survives_safely(seed) for seed in range(60)]
    assert any(went_on)


@pytest.mark.parametrize("how", [Restored.NO_JOURNAL_NAIVE, Restored.OLD_JOURNAL_NAIVE])
def test_a_validator_that_does_not_know_of_its_loss_contradicts_itself(how: Restored) -> None:
    assert contradictions(range(60), how) > 0


@pytest.mark.simulation
@pytest.mark.timeout(900)
def test_2000_more_lost_disks() -> None:
    for seed in range(1_000, 2_000):
        run(seed)
        survives_safely(seed)


def test_voting_in_the_view_that_the_others_are_in_would_be_too_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle_on = rejoin._settle_on
    monkeypatch.setattr(
        rejoin, "_settle_on", lambda turn, view: settle_on(turn, View(max(1, view - 2)))
    )
    assert contradictions(range(60), Restored.NO_JOURNAL) > 0
