"""Errors of the ledger package.

LedgerError
├── CodecError                 bytes from outside are not a canonical encoding
│   ├── TooLarge               longer than the bound, refused before decoding
│   ├── Malformed              not MessagePack, or of the wrong shape
│   ├── UnknownTag             no type that the caller accepts has this tag
│   ├── OutOfBounds            a field breaks its bound
│   └── NonCanonical           decodes, but encodes differently
├── SignatureError             a signature or a key is wrong
│   ├── InvalidKey
│   ├── InvalidSignature
│   ├── InvalidSigners         signer bitmap out of range or of the wrong size
│   └── QuorumNotReached       fewer signers than 2f+1
├── MerkleError                a Merkle proof does not lead to its root
├── EvidenceError              two votes that do not contradict each other
├── GenesisError               a genesis file that cannot start a network
│   └── UnknownProtocolVersion of a protocol that this build does not speak
├── MembershipError            a change of the validator set that cannot be made
└── EpochChainError            epochs that do not follow from one another
"""

from collections.abc import Iterable


class LedgerError(Exception):
    """Base of everything that this package raises."""


class CodecError(LedgerError):
    """Bytes from outside are not the canonical encoding of what was asked for."""


class TooLarge(CodecError):
    """Longer than the caller's bound."""

    def __init__(self, got_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"{got_bytes} bytes, limit is {limit_bytes}")


class Malformed(CodecError):
    """Not MessagePack, or MessagePack of the wrong shape."""


class UnknownTag(CodecError):
    """The leading tag names no type that the caller accepts."""


class OutOfBounds(CodecError):
    """A field breaks its bound."""


class NonCanonical(CodecError):
    """The bytes decode, but the value encodes to other bytes."""


class SignatureError(LedgerError):
    """A signature or a key is wrong."""


class InvalidKey(SignatureError):
    """Not a valid public key, or a missing proof of possession."""


class InvalidSignature(SignatureError):
    """The signature does not verify under the key."""


class InvalidSigners(SignatureError):
    """A signer bitmap out of range, or not matching its signatures."""


class QuorumNotReached(SignatureError):
    """Fewer signers than a quorum."""

    def __init__(self, got: int, expected: int) -> None:
        super().__init__(f"{got} signers, a quorum is {expected}")


class MerkleError(LedgerError):
    """A Merkle proof does not lead to its root."""


class EvidenceError(LedgerError):
    """Two votes that do not contradict each other, or are not signed by one validator."""


class GenesisError(LedgerError):
    """A genesis that cannot start a network; the message says what to change."""


class UnknownProtocolVersion(GenesisError):
    """A network whose protocol this build does not speak."""

    def __init__(self, got: int, expected: Iterable[int]) -> None:
        self.got = got
        self.expected = tuple(sorted(expected))
        spoken = ", ".join(map(str, self.expected))
        super().__init__(
            f"the network has protocol version {got}, this build speaks {spoken}: "
            "use a build for that network"
        )


class MembershipError(LedgerError):
    """A change of the validator set that cannot be made; the message says what to change."""


class EpochChainError(LedgerError):
    """Epochs that do not follow from one another, or are not proved to."""
