"""History is served and proved also where one certificate covers many blocks."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from block_world import GENESIS, KEYS, VALIDATORS, empty_tree, grow

from actors.messages import MAX_REQUESTED_BLOCKS
from actors.transport.memory import MemoryNetwork
from actors.validator.archive import Archive
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.history import History
from ledger.block import SealedBlock
from ledger.signers import pack_signers
from ledger.types import ValidatorIndex, View
from ledger.votes import Finalization, Proposal, signed_message
from storage.store import Store


def finalization(block: TreeBlock) -> Finalization:
    header = block.sealed.header
    proposal = Proposal(header.epoch, header.view, View(0), block.digest)
    message = signed_message(Finalization, VALIDATORS.digest, proposal)
    signers = [ValidatorIndex(index) for index in range(3)]
    signatures = tuple(KEYS[index].consensus.sign(message) for index in range(3))
    return Finalization(proposal, pack_signers(signers), signatures)


class Peer:
    """One end of the backfill: an archive, a tree, and what it has adopted."""

    def __init__(self, index: int, directory: Path, network: MemoryNetwork) -> None:
        self.tree: BlockTree = empty_tree()
        self.archive = Archive(Store(directory / str(index)), GENESIS, VALIDATORS)
        self.transport = network.transports[index]
        self.adopted: list[SealedBlock] = []
        self.history = History(
            self.archive,
            self.tree,
            VALIDATORS,
            self.transport,
            [ValidatorIndex(1 - index)],
            self._adopt,
            Random(1),
        )

    def _adopt(self, peer: int, blocks: list[SealedBlock], certificate: Finalization) -> None:
        for sealed in blocks:
            self.tree.add(self.tree.check(sealed, sealed.header.proposer))
        final, _ = self.tree.finalize(blocks[-1].digest)
        self.archive.append(final, certificate)
        self.adopted.extend(blocks)

    async def pump(self) -> None:
        for received in await self.transport.receive():
            self.history.receive(ValidatorIndex(received.peer), received.payload)


@pytest.fixture
async def peers(tmp_path: Path) -> AsyncIterator[tuple[Peer, Peer]]:
    network = MemoryNetwork(range(2))
    made = Peer(0, tmp_path, network), Peer(1, tmp_path, network)
    for peer in made:
        await peer.transport.start()
    yield made
    for peer in made:
        await peer.transport.close()
        peer.archive.close()


async def test_a_gap_longer_than_an_answer_is_closed_by_headers(peers: tuple[Peer, Peer]) -> None:
    """One finalization for 150 blocks: no answer can hold all that it covers."""
    server, client = peers
    block = grow(server.tree, server.tree.root, 1)
    for view in range(2, 151):
        block = grow(server.tree, block.digest, view)
    final, _ = server.tree.finalize(block.digest)
    server.archive.append(final, finalization(block))

    for _ in range(3):
        client.history._asked.add(ValidatorIndex(0))
        server.history._serve_history(ValidatorIndex(1), client.archive.height + 1)
        await client.pump()
    assert client.archive.height == 150
    assert client.tree.root == block.digest
    assert 2 * MAX_REQUESTED_BLOCKS < len(client.adopted) <= 3 * MAX_REQUESTED_BLOCKS
    assert client.history.rejected == {}
    # What was adopted by a certificate further on can be served to others too.
    assert client.archive.certificate_from(1) is not None


async def test_an_answer_is_taken_once_for_each_request(peers: tuple[Peer, Peer]) -> None:
    server, client = peers
    block = grow(server.tree, server.tree.root, 1)
    final, _ = server.tree.finalize(block.digest)
    server.archive.append(final, finalization(block))
    client.history._asked.add(ValidatorIndex(0))
    for _ in range(2):
        server.history._serve_history(ValidatorIndex(1), 1)
        await client.pump()
    assert client.archive.height == 1
    assert client.history.rejected == {"history that nobody asked for": 1}
