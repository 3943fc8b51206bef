"""A long final ledger on the disks of a network's nodes, without the time to agree on it."""

import shutil
from collections.abc import Iterator
from itertools import islice

from local_network import LocalNetwork, transfer

from actors.validator.archive import Archive
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.vote_journal import VoteJournal
from consensus.effects import Persist
from ledger.block import BlockBody, BlockHeader, LedgerBlock, body_digest, seal
from ledger.signers import pack_signers
from ledger.types import BlockNumber, ChainRole, Height, TimestampMs, ValidatorIndex, View
from ledger.validators import ValidatorSet
from ledger.votes import Finalization, Proposal, signed_message
from storage.journal import Journal
from storage.store import Store

BLOCKS_PER_COMMIT = 64
BLOCKS_PER_TRANSFER = 20


def write_long_ledger(network: LocalNetwork, blocks: int, *indices: int) -> None:
    """Give nodes that were never started the same final blocks, of both chains in turn."""
    first, *others = indices
    directory = network.node_directory(first)
    validators = ValidatorSet(network.genesis)
    archive = Archive(Store(directory / "ledger"), network.genesis, validators)
    state = archive.state_after(archive.height)
    tree = BlockTree(validators, state.digest, state, archive.chain_heads(archive.height))
    makers = _made_blocks(network, tree, blocks)
    while made := list(islice(makers, BLOCKS_PER_COMMIT)):
        certificate = certify(network, made[-1])
        tree.finalize(made[-1].digest)
        archive.append(made, certificate)
    archive.sync()
    archive.close()
    with Journal(directory / "journal") as journal:
        VoteJournal(journal).persist([Persist(certificate, must_sync=True)])
    for other in others:
        shutil.copytree(directory, network.node_directory(other))


def certify(network: LocalNetwork, block: TreeBlock) -> Finalization:
    """The finalization of a block by validators 0 to 2."""
    header = block.sealed.header
    proposal = Proposal(header.epoch, header.view, View(header.view - 1), block.digest)
    digest = ValidatorSet(network.genesis).digest
    message = signed_message(Finalization, digest, proposal)
    signers = [ValidatorIndex(index) for index in range(3)]
    signatures = tuple(network.keys[index].consensus.sign(message) for index in signers)
    return Finalization(proposal, pack_signers(signers), signatures)


def _made_blocks(network: LocalNetwork, tree: BlockTree, count: int) -> Iterator[TreeBlock]:
    """Blocks that extend a tree, each added to it."""
    parent, nonces = tree.root, dict.fromkeys(ChainRole, 0)
    for step in range(count):
        state = tree.state_after(parent)
        role = ChainRole.ZK if step % 2 else ChainRole.FAST
        raws = []
        if step % BLOCKS_PER_TRANSFER < 2:
            raws.append(transfer(role, 0, nonces[role]))
            nonces[role] += 1
        body = BlockBody(tuple(bytes.fromhex(raw[2:]) for raw in raws), (), (), (), ())
        view = View(state.view + 1)
        header = BlockHeader(
            epoch=network.genesis.epoch,
            view=view,
            height=Height(state.height + 1),
            parent=parent,
            chain=role,
            chain_block_number=BlockNumber(state.chain(role).number + 1),
            timestamp_ms=TimestampMs(state.timestamp_ms + 10),
            proposer=ValidatorIndex(view % network.count),
            body=body_digest(body),
        )
        sealed = seal(LedgerBlock(header, body))
        block = tree.check(sealed, header.proposer)
        tree.add(block)
        parent = block.digest
        yield block
