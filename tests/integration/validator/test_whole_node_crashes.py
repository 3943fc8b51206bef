"""A whole validator, with engines and stores, that dies at journal boundaries and on bad disks."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from crash_journal import Boundary, Crash, CrashJournal, CrashPlan, Disk, leave
from local_network import LocalNetwork

from ledger.types import ChainRole
from storage.journal import Journal

VICTIM = 2
GARBAGE_BYTES = 500
CUT_BYTES = 900


class Life:
    """One life of the victim, from its start to a boundary."""

    def __init__(self, network: LocalNetwork, fatal: int, disk: Disk, random: Random) -> None:
        self.plan = CrashPlan(fatal, self._keep)
        self._network = network
        self._disk = disk
        self._random = random
        self._directory = network.node_directory(VICTIM)
        self._copy = self._directory.with_suffix(".killed")
        self._journal: CrashJournal | None = None
        self._unsynced_bytes = 0

    async def live(self) -> None:
        """Start, die, and leave on the disk what was there at that moment."""
        ordinary = self._network.open_journal
        self._network.open_journal = self._open
        try:
            await self._network.start(VICTIM)
        except Crash:
            pass  # In its first moments.
        finally:
            self._network.open_journal = ordinary
        async with asyncio.timeout(60):
            while self.plan.died_at is None:
                assert self._network.failures == [] or self.plan.died_at is not None
                await asyncio.sleep(0.002)
        await self._network.stop(VICTIM)
        others = [error for error in self._network.failures if not isinstance(error, Crash)]
        assert others == []
        self._network.failures.clear()
        shutil.rmtree(self._directory)
        self._copy.rename(self._directory)
        leave(self._directory / "journal", self._unsynced_bytes, self._disk, self._random)

    def _open(self, index: int, directory: Path) -> Journal:
        if index != VICTIM:
            return Journal(directory)
        self._journal = CrashJournal(directory, self.plan)
        return self._journal

    def _keep(self) -> None:
        assert self._journal is not None
        self._unsynced_bytes = self._journal.unsynced_bytes()
        shutil.copytree(self._directory, self._copy)


async def assert_it_votes_and_agrees(network: LocalNetwork) -> None:
    """All have one ledger, nobody is convicted, and nothing is final without the victim's vote."""
    await network.wait_for_growth(6)
    await network.stop(0)
    await network.wait_for_growth(6)
    await network.start(0)
    await network.wait_for_growth(3)
    height = network.height()
    assert len({tuple(network.digests(index, height)) for index in network.nodes}) == 1
    for role in ChainRole:
        last = min(network.core(index, role).final_number for index in network.nodes)
        assert len({tuple(network.state_roots(index, role, last)) for index in network.nodes}) == 1
    for node in network.nodes.values():
        assert node.final_state.convicted == ()
        assert node.operators.evidence() == []


async def live_often(network: LocalNetwork, numbers: range) -> set[Boundary]:
    """Die once at each of these boundaries; gives the kinds that were met."""
    random = Random(3)
    met = set()
    await network.start(0, 1, 3)
    for position, number in enumerate(numbers):
        life = Life(network, number, list(Disk)[position % 3], random)
        await life.live()
        assert life.plan.died_at is not None
        met.add(life.plan.died_at)
    await network.start(VICTIM)
    return met


async def test_a_node_that_dies_at_journal_boundaries_never_contradicts_itself(
    network: LocalNetwork,
) -> None:
    met = await live_often(network, range(1, 40, 5))
    await assert_it_votes_and_agrees(network)
    assert len(met) >= 2  # Before and after something: which, depends on how much one sync takes.


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_a_node_that_dies_at_100_journal_boundaries_never_contradicts_itself(
    network: LocalNetwork,
) -> None:
    met = await live_often(network, range(1, 101))
    await assert_it_votes_and_agrees(network)
    assert met == set(Boundary) - {Boundary.BEFORE_SEND}


def cut(file: Path, _: Random) -> None:
    file.write_bytes(file.read_bytes()[:-CUT_BYTES])


def append_garbage(file: Path, random: Random) -> None:
    file.write_bytes(file.read_bytes() + random.randbytes(GARBAGE_BYTES))


def flip_a_late_bit(file: Path, random: Random) -> None:
    data = bytearray(file.read_bytes())
    data[-random.randrange(1, CUT_BYTES)] ^= 1 << random.randrange(8)
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, append_garbage, flip_a_late_bit])
@pytest.mark.parametrize(
    "part", [*(pytest.param(part, marks=pytest.mark.chaos) for part in ("ZK", "FAST")), "ledger"]
)
async def test_a_torn_tail_of_a_store_is_healed(
    network: LocalNetwork, damage: Callable[[Path, Random], None], part: str
) -> None:
    await network.start()
    await network.wait_for_height(12)
    await network.kill(VICTIM)
    logs = (network.node_directory(VICTIM) / part / "rocksdb").glob("*.log")
    damage(max(logs, key=lambda file: file.stat().st_size), Random(part))
    await network.wait_for_growth(5)
    await network.start(VICTIM)
    await assert_it_votes_and_agrees(network)
