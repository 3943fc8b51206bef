"""History is served and proved also where one certificate covers many blocks."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from block_world import GENESIS, KEYS, VALIDATORS, empty_tree, grow

from actors.messages import (
    MAX_REQUESTED_BLOCKS,
    HistoryQuery,
    HistoryRequest,
    PayloadRequest,
)
from actors.snapshots.shelf import SnapshotShelf
from actors.transport.interface import Channel
from actors.transport.memory import MemoryNetwork
from actors.validator.archive import Archive
from actors.validator.backfill import Backfill
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.history import History
from actors.validator.history_server import MAX_WAITING_PER_PEER, HistoryServer
from actors.validator.peer_standing import TOLERATED_UNASKED, PeerStandings
from ledger.block import SealedBlock
from ledger.signers import pack_signers
from ledger.types import ChainRole, Height, ValidatorIndex, View
from ledger.votes import Finalization, Proposal, signed_message
from storage.store import Store

CLIENT = ValidatorIndex(1)
BLOCKS = 150


def finalization(block: TreeBlock) -> Finalization:
    header = block.sealed.header
    proposal = Proposal(header.epoch, header.view, View(0), block.digest)
    message = signed_message(Finalization, VALIDATORS.digest, proposal)
    signers = [ValidatorIndex(index) for index in range(3)]
    signatures = tuple(KEYS[index].consensus.sign(message) for index in range(3))
    return Finalization(proposal, pack_signers(signers), signatures)


NO_SNAPSHOTS: Any = SimpleNamespace(is_wanted=lambda height, target: False)


class Peer:
    """One end of the backfill: an archive, a tree, and what it has adopted."""

    def __init__(self, index: int, directory: Path, network: MemoryNetwork) -> None:
        other = ValidatorIndex(1 - index)
        self.tree: BlockTree = empty_tree()
        self.archive = Archive(Store(directory / str(index)), GENESIS, VALIDATORS)
        self.transport = network.transports[index]
        self.adopted: list[SealedBlock] = []
        self.standings = PeerStandings([other], lambda peer: f"peer-{peer}", time.monotonic)
        self.server = HistoryServer(self.archive, self.tree, self.transport, [other])
        self.history = History(
            self.archive,
            VALIDATORS,
            self.transport,
            self.standings,
            [other],
            self._adopt,
            Random(1),
            NO_SNAPSHOTS,
        )
        sync: Any = SimpleNamespace(owes=lambda peer: False, rejected=Counter())
        self.backfill = Backfill(self.standings, self.history, sync, self.server)
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        parts = (self.history.run(), self.server.run(), self._pump())
        self.tasks = [loop.create_task(part) for part in parts]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.transport.close()
        self.archive.close()

    def make_final(self, blocks: int) -> None:
        """Grow the ledger by so many blocks with one finalization for all of them."""
        block = grow(self.tree, self.tree.root, self.tree.root_state.view + 1)
        for _ in range(blocks - 1):
            block = grow(self.tree, block.digest, block.sealed.header.view + 1)
        final, _ = self.tree.finalize(block.digest)
        self.archive.append(final, finalization(block))

    def _adopt(self, peer: int, blocks: list[SealedBlock], certificate: Finalization) -> None:
        for sealed in blocks:
            self.tree.add(self.tree.check(sealed, sealed.header.proposer))
        final, _ = self.tree.finalize(blocks[-1].digest)
        self.archive.append(final, certificate)
        self.adopted.extend(blocks)

    async def _pump(self) -> None:
        while True:
            for received in await self.transport.receive():
                self.backfill.receive(ValidatorIndex(received.peer), received.payload)


@pytest.fixture
async def peers(tmp_path: Path) -> AsyncIterator[tuple[Peer, Peer]]:
    network = MemoryNetwork(range(2))
    made = Peer(0, tmp_path, network), Peer(1, tmp_path, network)
    for peer in made:
        await peer.transport.start()
        peer.start()
    yield made
    for peer in made:
        await peer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_gap_longer_than_an_answer_is_closed_by_headers(peers: tuple[Peer, Peer]) -> None:
    """One finalization for 150 blocks: no answer can hold all that it covers."""
    server, client = peers
    server.make_final(BLOCKS)
    client.history.request()
    await until(lambda: client.archive.height == BLOCKS)
    assert client.tree.root == server.tree.root
    assert len(client.adopted) == BLOCKS > 2 * MAX_REQUESTED_BLOCKS
    assert client.history.rejected == {}
    assert client.standings.status()["peers"] == {}
    # What was adopted by a certificate further on can be served to others too.
    assert client.archive.certificate_from(GENESIS.epoch, 1) is not None


async def test_an_answer_is_taken_once_for_each_request(peers: tuple[Peer, Peer]) -> None:
    server, client = peers
    server.make_final(1)
    client.history.request()
    await until(lambda: client.archive.height == 1)
    for _ in range(TOLERATED_UNASKED):
        server.server.answer(CLIENT, HistoryRequest(Height(1), Height(1)))
    await until(lambda: client.backfill.rejected.total() == TOLERATED_UNASKED)
    assert client.history.rejected == {"history that nobody asked for": TOLERATED_UNASKED}
    assert client.standings.status()["peers"]["0"]["faults"] == {"UnaskedAnswer": 1}


async def test_requests_over_the_bound_are_dropped_and_counted_and_the_others_answered(
    peers: tuple[Peer, Peer],
) -> None:
    server, _ = peers
    server.make_final(3)
    request = PayloadRequest(server.tree.root)
    for _ in range(MAX_WAITING_PER_PEER + 5):
        server.server.add(CLIENT, request)
    assert server.server.rejected == {"request dropped: too many of the peer wait": 5}
    sent = server.transport.status().peers[CLIENT].channels[Channel.PAYLOAD]
    assert sent.sent_messages == 0
    await until(
        lambda: (
            server.transport.status().peers[CLIENT].channels[Channel.PAYLOAD].sent_messages
            == MAX_WAITING_PER_PEER
        )
    )


async def test_served_bytes_keep_to_the_rate(
    peers: tuple[Peer, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = peers
    server.make_final(3)
    pauses: list[float] = []
    charge = server.server._rate.charge

    def charged(now: float, sent_bytes: int, answers: int) -> float:
        pause = charge(now, sent_bytes * 1_000_000, answers)
        pauses.append(pause)
        return pause

    monkeypatch.setattr(server.server._rate, "charge", charged)
    for _ in range(2):
        server.server.add(CLIENT, HistoryRequest(Height(1), Height(3)))
    await until(lambda: len(pauses) == 2)
    assert all(pause > 0.0 for pause in pauses)


@pytest.mark.parametrize(("first", "last"), [(0, 3), (4, 4), (10**9, 10**9), (3, 1)], ids=str)
async def test_a_request_for_what_is_not_there_is_told_what_is(
    peers: tuple[Peer, Peer], first: int, last: int
) -> None:
    server, _ = peers
    server.make_final(3)
    sent_bytes = server.server.answer(CLIENT, HistoryRequest(Height(first), Height(last)))
    assert sent_bytes == server.server.answer(CLIENT, HistoryQuery(GENESIS.epoch)) < 16


def test_copies_that_are_too_old_leave_nothing_behind_and_chunks_that_are_served_stay(
    tmp_path: Path,
) -> None:
    shelf = SnapshotShelf(tmp_path, spacing_blocks=10)
    state = empty_tree().root_state
    for height in range(10, 80, 10):
        for role in ChainRole:
            shelf.state_of(Height(height), role).mkdir(parents=True)
        if height == 20:
            shelf.files(Height(height)).write_chunk(0, b"chunk")
        shelf.add(replace(state, height=Height(height)))
    assert shelf.heights() == [20, 50, 60, 70]
    assert shelf.files(Height(20)).chunk(0) == b"chunk"
    assert not shelf.state_of(Height(20), ChainRole.ZK).exists()
    assert [plan.height for plan in shelf.executed()] == [70, 60, 50]
