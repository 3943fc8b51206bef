"""What goes wrong in a run with changes of the validator set: drawn from the seed."""

from dataclasses import dataclass
from random import Random

from ledger.types import max_faulty, quorum
from tests.simulation.adversaries import ADVERSARIES
from tests.simulation.network import Weather
from tests.simulation.schedule import CHAOS_MS, Action

KeyOfMachine = tuple[int, int]
"""A machine, and which of its keys."""


@dataclass(frozen=True, slots=True)
class EpochSchedule:
    """The set of each epoch, traitors by machine, weather, and actions in order of time."""

    seed: int
    sets: tuple[tuple[KeyOfMachine, ...], ...]
    traitors: tuple[tuple[int, str], ...]
    views_per_epoch: int
    weather: Weather
    latency_ms: tuple[float, float]
    actions: tuple[Action, ...]

    @property
    def machines(self) -> tuple[int, ...]:
        """All machines that are ever a validator."""
        return tuple(sorted({machine for members in self.sets for machine, _ in members}))


def draw_sets(rng: Random, count: int, changes: int) -> tuple[tuple[KeyOfMachine, ...], ...]:
    """Sets that follow from one another within the ledger's bounds."""
    members = [(machine, 0) for machine in range(count)]
    sets = [tuple(members)]
    fresh = count
    while len(sets) <= changes:
        kind = rng.choice(("replace", "replace", "add", "remove", "rotate"))
        place = rng.randrange(len(members))
        changed = list(members)
        if kind == "replace":
            changed[place] = (fresh, 0)
        elif kind == "rotate":
            machine, key = changed[place]
            changed[place] = (machine, key + 1)
        elif kind == "add":
            changed.append((fresh, 0))
        else:
            del changed[place]
        staying = len(set(members) & set(changed))
        needed = max(quorum(len(members)), quorum(len(changed)))
        if len(changed) < 4 or staying < needed:
            continue
        fresh += kind in ("replace", "add")
        members = changed
        sets.append(tuple(members))
    return tuple(sets)


def draw_traitors(
    rng: Random, sets: tuple[tuple[KeyOfMachine, ...], ...]
) -> tuple[tuple[int, str], ...]:
    """At most f traitors in each epoch."""
    machines = sorted({machine for members in sets for machine, _ in members})
    rng.shuffle(machines)
    traitors: dict[int, str] = {}
    for machine in machines[: rng.choice((0, 1, len(machines)))]:
        chosen = {*traitors, machine}
        if all(
            len([one for one, _ in members if one in chosen]) <= max_faulty(len(members))
            for members in sets
        ):
            traitors[machine] = rng.choice((*sorted(ADVERSARIES), "relabeller"))
    return tuple(sorted(traitors.items()))


def draw_epoch_schedule(seed: int) -> EpochSchedule:
    """Schedule of a seed: one to three changes of a set that starts with 4, 5 or 7."""
    rng = Random(f"epochs {seed}")
    sets = draw_sets(rng, rng.choice((4, 4, 5, 7)), rng.randint(1, 3))
    traitors = draw_traitors(rng, sets)
    machines = sorted({machine for members in sets for machine, _ in members})
    honest = [machine for machine in machines if machine not in dict(traitors)]

    # WEATHER
    is_bad = rng.random() < 0.5
    weather = Weather(
        loss=rng.uniform(0, 0.2) if is_bad else 0.0,
        duplication=rng.uniform(0, 0.1) if is_bad else 0.0,
    )
    fastest_ms = rng.uniform(1, 15)
    latency_ms = (fastest_ms, fastest_ms + rng.choice((1.0, 10.0, 40.0, 150.0)))

    # PARTITIONS, CRASHES
    actions: list[Action] = []
    for _ in range(rng.choice((0, 1, 1, 2))):
        start_ms = rng.randrange(CHAOS_MS)
        groups = tuple(rng.randrange(2) for _ in range(max(machines) + 1))
        actions.append(Action(start_ms, "partition", groups=groups))
        actions.append(Action(start_ms + rng.randrange(CHAOS_MS // 2), "heal"))
    for _ in range(rng.choice((0, 1, 2, 4))):
        node = rng.choice(honest)
        start_ms = rng.randrange(CHAOS_MS)
        kind = rng.choice(("crash", "crash before send", "crash at the end", "crash at the end"))
        actions.append(Action(start_ms, kind, node))
        actions.append(Action(start_ms + rng.randrange(CHAOS_MS // 2), "restart", node))
    actions.sort(key=lambda action: action.at_ms)
    views = rng.choice((2, 5, 9))
    return EpochSchedule(seed, sets, traitors, views, weather, latency_ms, tuple(actions))
