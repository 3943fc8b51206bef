"""A journal that counts the places at which a process can die, and dies at one of them."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from random import Random

from storage.journal import DEFAULT_SEGMENT_BYTES, Journal
from storage.journal_format import SEGMENT_HEADER_BYTES

GARBAGE_BYTES = 300


class Boundary(StrEnum):
    """Where a process can die between two things that another process would notice."""

    BEFORE_APPEND = "before append"
    AFTER_APPEND = "after append"
    BEFORE_SYNC = "before sync"
    AFTER_SYNC = "after sync"
    BEFORE_SEND = "before send"


class Disk(StrEnum):
    """What a crash leaves of what was written and not synced."""

    KEPT = "the process dies"
    """All of it: the system writes it out later."""
    LOST = "the power fails"
    """None of it."""
    TORN = "the power fails in the middle of a write"
    """Half of it, and then garbage."""


class Crash(Exception):
    """The process dies here."""


class CrashPlan:
    """Counts boundaries; dies at the one with the chosen number, counted from 1.

    Parameters
    ----------
    on_death
        Called at that moment, before anything else happens.
    """

    def __init__(
        self, fatal: int | None = None, on_death: Callable[[], None] = lambda: None
    ) -> None:
        self.fatal = fatal
        self.is_over = False
        self._on_death = on_death
        self.passed = 0
        self.kinds: Counter[Boundary] = Counter()
        self.died_at: Boundary | None = None

    def reach(self, boundary: Boundary) -> None:
        if self.is_over:
            return  # Only cleaning up.
        if self.died_at is not None:
            raise Crash("the dead do nothing")
        self.passed += 1
        self.kinds[boundary] += 1
        if self.passed == self.fatal:
            self.died_at = boundary
            self._on_death()
            raise Crash(f"{boundary.value}, number {self.passed}")


class CrashJournal(Journal):
    """The real journal, with boundaries around each append and each sync."""

    def __init__(
        self, directory: Path, plan: CrashPlan, *, segment_bytes: int = DEFAULT_SEGMENT_BYTES
    ) -> None:
        self.directory = directory
        self._plan = plan
        super().__init__(directory, segment_bytes=segment_bytes)
        self._synced = (self._newest(), self._newest().stat().st_size)

    def append(self, records: Sequence[bytes]) -> int:
        self._plan.reach(Boundary.BEFORE_APPEND)
        sequence = super().append(records)
        self._plan.reach(Boundary.AFTER_APPEND)
        return sequence

    def sync(self) -> None:
        self._plan.reach(Boundary.BEFORE_SYNC)
        super().sync()
        self._synced = (self._newest(), self._newest().stat().st_size)
        self._plan.reach(Boundary.AFTER_SYNC)

    def close(self) -> None:
        self._plan.is_over = True
        super().close()

    def copy_as_left_by(self, disk: Disk, target: Path, random: Random) -> int:
        """Copy what a crash at this moment leaves; gives how many unsynced bytes there were."""
        shutil.copytree(self.directory, target)
        return leave(target, self.unsynced_bytes(), disk, random)

    def unsynced_bytes(self) -> int:
        """How much of the newest segment may be lost."""
        newest = self._newest()
        segment, synced_bytes = self._synced
        # A segment's header is synced before anything goes into it.
        durable_bytes = synced_bytes if segment == newest else SEGMENT_HEADER_BYTES
        return newest.stat().st_size - durable_bytes

    def _newest(self) -> Path:
        return max(self.directory.glob("*.journal"))


def leave(journal_directory: Path, unsynced_bytes: int, disk: Disk, random: Random) -> int:
    """Make a journal's files what they are after a crash."""
    segment = max(journal_directory.glob("*.journal"))
    data = segment.read_bytes()
    durable = len(data) - unsynced_bytes
    if disk is Disk.LOST:
        segment.write_bytes(data[:durable])
    if disk is Disk.TORN:
        written = random.randrange(unsynced_bytes + 1)
        segment.write_bytes(data[: durable + written] + random.randbytes(GARBAGE_BYTES))
    return unsynced_bytes
