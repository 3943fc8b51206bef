"""Keys of the block store: one function per kind of entry.

Numbers are 8 bytes, big-endian, so that the order of keys is the order of numbers.
Everything that belongs to one chain begins with its chain id.
"""

from __future__ import annotations

from enum import IntEnum

NUMBER_BYTES = 8
DIGEST_BYTES = 32
ADDRESS_BYTES = 20


class CertificateKind(IntEnum):
    """The three certificates of a view; the value is part of the key."""

    NOTARIZATION = 0
    NULLIFICATION = 1
    FINALIZATION = 2


def number_key(number: int) -> bytes:
    """Return the ordered key of a number, 0 to 2^64 - 1.

    Raises
    ------
    OverflowError
        The number does not fit.
    """
    return number.to_bytes(NUMBER_BYTES, "big")


def number_from_key(key: bytes, offset: int = 0) -> int:
    """Return the number at ``offset`` of a key."""
    return int.from_bytes(key[offset : offset + NUMBER_BYTES], "big")


def block_key(digest: bytes) -> bytes:
    """BLOCKS: a ledger block by its digest."""
    return _exactly(digest, DIGEST_BYTES)


def height_key(height: int) -> bytes:
    """FINALIZED: the digest of the final block at a ledger height."""
    return number_key(height)


def certificate_key(epoch: int, view: int, kind: CertificateKind) -> bytes:
    """CERTIFICATES: a view's certificate; ordered by epoch, view, kind."""
    return number_key(epoch) + number_key(view) + bytes([kind])


def chain_prefix(chain_id: int) -> bytes:
    """Prefix of everything that belongs to a chain, in every per-chain space."""
    return number_key(chain_id)


def chain_block_key(chain_id: int, number: int) -> bytes:
    """HEADERS, RECEIPTS: a chain's block by its number."""
    return number_key(chain_id) + number_key(number)


def transaction_key(transaction_hash: bytes) -> bytes:
    """TRANSACTIONS: where a transaction was included, by its hash."""
    return _exactly(transaction_hash, DIGEST_BYTES)


def account_key(chain_id: int, address: bytes) -> bytes:
    """ACCOUNTS: an account's nonce, balance and hashes."""
    return number_key(chain_id) + _exactly(address, ADDRESS_BYTES)


def slot_prefix(chain_id: int, address: bytes) -> bytes:
    """Prefix of all storage slots of an account."""
    return number_key(chain_id) + _exactly(address, ADDRESS_BYTES)


def slot_key(chain_id: int, address: bytes, slot: bytes) -> bytes:
    """SLOTS: one storage slot (32-byte key) of an account."""
    return slot_prefix(chain_id, address) + _exactly(slot, DIGEST_BYTES)


def code_key(chain_id: int, code_hash: bytes) -> bytes:
    """CODES: contract code by its hash."""
    return number_key(chain_id) + _exactly(code_hash, DIGEST_BYTES)


def meta_key(name: str) -> bytes:
    """META: a named single value, such as the last executed height."""
    return name.encode()


def prefix_end(prefix: bytes) -> bytes | None:
    """Return the first key after all keys with ``prefix``; None where there is none."""
    shortened = prefix.rstrip(b"\xff")
    if not shortened:
        return None
    return shortened[:-1] + bytes([shortened[-1] + 1])


def _exactly(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise ValueError(f"a key part of {size} bytes is needed, got {len(value)}")
    return value
