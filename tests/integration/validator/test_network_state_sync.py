"""A validator that is too far behind begins from a snapshot, and votes like any other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_network import QUICK, LocalNetwork, address_of, transfer

from actors.validator.inspection import NodeInspector
from actors.validator.snapshots import SnapshotSettings
from ledger.types import ChainRole

SETTINGS = SnapshotSettings(Path(), spacing_blocks=64, threshold_blocks=100)
QUICKER = replace(QUICK, idle_interval_ms=2, zk_interval_ms=10, zk_idle_interval_ms=20)
OLD, NEW = (0, 1, 2), 3


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[LocalNetwork]:
    local = LocalNetwork(tmp_path, timing=QUICKER, snapshots=SETTINGS)
    yield local
    await local.stop()
    assert local.failures == []


async def grow(network: LocalNetwork, height: int, *indices: int) -> None:
    """Let the ledger grow to a height, with transfers on both chains on the way."""
    nonce = 0
    while network.height(*indices) < height:
        for role in ChainRole:
            network.submit(indices[0], role, [transfer(role, 0, nonce + step) for step in range(3)])
        nonce += 3
        await network.wait_for_growth(20, *indices)


async def assert_takes_part(network: LocalNetwork) -> None:
    """The new node has the others' states, and without one of them no block is final without it."""
    await network.wait_for_growth(5)
    for role in ChainRole:
        number = network.nodes[0].final_state.chain(role).number
        await network.wait_for_execution(role, number)
        assert network.state_root(NEW, role, number) == network.state_root(0, role, number)
        base = network.nodes[NEW].archive.base
        assert base is not None
        first, last = base.number(role) + 1, number
        for block in range(first, last + 1):
            assert network.state_root(NEW, role, block) == network.state_root(0, role, block)
        core = network.core(NEW, role)
        assert core.account_nonces([address_of(0)])[0] > 0
    await network.stop(0)
    await network.wait_for_growth(10)


async def test_an_empty_disk_begins_from_a_snapshot_and_votes(network: LocalNetwork) -> None:
    await network.start(*OLD)
    await grow(network, 260, *OLD)
    await network.start(NEW)
    await network.wait_until(lambda: bool(network.restarts))
    await network.restarts[0]
    await network.wait_for_height(network.height(*OLD), NEW)
    node = network.nodes[NEW]
    assert node.archive.oldest_height >= 128
    assert node.archive.block(1) is None
    assert NodeInspector(node).status()["oldest_height"] == node.archive.oldest_height
    await assert_takes_part(network)
