"""What the Rollup is told about batches, as its ABI takes it."""

from enum import IntEnum

from eth_abi.abi import encode

from execution.types import Hash32
from ledger.crossing import Checkpoint
from ledger.hashing import keccak

CheckpointTuple = tuple[int, int, bytes, bytes, bytes, bytes, bytes, int]

_CHECKPOINT_TYPE = "(uint256,uint256,bytes32,bytes32,bytes32,bytes32,bytes32,uint256)"

GENESIS_BATCH = Hash32(bytes(32))
"""Id of the batch that the ZK chain's genesis counts as: final from the beginning."""


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
