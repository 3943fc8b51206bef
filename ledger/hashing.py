"""Domain-separated hashing.

Every hash and every signature of the ledger starts with the length and the
bytes of a domain, so that no encoding of one kind is ever taken for another.
"""

import hashlib
from enum import Enum

from sha3 import keccak_256

from ledger.types import Digest, EvmHash


class Domain(Enum):
    """What a hash or a signature is about."""

    GENESIS = b"braid/genesis/v1"
    BLOCK_HEADER = b"braid/block-header/v1"
    BLOCK_BODY = b"braid/block-body/v1"
    NOTARIZE = b"braid/notarize/v1"
    NULLIFY = b"braid/nullify/v1"
    FINALIZE = b"braid/finalize/v1"
    CHECKPOINT = b"braid/checkpoint/v1"
    QUARANTINE = b"braid/quarantine/v1"
    RESUME = b"braid/resume/v1"
    SNAPSHOT = b"braid/snapshot/v1"
    SNAPSHOT_MANIFEST = b"braid/snapshot-manifest/v1"
    SNAPSHOT_CHUNK = b"braid/snapshot-chunk/v1"
    VALIDATOR_SET = b"braid/validator-set/v1"
    SET_CHANGE = b"braid/set-change/v1"
    SET_CHANGE_VOTE = b"braid/set-change-vote/v1"
    NEWCOMER = b"braid/newcomer/v1"
    VALIDATOR_KEYS = b"braid/validator-keys/v1"
    OPERATOR_ENTRY = b"braid/operator-entry/v1"


def domain_prefix(domain: Domain) -> bytes:
    """One length byte, then the domain."""
    return bytes([len(domain.value)]) + domain.value


def digest(domain: Domain, *parts: bytes) -> Digest:
    """SHA-256 over the domain and the parts; at most the last part may vary in length."""
    return Digest(hashlib.sha256(b"".join((domain_prefix(domain), *parts))).digest())


def keccak(data: bytes) -> EvmHash:
    """Keccak-256, for what an EVM contract has to recompute."""
    return EvmHash(keccak_256(data).digest())
