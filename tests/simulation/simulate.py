"""Run one schedule: chaos first, then a healed network that has to make progress."""

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final

from consensus import step
from tests.simulation.adversaries import ADVERSARIES, Adversary
from tests.simulation.checker import InvariantBroken
from tests.simulation.keys import KeyedHashValidators, RealValidators
from tests.simulation.network import CALM
from tests.simulation.node import Node
from tests.simulation.schedule import CHAOS_MS, DELTA_MS, Action, Schedule
from tests.simulation.world import Step, World

LIVENESS_MS: Final = 20 * DELTA_MS
CALM_LATENCY_MS: Final = (5.0, 30.0)
BUILD_MS: Final = (0.0, 50.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; ``trace_digest`` is the same for the same seed."""

    seed: int
    count: int
    views: int
    height: int
    events: int
    sent: int
    evidence: int
    faults: Counter[str]
    recovery_ms: int
    trace_digest: str


class Simulation:
    """One run of a schedule.

    Parameters
    ----------
    step_function, validators, is_durable
        The protocol under test, its keys and its disks; tests hand in broken ones.
    """

    def __init__(
        self,
        schedule: Schedule,
        step_function: Step = step,
        validators: KeyedHashValidators | None = None,
        is_durable: bool = True,
    ) -> None:
        self.schedule = schedule
        self.world = World(
            seed=schedule.seed,
            validators=validators or KeyedHashValidators(schedule.count),
            byzantine=schedule.byzantine,
            latency_ms=self._latency_ms,
            delta_ms=DELTA_MS,
            build_ms=BUILD_MS,
            step_function=step_function,
            is_durable=is_durable,
            is_encoded=isinstance(validators, RealValidators),
        )
        self._is_stable = False
        self._goal_view = 0
        traitors = dict(schedule.traitors)
        self.honest = [Node(self.world, i) for i in range(schedule.count) if i not in traitors]
        self.traitors: list[Adversary] = [
            ADVERSARIES[name](self.world, index) for index, name in schedule.traitors
        ]

    def run(self) -> Outcome:
        """Run to the end.

        Raises
        ------
        InvariantBroken
            If the protocol broke a promise.
        """
        world, schedule = self.world, self.schedule
        for node in [*self.honest, *self.traitors]:
            world.scheduler.after(world.rng.randrange(DELTA_MS * 1000), node.boot)
        world.network.weather = schedule.weather
        for action in schedule.actions:
            world.scheduler.after(action.at_ms * 1000, self._act, action)
        world.scheduler.run(CHAOS_MS * 1500)
        self._stabilise()
        healed_us = world.scheduler.now_us
        world.scheduler.run(healed_us + LIVENESS_MS * 1000, self._is_alive)
        if not self._is_alive():
            heights = {node.index: world.checker.heights[node.index] for node in self.honest}
            raise InvariantBroken(
                f"no new final payload beyond view {self._goal_view} within {LIVENESS_MS} ms "
                f"after the network healed; heights {heights}"
            )
        recovery_ms = (world.scheduler.now_us - healed_us) // 1000
        return Outcome(
            seed=schedule.seed,
            count=schedule.count,
            views=max(node.state.view for node in self.honest if node.state is not None),
            height=world.checker.height,
            events=world.events,
            sent=world.network.sent,
            evidence=world.checker.evidence,
            faults=world.faults,
            recovery_ms=recovery_ms,
            trace_digest=world.trace_digest,
        )

    def _latency_ms(self, rng: Random, sender: int, receiver: int) -> float:
        if self._is_stable:
            return rng.uniform(*CALM_LATENCY_MS)
        is_slow = self.schedule.straggler in (sender, receiver)
        return rng.uniform(*self.schedule.latency_ms) + (DELTA_MS if is_slow else 0)

    def _act(self, action: Action) -> None:
        """Do what the schedule says; after the chaos is over nothing is broken any more."""
        world = self.world
        if self._is_stable:
            return
        world.record(action.node, action.kind, action.groups)
        if action.kind == "partition":
            world.network.groups = action.groups
            world.faults["partition"] += 1
        elif action.kind == "heal":
            world.network.groups = None
        else:
            node = next(node for node in self.honest if node.index == action.node)
            if action.kind == "crash":
                node.crash()
            elif action.kind == "crash before send":
                node.will_crash_before_send = node.is_up
            else:
                node.boot()

    def _stabilise(self) -> None:
        """The global stabilisation time: everybody is up, and every packet arrives within Δ."""
        self._is_stable = True
        self.world.network.groups = None
        self.world.network.weather = CALM
        for node in self.honest:
            node.will_crash_before_send = False
            node.boot()
        self._goal_view = max(node.state.view for node in self.honest if node.state is not None)

    def _is_alive(self) -> bool:
        """Whether every honest validator has finalized something proposed after the heal."""
        return all(node.final_view > self._goal_view for node in self.honest)


def simulate_with_real_signatures(schedule: Schedule) -> Outcome:
    """With the validator set of the product, and every message through the codec."""
    return Simulation(schedule, validators=RealValidators(schedule.count)).run()
