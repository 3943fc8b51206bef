"""Keys and signed transactions of every type that the chains take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rlp
from coincurve import PrivateKey

from execution.types import Address
from ledger.hashing import keccak

AUTHORIZATION_MAGIC: Final = b"\x05"
SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

AccessList = Sequence[tuple[bytes, Sequence[int]]]
SignedFields = list[Any]


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and its address."""

    secret: PrivateKey
    address: Address

    def sign(self, message: bytes) -> tuple[int, int, int]:
        """Parity, r and s of a signature over the keccak of ``message``."""
        signature = self.secret.sign_recoverable(message, hasher=keccak)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return signature[64], r, s


def make_key(number: int) -> Key:
    """The key with a small secret."""
    secret = PrivateKey(number.to_bytes(32, "big"))
    public_key = secret.public_key.format(compressed=False)
    return Key(secret, Address(keccak(public_key[1:])[12:]))


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a transaction before it is signed; ``to`` is empty for a creation."""

    kind: int
    chain_id: int
    nonce: int
    gas_limit: int
    to: bytes = b""
    value_wei: int = 0
    data: bytes = b""
    max_fee_wei: int = 0
    tip_wei: int = 0
    access_list: AccessList = ()
    authorizations: Sequence[SignedFields] = ()
    is_replay_protected: bool = True


def sign(key: Key, fields: Fields, signature_override: Mapping[str, int] | None = None) -> bytes:
    """Encode and sign; ``signature_override`` replaces ``parity``, ``r`` or ``s``."""
    body = [fields.gas_limit, fields.to, fields.value_wei, fields.data]
    if fields.kind == 0:
        return _sign_legacy(key, fields, [fields.nonce, fields.max_fee_wei, *body])
    tip = [] if fields.kind == 1 else [fields.tip_wei]
    access_list = [
        [address, [slot.to_bytes(32, "big") for slot in slots]]
        for address, slots in fields.access_list
    ]
    unsigned = [fields.chain_id, fields.nonce, *tip, fields.max_fee_wei, *body, access_list]
    if fields.kind == 4:
        unsigned.append(list(fields.authorizations))
    prefix = bytes([fields.kind])
    parity, r, s = key.sign(prefix + rlp.encode(unsigned))
    override = signature_override or {}
    signature = [override.get("parity", parity), override.get("r", r), override.get("s", s)]
    encoded: bytes = rlp.encode(unsigned + signature)
    return prefix + encoded


def _sign_legacy(key: Key, fields: Fields, unsigned: SignedFields) -> bytes:
    suffix = [fields.chain_id, b"", b""] if fields.is_replay_protected else []
    parity, r, s = key.sign(rlp.encode(unsigned + suffix))
    v = 35 + 2 * fields.chain_id + parity if fields.is_replay_protected else 27 + parity
    encoded: bytes = rlp.encode([*unsigned, v, r, s])
    return encoded


def authorize(
    key: Key,
    chain_id: int,
    delegate: bytes,
    nonce: int,
    signature_override: Mapping[str, int] | None = None,
) -> SignedFields:
    """A signed EIP-7702 authorization."""
    unsigned: SignedFields = [chain_id, delegate, nonce]
    parity, r, s = key.sign(AUTHORIZATION_MAGIC + rlp.encode(unsigned))
    override = signature_override or {}
    signature = [override.get("parity", parity), override.get("r", r), override.get("s", s)]
    return unsigned + signature
