"""Latency of the real protocol between ten AWS regions, with no time spent computing.

One-way delays are half of a round trip. Their spread is a normal distribution
through the two percentiles that the tables give: mean p50/2, standard deviation
(p90 − p50)/2, cut off at zero, the reading of the estimator that published them
(a normal distribution proper would divide by 1.28; that moves no figure by 1 %).

Convention: a view starts when its leader sends the proposal. Each validator
notarizes when it holds 2f+1 notarize votes or a notarization, and finalizes
likewise; the mean is over validators, then over views, each validator leading
equally often. The idealized figures to compare with wait for 67 % of the
votes, their own one included and free, and know no certificates.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import mean
from typing import Final

from consensus import Finalized, Notarized
from consensus.messages import ConsensusMessage
from ledger.types import View
from ledger.votes import Notarize
from tests.simulation.keys import KeyedHashValidators
from tests.simulation.node import Node
from tests.simulation.world import World

LATENCY_FOLDER: Final = Path(__file__).parents[3] / "shared" / "vectors" / "latency"
REGIONS: Final = (
    "us-west-1",
    "us-east-1",
    "eu-west-1",
    "ap-northeast-1",
    "eu-north-1",
    "ap-south-1",
    "sa-east-1",
    "eu-central-1",
    "ap-northeast-2",
    "ap-southeast-2",
)
IDEAL_MS: Final = {4: (100, 157), 10: (182, 285), 50: (183, 288)}
DELTA_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class GeoResult:
    """Mean times from proposal to notarization and to finalization."""

    count: int
    views: int
    notarized_ms: float
    finalized_ms: float
    ideal_notarized_ms: int
    ideal_finalized_ms: int


class _Stopwatch:
    """When each view was proposed, and when each validator saw it notarized and final."""

    def __init__(self) -> None:
        self.proposed_us: dict[View, int] = {}
        self.notarized_us: dict[View, dict[int, int]] = {}
        self.finalized_us: dict[View, dict[int, int]] = {}

    def mean_ms(self, seen: dict[View, dict[int, int]], count: int, views: range) -> float:
        """Mean over all validators of the given views."""
        delays = [
            at_us - self.proposed_us[View(view)]
            for view in views
            for at_us in seen[View(view)].values()
        ]
        assert len(delays) == count * len(views)
        return mean(delays) / 1000


class _TimedNode(Node):
    """An honest validator with a look at the clock."""

    stopwatch: _Stopwatch

    def broadcast(self, message: ConsensusMessage) -> None:
        if isinstance(message, Notarize):
            is_proposal = self.config.leader_of(message.proposal.view) == self.index
            if is_proposal:
                now_us = self.world.scheduler.now_us
                self.stopwatch.proposed_us.setdefault(message.proposal.view, now_us)
        super().broadcast(message)

    def notarized(self, effect: Notarized) -> None:
        seen = self.stopwatch.notarized_us.setdefault(effect.certificate.proposal.view, {})
        seen.setdefault(self.index, self.world.scheduler.now_us)

    def finalized(self, effect: Finalized) -> None:
        for proposal in effect.chain:
            seen = self.stopwatch.finalized_us.setdefault(proposal.view, {})
            seen.setdefault(self.index, self.world.scheduler.now_us)
        super().finalized(effect)


def measure(
    count: int, rounds: int, seed: int = 0, progress: Callable[[int], None] = lambda done: None
) -> GeoResult:
    """Run ``rounds`` turns of all leaders and give the mean times.

    Raises
    ------
    FileNotFoundError
        If the latency tables are not there.
    """
    p50, p90 = _read_table("p50"), _read_table("p90")

    def latency_ms(rng: Random, sender: int, receiver: int) -> float:
        source, target = (REGIONS[index % len(REGIONS)] for index in (sender, receiver))
        median_ms, slow_ms = p50[source][target], p90[source][target]
        return max(0.0, rng.gauss(median_ms / 2, (slow_ms - median_ms) / 2))

    world = World(seed, KeyedHashValidators(count), frozenset(), latency_ms, DELTA_MS)
    stopwatch = _Stopwatch()
    nodes = [_TimedNode(world, index) for index in range(count)]
    for node in nodes:
        node.stopwatch = stopwatch
        node.boot()
    # The first turn warms up; one view more, so that the last one measured gets final.
    views = range(count + 1, count * (rounds + 1) + 1)
    for view in range(views.stop + 2):
        world.scheduler.run(10**12, partial(_have_all_reached, nodes, view))
        progress(view)
    ideal = IDEAL_MS.get(count, (0, 0))
    return GeoResult(
        count=count,
        views=len(views),
        notarized_ms=round(stopwatch.mean_ms(stopwatch.notarized_us, count, views), 1),
        finalized_ms=round(stopwatch.mean_ms(stopwatch.finalized_us, count, views), 1),
        ideal_notarized_ms=ideal[0],
        ideal_finalized_ms=ideal[1],
    )


def _have_all_reached(nodes: list[_TimedNode], view: int) -> bool:
    return min(node.final_view for node in nodes) >= view


def _read_table(percentile: str) -> dict[str, dict[str, float]]:
    path = LATENCY_FOLDER / f"aws_{percentile}.json"
    data: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))["data"]
    return data
