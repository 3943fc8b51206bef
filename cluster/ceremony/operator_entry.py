"""What an operator hands over: public keys, proofs that it holds the secret ones, and its address.

::

    {"format": 1, "name": "alice", "address": "/dns4/alice.example.org/tcp/9645",
     "coinbase": "0x…", "consensus_key": "0x…", "network_key": "0x…", "checkpoint_key": "0x…",
     "possession_proof": "0x…",                   BLS, of the checkpoint key
     "consensus_signature": "0x…", "network_signature": "0x…"}

The two Ed25519 keys sign all of it, so that nobody can hand over keys of another operator, or
change an address on the way.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from cluster.addresses import DialAddress, parse_multiaddress
from cluster.errors import ClusterError, KeysRefused
from cluster.proofs.files import read_input
from ledger.bls import BlsVerifier, verify_possession
from ledger.codec import decode, encode
from ledger.ed25519 import Ed25519Signer, Ed25519Verifier
from ledger.errors import LedgerError
from ledger.genesis import GenesisValidator
from ledger.hashing import Domain, digest
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlsPublicKey,
    BlsSignature,
    Digest,
    Ed25519PublicKey,
    Ed25519Signature,
    EvmAddress,
)

FORMAT_VERSION: Final = 1
MAX_ENTRY_BYTES: Final = 16 * 1024
_FIELDS: Final = frozenset(
    {
        *("format", "name", "address", "coinbase", "consensus_key", "network_key"),
        *("checkpoint_key", "possession_proof", "consensus_signature", "network_signature"),
    }
)


@dataclass(frozen=True, slots=True)
class OperatorEntry:
    """A checked entry: the validator as a genesis lists it, and where its peers dial it."""

    validator: GenesisValidator
    address: DialAddress


def make_entry(
    keys: ValidatorKeys, name: str, address: DialAddress, coinbase: EvmAddress | None = None
) -> bytes:
    """An operator's entry as a file.

    Parameters
    ----------
    coinbase
        Who gets the fees of its blocks; by default an account that follows from the consensus
        key, to which nobody has a key.

    Raises
    ------
    KeysRefused
        If the name is none.
    """
    made = keys.genesis_entry(name)
    validator = GenesisValidator(
        name=name,
        consensus_key=made.consensus_key,
        network_key=made.network_key,
        checkpoint_key=made.checkpoint_key,
        possession_proof=made.possession_proof,
        coinbase=made.coinbase if coinbase is None else coinbase,
    )
    try:
        message = _signed(validator, address)
    except LedgerError as error:
        raise KeysRefused(f"this entry is no entry of an operator: {error}") from error
    content = {
        "format": FORMAT_VERSION,
        "name": name,
        "address": str(address),
        "coinbase": _hex(validator.coinbase),
        "consensus_key": _hex(validator.consensus_key),
        "network_key": _hex(validator.network_key),
        "checkpoint_key": _hex(validator.checkpoint_key),
        "possession_proof": _hex(validator.possession_proof),
        "consensus_signature": _hex(keys.consensus.sign(message)),
        "network_signature": _hex(Ed25519Signer(keys.network_seed).sign(message)),
    }
    raw = json.dumps(content, indent=2).encode() + b"\n"
    open_entry(raw, "this entry")
    return raw


def read_entry(file: Path) -> OperatorEntry:
    """Read and check what an operator has handed over.

    Raises
    ------
    KeysRefused
        Naming the file, and what is wrong with it.
    """
    try:
        raw = read_input(file, "the entry", MAX_ENTRY_BYTES)
    except ClusterError as error:
        raise KeysRefused(str(error)) from error
    return open_entry(raw, str(file))


def open_entry(raw: bytes, where: str) -> OperatorEntry:
    """Check an entry: form, keys, proof of possession, signatures.

    Raises
    ------
    KeysRefused
        Beginning with ``where``.
    """
    try:
        found = orjson.loads(raw)
        if not isinstance(found, dict) or found.get("format") != FORMAT_VERSION:
            raise ValueError(f"expected an object with the format {FORMAT_VERSION}")
        if found.keys() != _FIELDS:
            raise ValueError(f"expected exactly the fields {', '.join(sorted(_FIELDS))}")
        validator = _validator(found)
        address = parse_multiaddress(_text(found, "address"))
        message = _signed(validator, address)
        for kind, key in (
            ("consensus", validator.consensus_key),
            ("network", validator.network_key),
        ):
            signature = Ed25519Signature(_bytes(found, f"{kind}_signature", 64))
            Ed25519Verifier(key).verify(message, signature)
        verify_possession(BlsVerifier(validator.checkpoint_key), validator.possession_proof)
    except (ValueError, LedgerError) as error:
        raise KeysRefused(
            f"{where} is no entry of an operator: {error}; "
            "it has to be as `braid keys public` wrote it"
        ) from error
    return OperatorEntry(validator, address)


def _validator(found: Mapping[str, Any]) -> GenesisValidator:
    name = _text(found, "name")
    if not name or not name.isprintable() or name != name.strip():
        raise ValueError(f"the name {name[:64]!r} is empty or cannot be printed")
    entry = GenesisValidator(
        name=name,
        consensus_key=Ed25519PublicKey(_bytes(found, "consensus_key", 32)),
        network_key=Ed25519PublicKey(_bytes(found, "network_key", 32)),
        checkpoint_key=BlsPublicKey(_bytes(found, "checkpoint_key", 48)),
        possession_proof=BlsSignature(_bytes(found, "possession_proof", 96)),
        coinbase=EvmAddress(_bytes(found, "coinbase", 20)),
    )
    # The codec has the bounds of every field.
    return decode(encode(entry), GenesisValidator, limit_bytes=MAX_ENTRY_BYTES)


def _signed(validator: GenesisValidator, address: DialAddress) -> Digest:
    body = hashlib.sha256(encode(validator)).digest()
    return digest(Domain.OPERATOR_ENTRY, body, str(address).encode())


def _text(found: Mapping[str, Any], field: str) -> str:
    value = found[field]
    if not isinstance(value, str):
        raise ValueError(f"{field} is no text")
    return value


def _bytes(found: Mapping[str, Any], field: str, size: int) -> bytes:
    text = _text(found, field)
    if not text.startswith("0x") or len(text) != 2 + 2 * size:
        raise ValueError(f"{field} is not 0x and {2 * size} hexadecimal digits")
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise ValueError(f"{field} is not 0x and {2 * size} hexadecimal digits") from error


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
