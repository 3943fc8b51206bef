"""Schedules of faults that the protocol has to survive."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from consensus import compact
from tests.simulation.adversaries import ADVERSARIES
from tests.simulation.campaign import FINALIZED, SCHEDULES, Campaign, run_campaign
from tests.simulation.keys import KeyedHashValidators
from tests.simulation.network import CALM
from tests.simulation.node import Node
from tests.simulation.schedule import Action, Schedule, draw_schedule
from tests.simulation.seeds import keep_seed, kept_seeds
from tests.simulation.simulate import Simulation, simulate_with_real_signatures
from tests.simulation.world import World


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
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(1_000, 11_000, 1_000))
def test_10000_more_schedules_keep_all_promises(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    campaign = survive(range(first, first + 1_000))
    record_property(SCHEDULES, sum(campaign.schedules.values()))
    record_property(FINALIZED, campaign.finalized)


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
    assert crippled.height > 0.7 * complete.height


def test_even_split_stalls_and_heals() -> None:
    actions = (Action(500, "partition", groups=(0, 0, 1, 1)), Action(2_000, "heal"))
    outcome = Simulation(quiet(4, actions=actions)).run()
    assert outcome.recovery_ms < 1_000


@pytest.mark.parametrize("seed", [2, 5, 44])
def test_same_seed_gives_the_same_run(seed: int) -> None:
    first, second = (Simulation(draw_schedule(seed)).run() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_same_seed_gives_the_same_run_in_another_process(hash_seed: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "5", "--json"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert json.loads(process.stdout)["trace_digest"] == run_campaign([5]).trace_digest


def test_300_views_leave_no_more_behind_than_10() -> None:
    world = World(0, KeyedHashValidators(4), frozenset(), lambda rng, a, b: rng.uniform(1, 5), 100)
    nodes = [Node(world, index) for index in range(4)]
    for node in nodes:
        node.boot()
    world.scheduler.run(10_000_000, lambda: min(node.final_view for node in nodes) >= 300)
    for node in nodes:
        assert node.state is not None
        assert node.final_view >= 300
        assert len(node.state.views) <= node.config.retained_views + 4
        assert len(compact(node.state)) < 15


def test_other_seed_gives_another_run() -> None:
    first, second = (Simulation(draw_schedule(seed)).run() for seed in (2, 3))
    assert first.trace_digest != second.trace_digest


@pytest.mark.parametrize("seed", [3, 16])
def test_real_signatures_through_the_codec_keep_all_promises(seed: int) -> None:
    assert simulate_with_real_signatures(draw_schedule(seed, count=4)).height > 5
