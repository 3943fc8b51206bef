"""Names for the numbers and byte strings that the ledger is made of.

``*Field`` aliases add the bound that the codec enforces (see ``codec.py``).
"""

from enum import IntEnum
from typing import Annotated, Final, NewType

from ledger.bounds import AtMost, Exactly, Uint

Epoch = NewType("Epoch", int)
View = NewType("View", int)
Height = NewType("Height", int)
ChainId = NewType("ChainId", int)
BlockNumber = NewType("BlockNumber", int)
ValidatorIndex = NewType("ValidatorIndex", int)
TimestampMs = NewType("TimestampMs", int)
Digest = NewType("Digest", bytes)
EvmAddress = NewType("EvmAddress", bytes)
EvmHash = NewType("EvmHash", bytes)
Ed25519PublicKey = NewType("Ed25519PublicKey", bytes)
Ed25519Signature = NewType("Ed25519Signature", bytes)
BlsPublicKey = NewType("BlsPublicKey", bytes)
BlsSignature = NewType("BlsSignature", bytes)

MAX_VALIDATORS: Final = 256

NO_VALIDATOR: Final = ValidatorIndex(MAX_VALIDATORS)
"""Index of a node that only follows the ledger: no field can hold it, so nothing that is signed
in its name can be encoded."""

EpochField = Annotated[Epoch, Uint(64)]
ViewField = Annotated[View, Uint(63)]
HeightField = Annotated[Height, Uint(63)]
ChainIdField = Annotated[ChainId, Uint(52)]
BlockNumberField = Annotated[BlockNumber, Uint(63)]
ValidatorIndexField = Annotated[ValidatorIndex, Uint(8)]
TimestampMsField = Annotated[TimestampMs, Uint(53)]
DigestField = Annotated[Digest, Exactly(32)]
EvmAddressField = Annotated[EvmAddress, Exactly(20)]
EvmHashField = Annotated[EvmHash, Exactly(32)]
WeiField = Annotated[int, Uint(256)]
GasField = Annotated[int, Uint(63)]
Ed25519PublicKeyField = Annotated[Ed25519PublicKey, Exactly(32)]
Ed25519SignatureField = Annotated[Ed25519Signature, Exactly(64)]
BlsPublicKeyField = Annotated[BlsPublicKey, Exactly(48)]
BlsSignatureField = Annotated[BlsSignature, Exactly(96)]
SignerBitmapField = Annotated[bytes, AtMost(MAX_VALIDATORS // 8)]

ZERO_DIGEST: Final = Digest(bytes(32))


class ChainRole(IntEnum):
    """Which of the two chains a block belongs to."""

    ZK = 0
    FAST = 1

    @property
    def other(self) -> "ChainRole":
        """The chain at the other end of the bridge."""
        return ChainRole.FAST if self is ChainRole.ZK else ChainRole.ZK


def max_faulty(validator_count: int) -> int:
    """Largest ``f`` with ``n >= 3f + 1``."""
    return (validator_count - 1) // 3


def quorum(validator_count: int) -> int:
    """Votes in a certificate: ``n - f``, which is ``2f + 1`` when ``n = 3f + 1``.

    Two quorums share at least ``n - 2f >= f + 1`` validators, so an honest one.
    """
    return validator_count - max_faulty(validator_count)
