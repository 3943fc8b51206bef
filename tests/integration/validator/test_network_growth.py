"""A node's memory and journal stay bounded however long it runs."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_network import QUICK, LocalNetwork, transfer

from actors.bridge.desk import MAX_KNOWN_CERTIFICATES
from actors.validator import node as node_module
from ledger.types import ChainRole

HASTE = replace(QUICK, idle_interval_ms=1, zk_interval_ms=5, zk_idle_interval_ms=20)
LIMIT = 300
CACHES = {"BridgeDesk._verified": MAX_KNOWN_CERTIFICATES}


@pytest.fixture
async def hasty_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalNetwork]:
    monkeypatch.setattr(node_module, "PRUNE_INTERVAL_VIEWS", 32)
    local = LocalNetwork(tmp_path, timing=HASTE, segment_bytes=16 * 1024)
    yield local
    await local.stop()
    assert local.failures == []


def collections_of(network: LocalNetwork, index: int) -> dict[str, int]:
    """Sizes of everything in a node that follows the blocks."""
    node = network.nodes[index]
    parts = (
        node,
        node.payloads,
        node.checkpoints,
        node.history,
        node.history_server,
        node.standings,
        node.sync,
        node.shelf,
        node.snapshot_server,
        node.operators,
        node.l1,
        node._finality,
        node._journal,
        node.tree,
        node.pools,
        node._tasks,
        *node.feeds.values(),
        network.bridges[index].desk,
        node.driver,
    )
    sizes = {}
    for part in parts:
        names = vars(part) if hasattr(part, "__dict__") else part.__slots__
        for name in names:
            value = getattr(part, name)
            if isinstance(value, (dict, list, set)) and name != "_threads":
                sizes[f"{type(part).__name__}.{name}"] = len(value)
    return sizes


async def run_and_look(network: LocalNetwork, heights: int) -> None:
    await network.start()
    nonce = 0
    while network.height() < heights:
        raws = [transfer(ChainRole.FAST, 0, nonce + step) for step in range(5)]
        network.submit(0, ChainRole.FAST, raws)
        nonce += 5
        await network.wait_for_growth(40)
    for index in network.nodes:
        sizes = collections_of(network, index)
        assert len(sizes) > 20
        too_large = {name: size for name, size in sizes.items() if size > CACHES.get(name, LIMIT)}
        assert too_large == {}
        for kept in network.nodes[index].pools.pools.values():
            assert kept.status().in_flight_block_count < LIMIT
        journal = network.node_directory(index) / "journal"
        assert network.nodes[index]._journal._journal.first_sequence > 0
        assert sum(path.stat().st_size for path in journal.iterdir()) < 1_000_000


async def test_some_hundred_heights_leave_nothing_behind_in_memory(
    hasty_network: LocalNetwork,
) -> None:
    await run_and_look(hasty_network, 200)


@pytest.mark.slow
async def test_some_thousand_heights_leave_nothing_behind_in_memory(
    hasty_network: LocalNetwork,
) -> None:
    await run_and_look(hasty_network, 2_000)
