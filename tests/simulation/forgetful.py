"""A validator that loses its disk when it crashes, in an otherwise usual schedule."""

from dataclasses import replace
from enum import Enum
from random import Random
from typing import Final

from consensus import LeadersConvicted, Start, initial_state
from consensus.messages import CHALLENGE_BYTES
from tests.simulation.node import Journal, Node
from tests.simulation.schedule import CHAOS_MS, Action, Schedule, draw_schedule
from tests.simulation.simulate import Simulation
from tests.simulation.world import World

CRASHES: Final = 3


class Restored(Enum):
    """What a validator's disk holds after a loss, and what it takes that for."""

    NO_JOURNAL = "asks the others"
    NO_JOURNAL_NAIVE = "takes itself for a new validator"
    OLD_JOURNAL_NAIVE = "takes the journal of a backup for its last"


class ForgetfulNode(Node):
    """Keeps its final chain, as a backup would, but not all that it has voted."""

    def __init__(self, world: World, index: int, how: Restored) -> None:
        super().__init__(world, index)
        self._how = how
        self._has_lost_its_disk = False

    def crash(self) -> None:
        """Lose everything, the journal included; half of that may be in a backup."""
        if not self.is_up:
            return
        super().crash()
        records = self.journal.records
        self.journal = Journal()
        if self._how is Restored.OLD_JOURNAL_NAIVE:
            self.journal.records = records[: len(records) // 2]
            self.journal.synced = len(self.journal.records)
        else:
            self.store = {}
        self._has_lost_its_disk = True
        self.world.faults["lost disk"] += 1

    def boot(self) -> None:
        """Start from what is on the disk, knowing whether that is all."""
        asks = self._has_lost_its_disk and self._how is Restored.NO_JOURNAL
        if self.is_up or not asks:
            super().boot()
            return
        self._incarnation += 1
        self._timer_ms = -1
        self.on_boot()
        self._waiting = {}
        self.state = initial_state(self.config)
        challenge = self.world.rng.randbytes(CHALLENGE_BYTES)
        self.run(Start(tuple(self.journal.records), challenge))
        if self._convicted:
            self.run(LeadersConvicted(self._convicted))


class Forgetting(Simulation):
    """One honest validator of the schedule loses its disk at each crash."""

    def __init__(self, schedule: Schedule, victim: int, how: Restored) -> None:
        super().__init__(schedule)
        self.victim = ForgetfulNode(self.world, victim, how)
        self.honest = [self.victim if node.index == victim else node for node in self.honest]


def forgetting_schedule(seed: int, traitors: int) -> tuple[Schedule, int]:
    """A schedule with at most so many traitors, and the validator that loses its disk in it."""
    drawn = draw_schedule(seed)
    rng = Random(f"forgetful {seed}")
    schedule = replace(drawn, traitors=drawn.traitors[:traitors])
    victim = rng.choice([i for i in range(schedule.count) if i not in schedule.byzantine])
    crashes = []
    for _ in range(CRASHES):
        start_ms = rng.randrange(CHAOS_MS)
        kind = rng.choice(("crash", "crash", "crash before send"))
        crashes.append(Action(start_ms, kind, victim))
        crashes.append(Action(start_ms + rng.randrange(1, CHAOS_MS // 4), "restart", victim))
    others = [action for action in schedule.actions if action.node != victim]
    actions = sorted([*others, *crashes], key=lambda action: action.at_ms)
    return replace(schedule, actions=tuple(actions)), victim
