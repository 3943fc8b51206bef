"""A checker that passes everything is worthless: each broken protocol must be caught."""

from collections.abc import Iterable, Iterator

import pytest

from ledger.types import max_faulty
from tests.simulation.checker import InvariantBroken
from tests.simulation.keys import KeyedHashValidators
from tests.simulation.mutants import MUTANTS
from tests.simulation.schedule import Schedule, draw_schedule
from tests.simulation.simulate import Simulation

SEEDS = range(200)


def schedules(traitor: str | None = None) -> Iterator[Schedule]:
    """Schedules that give a mutant its chance."""
    for seed in SEEDS:
        schedule = draw_schedule(seed)
        if traitor is None or traitor in dict(schedule.traitors).values():
            yield schedule


def run_all(
    schedules: Iterable[Schedule], quorum_of_2f: bool = False, is_durable: bool = True
) -> None:
    """Run until something breaks."""
    for schedule in schedules:
        needed = 2 * max_faulty(schedule.count) if quorum_of_2f else None
        validators = KeyedHashValidators(schedule.count, needed=needed)
        Simulation(schedule, validators=validators, is_durable=is_durable).run()


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_broken_rule_is_caught(name: str) -> None:
    traitor = "outdated" if name == "build_on_anything" else None
    with MUTANTS[name](), pytest.raises(InvariantBroken):
        run_all(schedules(traitor))


def test_quorum_of_2f_is_caught() -> None:
    with pytest.raises(InvariantBroken):
        run_all(schedules(), quorum_of_2f=True)


def test_validator_that_forgets_its_votes_is_caught() -> None:
    with pytest.raises(InvariantBroken, match=r"cast two votes|nullified and finalized"):
        run_all(schedules(), is_durable=False)
