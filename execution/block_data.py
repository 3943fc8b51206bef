"""A block as it is posted to L1 and as a witness holds it, and the hash chains of a statement.

``rlp([number, timestamp, prev_randao, coinbase, gas_limit, system transactions, transactions,
hashes of the checkpoint certificates that it consumes])``: transactions are byte strings, system
transactions in their own encoding (``0x7e || rlp``). ``stf/src/batch/data.rs`` reads it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import rlp

from execution.types import SYSTEM_TRANSACTION_TYPE, BlockInput, Hash32, SystemTransaction
from ledger.hashing import keccak


@dataclass(frozen=True, slots=True)
class BatchBlock:
    """One block of a batch.

    ``certificates`` are keccak-256 hashes of the encoded checkpoint certificates whose
    messages the block's system transactions deliver. They are named, not checked: the
    validators' certificate over the last block is what vouches for them.
    """

    block: BlockInput
    certificates: tuple[Hash32, ...] = ()


def encode_block_data(batch_block: BatchBlock) -> bytes:
    """Encode what determines a block: all of its input but the senders."""
    block = batch_block.block
    encoded: bytes = rlp.encode(
        [
            block.number,
            block.timestamp_seconds,
            block.prev_randao,
            block.coinbase,
            block.gas_limit,
            [encode_system_transaction(entry) for entry in block.system_transactions],
            list(block.transactions),
            list(batch_block.certificates),
        ]
    )
    return encoded


def encode_system_transaction(transaction: SystemTransaction) -> bytes:
    """EIP-2718 encoding of a system transaction."""
    fields = [transaction.nonce, transaction.to, transaction.gas_limit, transaction.data]
    encoded: bytes = rlp.encode(fields)
    return bytes([SYSTEM_TRANSACTION_TYPE]) + encoded


def chain_hash(chain: Hash32, item: Hash32) -> Hash32:
    """Next hash of a chain: ``keccak(chain || item)``."""
    return Hash32(keccak(chain + item))


def extend_chain(chain: Hash32, items: Iterable[Hash32]) -> Hash32:
    """Hash of a chain after several more items."""
    for item in items:
        chain = chain_hash(chain, item)
    return chain


def block_data_hash(chain: Hash32, encoded_blocks: Iterable[bytes]) -> Hash32:
    """Hash that L1 recomputes from posted data: the chain over keccak-256 of each block."""
    return extend_chain(chain, (Hash32(keccak(encoded)) for encoded in encoded_blocks))
