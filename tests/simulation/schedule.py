"""What goes wrong in one run: drawn from the seed, before the run starts."""

from dataclasses import dataclass
from random import Random
from typing import Final

from ledger.types import max_faulty
from tests.simulation.adversaries import ADVERSARIES
from tests.simulation.network import Weather

DELTA_MS: Final = 100
CHAOS_MS: Final = 20 * DELTA_MS


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens at a time: a partition, a heal, a crash or a restart.

    ``groups`` gives each validator its side of a partition.
    """

    at_ms: int
    kind: str
    node: int = -1
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Validators, traitors, weather, and actions in order of time."""

    seed: int
    count: int
    traitors: tuple[tuple[int, str], ...]
    weather: Weather
    latency_ms: tuple[float, float]
    straggler: int | None
    actions: tuple[Action, ...]

    @property
    def byzantine(self) -> frozenset[int]:
        """Validators under the adversary's control."""
        return frozenset(index for index, _ in self.traitors)


def draw_schedule(seed: int, count: int | None = None) -> Schedule:
    """Schedule of a seed: n = 4 in three of four, n = 7 in the others, unless given."""
    rng = Random(f"schedule {seed}")
    drawn_count = 7 if rng.random() < 0.25 else 4
    count = drawn_count if count is None else count

    # TRAITORS
    number = rng.choice((0, *range(1, max_faulty(count) + 1), max_faulty(count)))
    traitors = tuple(
        (index, rng.choice(sorted(ADVERSARIES))) for index in rng.sample(range(count), number)
    )
    honest = [index for index in range(count) if index not in dict(traitors)]

    # WEATHER
    is_bad = rng.random() < 0.5
    weather = Weather(
        loss=rng.uniform(0, 0.2) if is_bad else 0.0,
        duplication=rng.uniform(0, 0.1) if is_bad else 0.0,
    )
    fastest_ms = rng.uniform(1, 15)
    latency_ms = (fastest_ms, fastest_ms + rng.choice((1.0, 10.0, 40.0, 150.0)))
    straggler = rng.choice(honest) if rng.random() < 0.15 else None

    # PARTITIONS, CRASHES
    actions: list[Action] = []
    for _ in range(rng.choice((0, 1, 1, 2))):
        start_ms = rng.randrange(CHAOS_MS)
        groups = tuple(rng.randrange(2) for _ in range(count))
        actions.append(Action(start_ms, "partition", groups=groups))
        actions.append(Action(start_ms + rng.randrange(CHAOS_MS // 2), "heal"))
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        node = rng.choice(honest)
        start_ms = rng.randrange(CHAOS_MS)
        kind = rng.choice(("crash", "crash before send"))
        actions.append(Action(start_ms, kind, node))
        actions.append(Action(start_ms + rng.randrange(CHAOS_MS // 2), "restart", node))
    if rng.random() < 0.05:
        start_ms = rng.randrange(CHAOS_MS)
        actions.extend(Action(start_ms, "crash", node) for node in honest)
        actions.extend(Action(start_ms + rng.randrange(1, 500), "restart", node) for node in honest)
    actions.sort(key=lambda action: action.at_ms)
    return Schedule(seed, count, traitors, weather, latency_ms, straggler, tuple(actions))
