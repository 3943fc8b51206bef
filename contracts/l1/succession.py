"""Transactions with which another validator set takes over on L1.

Anyone deploys a registry, registers the new set in its order and seals it; the Rollup's
owner proposes it and, when the timelock has run, has the Rollup change to it.
"""

from collections.abc import Sequence
from typing import Final

from eth_abi.abi import encode

from contracts.l1.deployment import registry_init_code
from contracts.l1.points import encode_key, encode_signature
from execution.types import Address
from ledger.genesis import GenesisValidator
from ledger.hashing import keccak

_REGISTER: Final = keccak(b"register(bytes,bytes)")[:4]
_SEAL: Final = keccak(b"seal(uint256)")[:4]
_PROPOSE: Final = keccak(b"propose(uint256,address,uint256,uint256)")[:4]
_EXECUTE: Final = keccak(b"execute(uint256,address,uint256,uint256)")[:4]
_REGISTRY: Final = 2
"""The kind of change in ``governance.vy``."""


def registration(entry: GenesisValidator) -> bytes:
    """Calldata that registers a validator.

    Raises
    ------
    PointError
        If its key or proof is no point.
    """
    arguments = (encode_key(entry.checkpoint_key), encode_signature(entry.possession_proof))
    return _REGISTER + encode(("bytes", "bytes"), arguments)


def sealing(validator_count: int) -> bytes:
    """Calldata that seals a registry."""
    return _SEAL + encode(("uint256",), (validator_count,))


def registry_transactions(
    genesis_digest: bytes, entries: Sequence[GenesisValidator]
) -> tuple[bytes, tuple[bytes, ...]]:
    """Init code of a registry, and the calldata of the calls to it that follow."""
    calls = (*map(registration, entries), sealing(len(entries)))
    return registry_init_code(genesis_digest), calls


def takeover(registry: Address) -> tuple[bytes, bytes]:
    """Calldata of the owner's two calls to the Rollup: propose a registry, then change to it."""
    arguments = encode(("uint256", "address", "uint256", "uint256"), (_REGISTRY, registry, 0, 0))
    return _PROPOSE + arguments, _EXECUTE + arguments
