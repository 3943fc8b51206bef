"""Headers, tries and blooms of the reference engine, written from the Ethereum rules alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import rlp
from trie import HexaryTrie

from execution.types import ZERO_HASH, Address, Hash32, Log, Receipt
from ledger.hashing import keccak

EMPTY_OMMERS_HASH: Final = Hash32(keccak(rlp.encode([])))
EMPTY_TRIE_ROOT: Final = Hash32(keccak(rlp.encode(b"")))
EMPTY_REQUESTS_HASH: Final = Hash32(sha256(b"").digest())

BASE_FEE_CHANGE_DENOMINATOR: Final = 8
ELASTICITY_MULTIPLIER: Final = 2

BLOOM_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a Prague header that are not constant on our chains."""

    parent_hash: Hash32
    coinbase: Address
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    number: int
    gas_limit: int
    gas_used: int
    timestamp_seconds: int
    prev_randao: Hash32
    base_fee_wei: int


def encode_header(header: Header) -> bytes:
    """RLP of the 21 fields in the order of EIP-1559, 4895, 4844, 4788 and 7685."""
    encoded: bytes = rlp.encode(
        [
            header.parent_hash,
            EMPTY_OMMERS_HASH,
            header.coinbase,
            header.state_root,
            header.transactions_root,
            header.receipts_root,
            header.logs_bloom,
            0,  # difficulty
            header.number,
            header.gas_limit,
            header.gas_used,
            header.timestamp_seconds,
            b"",  # extra data
            header.prev_randao,
            bytes(8),  # nonce
            header.base_fee_wei,
            EMPTY_TRIE_ROOT,  # withdrawals
            0,  # blob gas used
            0,  # excess blob gas
            ZERO_HASH,  # parent beacon block root
            EMPTY_REQUESTS_HASH,
        ]
    )
    return encoded


def next_base_fee_wei(parent: Header) -> int:
    """Base fee of the block after ``parent`` (EIP-1559)."""
    gas_target = parent.gas_limit // ELASTICITY_MULTIPLIER
    if gas_target == 0 or parent.gas_used == gas_target:
        return parent.base_fee_wei
    distance = abs(parent.gas_used - gas_target)
    change_wei = parent.base_fee_wei * distance // gas_target // BASE_FEE_CHANGE_DENOMINATOR
    if parent.gas_used > gas_target:
        return parent.base_fee_wei + max(change_wei, 1)
    return parent.base_fee_wei - change_wei


def ordered_trie_root(items: Sequence[bytes]) -> Hash32:
    """Root of the trie that maps ``rlp(index)`` to each item."""
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[rlp.encode(index)] = item
    return Hash32(bytes(trie.root_hash))


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Bloom filter over addresses and topics (yellow paper, section 4.3.1), 256 bytes."""
    bits = 0
    for log in logs:
        for item in (log.address, *log.topics):
            digest = keccak(item)
            for offset in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[offset : offset + 2], "big") % BLOOM_BITS)
    return bits.to_bytes(BLOOM_BITS // 8, "big")


def encode_receipt(receipt: Receipt) -> bytes:
    """Receipt as the receipts trie holds it (EIP-658, EIP-2718)."""
    payload: bytes = rlp.encode(
        [
            int(receipt.is_success),
            receipt.cumulative_gas_used,
            logs_bloom(receipt.logs),
            [[log.address, list(log.topics), log.data] for log in receipt.logs],
        ]
    )
    is_typed = receipt.transaction_type != 0
    return bytes([receipt.transaction_type]) + payload if is_typed else payload
