"""Blocks of a four-validator ledger without a network, valid on a real tree."""

from dataclasses import replace

from local_l1 import ANCHOR
from local_network import GENESIS_TIMESTAMP_MS, QUICK

from actors.validator.block_tree import BlockTree, TreeBlock
from bridge.state import initial_state
from cluster.dev_genesis import dev_genesis
from ledger.block import BlockBody, BlockHeader, LedgerBlock, SealedBlock, body_digest, seal
from ledger.crossing import Message
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlockNumber,
    ChainRole,
    Digest,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.validators import ValidatorSet
from ledger.votes import Finalization, Proposal

KEYS = [ValidatorKeys(bytes([index + 1]) * 32) for index in range(4)]
GENESIS = replace(dev_genesis(KEYS, GENESIS_TIMESTAMP_MS, ANCHOR), timing=QUICK)
VALIDATORS = ValidatorSet(GENESIS)


def leader_of(view: View) -> ValidatorIndex:
    return ValidatorIndex(view % 4)


def empty_tree() -> BlockTree:
    state = initial_state(GENESIS)
    return BlockTree(VALIDATORS, state.digest, state, dict.fromkeys(ChainRole, state.digest))


def block_on(
    tree: BlockTree,
    parent: Digest,
    view: int,
    /,
    *transactions: str,
    role: ChainRole = ChainRole.FAST,
    l1_messages: tuple[Message, ...] = (),
    **header: object,
) -> SealedBlock:
    """A valid block on a block of the tree, unless header fields are given that break it."""
    state = tree.state_after(parent)
    body = BlockBody(tuple(bytes.fromhex(raw[2:]) for raw in transactions), (), (), (), l1_messages)
    fields = BlockHeader(
        epoch=GENESIS.epoch,
        view=View(view),
        height=Height(state.height + 1),
        parent=parent,
        chain=role,
        chain_block_number=BlockNumber(state.chain(role).number + 1),
        timestamp_ms=TimestampMs(state.timestamp_ms + 1000),
        proposer=leader_of(View(view)),
        body=body_digest(body),
    )
    return seal(LedgerBlock(replace(fields, **header), body))  # type: ignore[arg-type]


def grow(tree: BlockTree, parent: Digest, view: int, *transactions: str) -> TreeBlock:
    """Add a block to the tree."""
    sealed = block_on(tree, parent, view, *transactions)
    block = tree.check(sealed, sealed.header.proposer)
    tree.add(block)
    return block


def unsigned_finalization(block: TreeBlock) -> Finalization:
    """What the archive stores beside a block; its signatures are not looked at there."""
    header = block.sealed.header
    proposal = Proposal(header.epoch, header.view, View(0), block.digest)
    return Finalization(proposal, b"\x07", ())
