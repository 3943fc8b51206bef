"""A network that has run for a while and holds snapshots, made once and copied for each test."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

from local_network import QUICK, LocalNetwork, transfer

from actors.snapshots.messages import SnapshotQuery
from actors.transport.interface import Channel
from actors.validator.snapshots import SnapshotSettings
from ledger.codec import encode
from ledger.types import ChainRole

SETTINGS = SnapshotSettings(Path(), spacing_blocks=32, threshold_blocks=80)
TIMING = replace(QUICK, idle_interval_ms=4, zk_interval_ms=40, zk_idle_interval_ms=80)
OLD, NEW = (0, 1, 2), 3
HEIGHT = 140


def snapshot_network(directory: Path) -> LocalNetwork:
    """Four validators that keep snapshots often; none is started."""
    return LocalNetwork(directory, timing=TIMING, snapshots=SETTINGS)


def make_grown(directory: Path) -> None:
    """Let validators 0 to 2 run for a while, and make the same snapshots."""

    async def run() -> None:
        network = snapshot_network(directory)
        await network.start(*OLD)
        await grow(network, HEIGHT, *OLD)
        await network.wait_until(lambda: has_common_snapshot(network))
        await network.stop()
        assert network.failures == []

    asyncio.run(run())


def has_common_snapshot(network: LocalNetwork) -> bool:
    """Ask for snapshots, and tell whether all three have made one that saves enough blocks."""
    servers = [network.nodes[index].snapshot_server for index in OLD]
    if set.intersection(*(server.made() for server in servers)):
        return True
    offered = {height for server in servers for height in server.made_heights()}
    for index in OLD:
        query = encode(SnapshotQuery(tuple(sorted(offered))[-4:]))
        network.inject(NEW, index, Channel.BACKFILL, query)
    return False


def copied(grown: Path, directory: Path) -> LocalNetwork:
    """The network of :func:`make_grown` on a copy of its disks."""
    shutil.copytree(grown, directory, dirs_exist_ok=True)
    return snapshot_network(directory)


async def grow(network: LocalNetwork, height: int, *indices: int) -> None:
    """Let the ledger grow to a height, with transfers on both chains on the way."""
    nonce = 0
    while network.height(*indices) < height:
        for role in ChainRole:
            network.submit(indices[0], role, [transfer(role, 0, nonce + step) for step in range(3)])
        nonce += 3
        await network.wait_for_growth(20, *indices)
