"""kill -9 at every place where the process could die between writing, syncing and sending.

A run of some views has so many boundaries; each is tried, with each thing that a disk can make of
what was not synced. `pytest -m chaos -s` prints how many were tried.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from crash_journal import Boundary, CrashJournal, CrashPlan, Disk
from crash_world import CrashWorld

from tests.simulation.checker import InvariantBroken

MEMORY = Path("/dev/shm")

VIEWS = 8
SAMPLED = 11
"""By default every eleventh boundary is tried; 11 and the boundaries of a view have no factor."""

SMALL_SEGMENT_BYTES = 1_500
"""Some views fill it, so that dying in the middle of a rotation is tried too."""


@pytest.fixture
def disk_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: what the system does on a sync is not tested."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    directory = Path(tempfile.mkdtemp(prefix="braid-crash-", dir=MEMORY))
    yield directory
    shutil.rmtree(directory)


class ForgetfulJournal(CrashJournal):
    """Says that it has synced, and has not."""

    def sync(self) -> None:
        synced = self._synced
        super().sync()
        self._synced = synced


def count_boundaries(directory: Path, segment_bytes: int) -> CrashPlan:
    world = CrashWorld(directory, (), Disk.KEPT, VIEWS, segment_bytes=segment_bytes)
    world.run()
    return world.plans[0]


def crash_at(
    directory: Path, numbers: tuple[int, ...], disk: Disk, segment_bytes: int, seed: int = 1
) -> int:
    """Run with crashes at these boundaries; gives how many of them were reached."""
    world = CrashWorld(directory, numbers, disk, VIEWS, seed=seed, segment_bytes=segment_bytes)
    try:
        world.run()
    except Exception as error:
        error.add_note(f"crash points {numbers}, {disk.value}, seed {seed}, {segment_bytes} bytes")
        raise
    return sum(plan.died_at is not None for plan in world.plans)


def tell(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")


def test_a_journal_that_does_not_sync_is_found_out(disk_directory: Path) -> None:
    """The harness itself: votes that were sent and are lost have to be seen as such."""
    caught = 0
    for number in range(3, 120, 4):
        world = CrashWorld(
            disk_directory / str(number),
            (number,),
            Disk.LOST,
            VIEWS,
            journal_class=ForgetfulJournal,
        )
        try:
            world.run()
        except (InvariantBroken, AssertionError):
            caught += 1
    assert caught > 10


def test_a_run_without_crash_passes_every_kind_of_boundary(disk_directory: Path) -> None:
    plan = count_boundaries(disk_directory, SMALL_SEGMENT_BYTES)
    assert set(plan.kinds) == set(Boundary)
    assert plan.died_at is None


@pytest.mark.parametrize("disk", list(Disk), ids=lambda disk: disk.name.lower())
def test_a_crash_at_sampled_boundaries_breaks_no_promise(disk_directory: Path, disk: Disk) -> None:
    total = count_boundaries(disk_directory / "whole", SMALL_SEGMENT_BYTES).passed
    numbers = range(1 + list(Disk).index(disk), total + 1, SAMPLED)
    tried = sum(
        crash_at(disk_directory / str(number), (number,), disk, SMALL_SEGMENT_BYTES)
        for number in numbers
    )
    tell(f"{tried} of {total} crash points, {disk.value}")
    assert tried >= len(numbers) // 2


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("segment_bytes", [SMALL_SEGMENT_BYTES, 1 << 25])
@pytest.mark.parametrize("disk", list(Disk), ids=lambda disk: disk.name.lower())
def test_a_crash_at_every_boundary_breaks_no_promise(
    disk_directory: Path, disk: Disk, segment_bytes: int
) -> None:
    total = count_boundaries(disk_directory / "whole", segment_bytes).passed
    tried = sum(
        crash_at(disk_directory / str(number), (number,), disk, segment_bytes)
        for number in range(1, total + 1)
    )
    tell(f"{tried} of {total} crash points, {disk.value}")
    assert tried >= total // 2


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_crashes_in_up_to_four_lives_in_a_row_break_no_promise(disk_directory: Path) -> None:
    chance = Random(7)
    total = count_boundaries(disk_directory / "whole", SMALL_SEGMENT_BYTES).passed
    tried = 0
    for run in range(300):
        numbers = tuple(chance.randrange(1, total // 2) for _ in range(chance.randrange(2, 5)))
        disk = chance.choice(list(Disk))
        directory = disk_directory / f"run-{run}"
        tried += crash_at(directory, numbers, disk, SMALL_SEGMENT_BYTES, seed=run)
    tell(f"{tried} crashes in 300 runs")
    assert tried > 300
