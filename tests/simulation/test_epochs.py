"""Changes of the validator set under faults: agreement across epochs, and progress after."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from consensus import ConsensusError, Notarized
from tests.simulation.checker import InvariantBroken
from tests.simulation.epoch_schedule import EpochSchedule, KeyOfMachine, draw_epoch_schedule
from tests.simulation.epochs import (
    EPOCH_ADVERSARIES,
    EpochOutcome,
    EpochSimulation,
    Machine,
    Member,
)
from tests.simulation.network import CALM
from tests.simulation.node import Node
from tests.simulation.schedule import Action

Set = tuple[KeyOfMachine, ...]
FIRST: Set = tuple((machine, 0) for machine in range(4))
SECOND: Set = (*FIRST[:2], (4, 0), FIRST[3])
"""Machine 2 is replaced by machine 4."""
THIRD: Set = (*SECOND[:3], (5, 0))
"""Then machine 3 by machine 5."""


def quiet(
    *sets: Set, traitors: tuple[tuple[int, str], ...] = (), actions: tuple[Action, ...] = ()
) -> EpochSchedule:
    """A schedule on a good network."""
    return EpochSchedule(0, sets, traitors, 5, CALM, (5.0, 20.0), actions)


def run(seed: int) -> EpochOutcome:
    """One seed; the failure names it."""
    try:
        return EpochSimulation(draw_epoch_schedule(seed)).run()
    except (InvariantBroken, ConsensusError) as error:
        raise InvariantBroken(f"seed {seed}: {error}") from error


def test_80_schedules_with_changes_of_the_set_keep_all_promises() -> None:
    outcomes = [run(seed) for seed in range(80)]
    faults = {fault for outcome in outcomes for fault in outcome.faults}
    assert sum(outcome.epochs for outcome in outcomes) > 200
    assert sum(sum(outcome.heights) for outcome in outcomes) > 1_000
    assert set(EPOCH_ADVERSARIES) <= faults
    assert {"joined", "removed", "crash at the end of an epoch"} <= faults
    assert sum(outcome.helped for outcome in outcomes) > 0


@pytest.mark.simulation
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(1_000, 6_000, 1_000))
def test_5000_more_schedules_keep_all_promises(first: int) -> None:
    for seed in range(first, first + 1_000):
        run(seed)


@pytest.mark.parametrize("seed", [1, 4, 12])
def test_same_seed_gives_the_same_run(seed: int) -> None:
    assert run(seed) == run(seed)


def test_a_quiet_network_changes_its_set_and_goes_on() -> None:
    outcome = EpochSimulation(quiet(FIRST, SECOND, THIRD)).run()
    assert outcome.epochs == 3
    assert min(outcome.heights) >= 4


def test_all_keys_are_replaced_one_by_one() -> None:
    sets = [FIRST]
    for place in range(4):
        members = list(sets[-1])
        members[place] = (place, 1)
        sets.append(tuple(members))
    assert EpochSimulation(quiet(*sets)).run().epochs == 5


def test_a_network_grows_and_shrinks() -> None:
    five = (*FIRST, (4, 0))
    seven = (*five, (5, 0), (6, 0))
    six = (*five, (5, 0))
    assert EpochSimulation(quiet(FIRST, five, six, seven, six)).run().epochs == 5


@pytest.mark.parametrize("name", sorted(EPOCH_ADVERSARIES))
def test_a_traitor_is_removed_and_goes_on_voting(name: str) -> None:
    outcome = EpochSimulation(quiet(FIRST, SECOND, THIRD, traitors=((2, name),))).run()
    assert outcome.epochs == 3


@pytest.mark.parametrize("name", sorted(EPOCH_ADVERSARIES))
def test_a_traitor_is_there_on_both_sides_of_the_boundary(name: str) -> None:
    outcome = EpochSimulation(quiet(FIRST, SECOND, THIRD, traitors=((1, name),))).run()
    assert outcome.epochs == 3


def test_an_equivocator_is_convicted_in_each_epoch_that_it_is_in() -> None:
    outcome = EpochSimulation(quiet(FIRST, SECOND, traitors=((2, "equivocator"),))).run()
    assert outcome.evidence[0] > 0
    assert outcome.evidence[1] == 0


def test_all_crash_at_the_end_of_an_epoch_and_end_it_again() -> None:
    crash = tuple(Action(0, "crash at the end", node) for node in range(4))
    restart = tuple(Action(1_000 + 30 * node, "restart", node) for node in range(4))
    outcome = EpochSimulation(quiet(FIRST, SECOND, actions=(*crash, *restart))).run()
    assert outcome.faults["crash at the end of an epoch"] == 4
    assert outcome.epochs == 2


def test_a_validator_that_slept_through_two_epochs_is_led_through_both() -> None:
    actions = (Action(60, "crash", 0), Action(1_900, "restart", 0))
    outcome = EpochSimulation(quiet(FIRST, SECOND, THIRD, actions=actions)).run()
    assert outcome.epochs == 3
    assert outcome.helped >= 2


# A CHECKER THAT PASSES EVERYTHING IS WORTHLESS


def _begin_at_notarization(self: Member, effect: Notarized) -> None:
    digest = effect.certificate.proposal.payload
    if self.is_up and self._ends_epoch(digest):
        payload = self.store[digest]
        self.certificate = None  # type: ignore[assignment]  # there is none
        self.stop()
        self.machine.enter(
            self.machine.simulation.era(self.machine.era.number + 1, (payload.view, digest))
        )


@contextmanager
def begin_at_notarization() -> Iterator[None]:
    """Begin the next epoch before the last payload is final."""
    with patch.object(Member, "notarized", _begin_at_notarization):
        yield


@contextmanager
def leave_alone_who_is_behind() -> Iterator[None]:
    """Do not answer what is said in an epoch that is over."""
    with patch.object(Machine, "_help", lambda self, sender, message: None):
        yield


@contextmanager
def never_propose_again() -> Iterator[None]:
    """Go on after the last payload as after any other."""
    with patch.object(Node, "repeats", lambda self, parent: False):
        yield


@pytest.mark.parametrize(
    "mutant", [begin_at_notarization, leave_alone_who_is_behind, never_propose_again]
)
def test_a_broken_rule_is_caught(mutant) -> None:
    with mutant(), pytest.raises(InvariantBroken):
        run_all()


def run_all() -> None:
    """Run until something breaks."""
    for seed in range(200):
        run(seed)
