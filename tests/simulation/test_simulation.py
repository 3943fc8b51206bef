"""Schedules of faults that the protocol has to survive."""

import pytest

from tests.simulation.adversaries import ADVERSARIES
from tests.simulation.campaign import Campaign, run_campaign
from tests.simulation.network import CALM
from tests.simulation.schedule import Action, Schedule, draw_schedule
from tests.simulation.seeds import keep_seed, kept_seeds
from tests.simulation.simulate import Simulation, simulate_with_real_signatures


def survive(seeds: range | list[int]) -> Campaign:
    """Run the seeds; the failing ones are kept, and shown with their reason."""
    campaign = run_campaign(seeds)
    for seed, reason in campaign.failures.items():
        keep_seed(seed, reason)
    assert campaign.failures == {}
    return campaign


def quiet(count: int, *traitors: tuple[int, str], actions: tuple[Action, ...] = ()) -> Schedule:
    """A schedule on a good network."""
    return Schedule(0, count, traitors, CALM, (5.0, 20.0), None, actions)


def test_seeds_that_once_failed_pass() -> None:
    survive(kept_seeds())


def test_150_schedules_keep_all_promises() -> None:
    campaign = survive(range(150))
    assert campaign.finalized > 2_000
    assert set(campaign.schedules) == {4, 7}
    assert set(ADVERSARIES) <= set(campaign.faults)


@pytest.mark.simulation
def test_2000_more_schedules_keep_all_promises() -> None:
    survive(range(1_000, 3_000))


@pytest.mark.parametrize("count", [4, 7, 10])
def test_quiet_network_finalizes_nearly_every_view(count: int) -> None:
    outcome = Simulation(quiet(count)).run()
    assert outcome.height >= outcome.views - 3
    assert outcome.evidence == 0


@pytest.mark.parametrize("name", sorted(ADVERSARIES))
@pytest.mark.parametrize("count", [4, 7])
def test_traitors_alone_stop_nothing(name: str, count: int) -> None:
    traitors = tuple((index, name) for index in range(1, (count - 1) // 3 + 1))
    outcome = Simulation(quiet(count, *traitors)).run()
    assert outcome.height >= outcome.views // 4


@pytest.mark.parametrize("name", ["conflicter", "equivocator", "nuller"])
def test_traitors_that_contradict_themselves_are_convicted(name: str) -> None:
    assert Simulation(quiet(4, (2, name))).run().evidence > 0


@pytest.mark.parametrize("name", ["silent", "withholder", "corrupter", "impersonator"])
def test_traitors_that_do_not_are_not(name: str) -> None:
    assert Simulation(quiet(4, (2, name))).run().evidence == 0


def test_all_crash_at_once_and_go_on_from_their_journals() -> None:
    crash = [Action(800, "crash before send", node) for node in range(4)]
    restart = [Action(1_000 + 30 * node, "restart", node) for node in range(4)]
    outcome = Simulation(quiet(4, actions=(*crash, *restart))).run()
    assert outcome.faults["crash between persist and send"] == 4
    assert outcome.height > 10


def test_validator_offline_for_long_comes_back() -> None:
    actions = (Action(100, "crash", 2), Action(2_900, "restart", 2))
    outcome = Simulation(quiet(4, actions=actions)).run()
    assert outcome.recovery_ms < 1_000


def test_validator_offline_costs_little_once_it_is_skipped() -> None:
    crash = (Action(100, "crash", 2), Action(2_990, "restart", 2))
    complete, crippled = (Simulation(quiet(4, actions=actions)).run() for actions in ((), crash))
    assert crippled.views > 0.7 * complete.views


def test_even_split_stalls_and_heals() -> None:
    actions = (Action(500, "partition", groups=(0, 0, 1, 1)), Action(2_000, "heal"))
    outcome = Simulation(quiet(4, actions=actions)).run()
    assert outcome.recovery_ms < 1_000


@pytest.mark.parametrize("seed", [2, 5, 44])
def test_same_seed_gives_the_same_run(seed: int) -> None:
    first, second = (Simulation(draw_schedule(seed)).run() for _ in range(2))
    assert first == second


def test_other_seed_gives_another_run() -> None:
    first, second = (Simulation(draw_schedule(seed)).run() for seed in (2, 3))
    assert first.trace_digest != second.trace_digest


@pytest.mark.parametrize("seed", [3, 16])
def test_real_signatures_through_the_codec_keep_all_promises(seed: int) -> None:
    assert simulate_with_real_signatures(draw_schedule(seed, count=4)).height > 5
