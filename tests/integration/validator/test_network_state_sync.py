"""A validator that is too far behind begins from a snapshot, and votes like any other."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from grown_network import HEIGHT, NEW, OLD, SETTINGS, copied
from ledger_disk import audit
from local_network import LocalNetwork, address_of

from actors.snapshots import state_sync
from actors.snapshots.messages import SnapshotQuery
from actors.transport.interface import Channel
from actors.validator.inspection import NodeInspector
from ledger.codec import encode
from ledger.types import ChainRole, Height
from storage.keys import chain_prefix
from storage.store import Space


@pytest.fixture
async def network(grown: Path, tmp_path: Path) -> AsyncIterator[LocalNetwork]:
    """Validators 0 to 2 have run before; none is started."""
    local = copied(grown, tmp_path)
    yield local
    await local.stop()
    assert local.failures == []


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


async def until_begun_anew(network: LocalNetwork) -> None:
    """Wait until the new node has a snapshot, has started again from it and has the head."""
    await network.wait_until(
        lambda: (
            bool(network.restarts)
            and all(restart.done() for restart in network.restarts)
            and network.nodes[NEW].archive.height >= network.height(*OLD) - 1
        )
    )


@dataclass
class Sent:
    """How many chunks were sent to the new node, and how many may be."""

    limit: int
    count: int = 0


def limit_chunks(network: LocalNetwork, limit: int) -> Sent:
    """Lose every chunk on its way to the new node from some number on."""
    sent = Sent(limit)
    for index in OLD:
        transport = network.nodes[index].transport

        def send(peer: int, channel: Channel, payload: bytes, send: Any = transport.send) -> None:
            if channel is Channel.BACKFILL and peer == NEW and payload[1:3] == b"\xcc\x9b":
                if sent.count >= sent.limit:
                    return
                sent.count += 1
            send(peer, channel, payload)

        transport.send = send  # type: ignore[method-assign]
    return sent


async def test_an_empty_disk_begins_from_a_snapshot_and_votes(network: LocalNetwork) -> None:
    network.asking = {NEW}
    await network.start(*OLD)
    await network.start(NEW)
    await until_begun_anew(network)
    node = network.nodes[NEW]
    assert node.archive.oldest_height >= 32
    assert node.archive.block(1) is None
    assert NodeInspector(node).status()["oldest_height"] == node.archive.oldest_height
    await assert_takes_part(network)
    begun = node.archive.oldest_height
    await network.stop()
    found = audit(network.node_directory(NEW), network.genesis, *ChainRole)
    assert found.first_height == begun + 1
    assert found.checkpoints > 0


def give_the_ledger(network: LocalNetwork) -> None:
    """Have the new node on the others' ledger, as if it had been there from the start."""
    shutil.copytree(network.node_directory(0) / "ledger", network.node_directory(NEW) / "ledger")


async def test_a_node_that_was_away_for_too_long_begins_anew_and_keeps_its_votes(
    network: LocalNetwork,
) -> None:
    give_the_ledger(network)
    await network.start(*OLD, NEW)
    await network.wait_for_growth(3)
    await network.stop(NEW)
    await network.wait_for_growth(130, *OLD)
    segments = {path.name for path in (network.node_directory(NEW) / "journal").iterdir()}
    await network.start(NEW)
    assert network.nodes[NEW].archive.block(1) is not None
    await until_begun_anew(network)
    assert network.nodes[NEW].archive.block(1) is None
    assert segments <= {path.name for path in (network.node_directory(NEW) / "journal").iterdir()}
    await assert_takes_part(network)


@pytest.mark.slow
async def test_a_node_that_is_a_little_behind_fetches_blocks(network: LocalNetwork) -> None:
    give_the_ledger(network)
    await network.start(*OLD)
    await network.wait_for_growth(20, *OLD)
    await network.start(NEW)
    await network.wait_for_growth(5)
    assert network.restarts == []
    assert network.nodes[NEW].archive.block(1) is not None


async def test_without_a_snapshot_to_be_had_blocks_are_fetched(
    network: LocalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_sync, "OFFER_SECONDS", 1.0)
    network.snapshots = replace(SETTINGS, spacing_blocks=0)
    for index in OLD:
        shutil.rmtree(network.node_directory(index) / "snapshots")
    await network.start(*OLD)
    await network.start(NEW)
    await network.wait_for_growth(5)
    assert network.restarts == []
    assert network.digests(NEW, HEIGHT) == network.digests(0, HEIGHT)


@pytest.mark.slow
async def test_who_began_from_a_snapshot_serves_it_on(network: LocalNetwork) -> None:
    """Its snapshots are the others' to the bit, though it never executed what was before."""
    await network.start(*OLD)
    await network.start(NEW)
    await until_begun_anew(network)
    await network.wait_for_growth(70)

    def vouch_for_one() -> bool:
        for index in (0, NEW):
            due = network.nodes[index].shelf.last_due(network.height())
            assert due is not None
            heights = (Height(due - SETTINGS.spacing_blocks), due)
            network.inject(1, index, Channel.BACKFILL, encode(SnapshotQuery(heights)))
        servers = [network.nodes[index].snapshot_server for index in (0, NEW)]
        return bool(servers[0].made() & servers[1].made())

    await network.wait_until(vouch_for_one)


@pytest.mark.parametrize("chunks", [1, pytest.param(3, marks=pytest.mark.slow)])
async def test_a_node_killed_while_it_fetches_goes_on_where_it_was(
    network: LocalNetwork, chunks: int
) -> None:
    await network.start(*OLD)
    sent = limit_chunks(network, chunks)
    await network.start(NEW)
    incoming = "snapshots/incoming/*/chunks/??????"
    await network.wait_until(
        lambda: len(list(network.node_directory(NEW).glob(incoming))) == chunks
    )
    await network.kill(NEW)
    sent.limit = 10**6
    await network.start(NEW)
    await until_begun_anew(network)
    total = len(list(network.node_directory(NEW).glob("snapshots/base/chunks/*")))
    assert total > chunks
    assert sent.count == total
    await network.wait_for_growth(5)


@pytest.mark.parametrize(
    "step", ["batch", *(pytest.param(step, marks=pytest.mark.slow) for step in ("ready", "base"))]
)
async def test_a_node_killed_while_it_begins_anew_does_all_of_it_again(
    network: LocalNetwork, step: str
) -> None:
    await network.start(*OLD)
    await network.start(NEW)
    await network.wait_until(lambda: bool(network.restarts))
    await network.restarts[-1]
    snapshots = network.node_directory(NEW) / "snapshots"
    await network.kill(NEW)
    # What a node that died at that step has left behind.
    if step != "base":
        (snapshots / "base").rename(snapshots / "ready")
    if step == "ready":
        shutil.rmtree(network.node_directory(NEW) / "ledger")
        shutil.rmtree(network.node_directory(NEW) / ChainRole.ZK.name)
        shutil.rmtree(network.node_directory(NEW) / ChainRole.FAST.name)
    await network.start(NEW)
    await network.wait_for_growth(5)
    assert (snapshots / "base").exists()
    assert not (snapshots / "ready").exists()
    await assert_takes_part(network)


async def test_an_executor_killed_while_it_loads_the_snapshot_loads_it_again(
    network: LocalNetwork,
) -> None:
    await network.start(*OLD)
    await network.start(NEW)
    await until_begun_anew(network)
    executor = network.executors[NEW][ChainRole.FAST]
    store = executor.running().store
    store.begin_import()
    store._store.put(Space.ACCOUNTS, chain_prefix(1) + bytes(20), b"half of a state")
    executor.kill()
    executor.restart()
    assert executor.running().final_number == 0
    await assert_takes_part(network)
