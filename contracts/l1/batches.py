"""What the Rollup is told about batches, as its ABI takes it."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from eth_abi.abi import encode

from execution.types import Hash32
from ledger.crossing import Checkpoint
from ledger.hashing import keccak

CheckpointTuple = tuple[int, int, bytes, bytes, bytes, bytes, bytes, int]

_CHECKPOINT_TYPE: Final = "(uint256,uint256,bytes32,bytes32,bytes32,bytes32,bytes32,uint256)"

GENESIS_BATCH: Final = Hash32(bytes(32))
"""Id of the batch that the ZK chain's genesis counts as: final from the beginning."""


MAX_POSTED_BYTES: Final = 126_976
"""Most bytes of blocks' data in one call of ``post_data``."""

MAX_POSTED_BLOCKS: Final = 1024
"""Most blocks in one call of ``post_data``."""

_POST_DATA: Final = keccak(b"post_data(bytes32,uint256[],bytes)")[:4]


class BatchStatus(IntEnum):
    """First field of what ``Rollup.batch`` returns."""

    UNKNOWN = 0
    COMMITTED = 1
    PROVEN = 2
    FINAL = 3


def checkpoint_tuple(checkpoint: Checkpoint) -> CheckpointTuple:
    """Return a checkpoint as the struct of ``commit_batch`` and ``check_certificate``."""
    return (
        checkpoint.chain_id,
        checkpoint.number,
        checkpoint.ledger_digest,
        checkpoint.block_hash,
        checkpoint.state_root,
        checkpoint.receipts_root,
        checkpoint.outbox_root,
        checkpoint.next_message_nonce,
    )


def batch_id(parent: Hash32, checkpoint: Checkpoint, data_chain: Hash32) -> Hash32:
    """Return the id that ``commit_batch`` gives a batch."""
    checkpoint_digest = keccak(encode((_CHECKPOINT_TYPE,), (checkpoint_tuple(checkpoint),)))
    fields = (parent, checkpoint_digest, data_chain)
    return Hash32(keccak(encode(("bytes32", "bytes32", "bytes32"), fields)))


def post_data_call(before: Hash32, blocks: Sequence[bytes]) -> bytes:
    """Return the call data that posts consecutive blocks behind a chain."""
    types = ("bytes32", "uint256[]", "bytes")
    return _POST_DATA + encode(types, (before, list(map(len, blocks)), b"".join(blocks)))
