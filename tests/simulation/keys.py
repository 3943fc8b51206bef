"""Validators of the simulation: cheap signatures for mass runs, real ones for some."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from consensus import VoteVerifier
from ledger.errors import InvalidSignature, InvalidSigners
from ledger.genesis import NO_L1, PROTOCOL_VERSION, Genesis, Timing
from ledger.keys import ValidatorKeys
from ledger.types import Digest, Ed25519Signature, Epoch, TimestampMs, ValidatorIndex, quorum
from ledger.validators import ValidatorSet
from ledger.votes import (
    Finalize,
    Notarize,
    Nullify,
    Proposal,
    Round,
    Vote,
    signed_message,
    subject_of,
)

Sign = Callable[[bytes], Ed25519Signature]

_KINDS: dict[str, type[Vote]] = {kind.__name__: kind for kind in (Notarize, Nullify, Finalize)}
GENESIS_DIGEST = Digest(hashlib.sha256(b"simulation").digest())


@lru_cache(maxsize=4096)
def _cached_message(kind: str, subject: Proposal | Round) -> bytes:
    return signed_message(_KINDS[kind], GENESIS_DIGEST, subject)


def _message_of(vote: Vote) -> bytes:
    return _cached_message(type(vote).__name__, subject_of(vote))


class KeyedHashValidators:
    """Signatures are keyed hashes: unforgeable for those who are not handed the key.

    Parameters
    ----------
    count
        Number of validators.
    needed
        Votes in a certificate; another number than the real quorum makes a mutant.
    names
        Whose key each validator has; by default each its own.
    """

    def __init__(
        self,
        count: int,
        epoch: int = 0,
        needed: int | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.epoch = Epoch(epoch)
        self.digest = GENESIS_DIGEST
        self.count = count
        self.quorum = quorum(count) if needed is None else needed
        self.checks = 0
        holders = names or [f"validator {index}" for index in range(count)]
        self._keys = [holder.encode() for holder in holders]

    def signer(self, index: ValidatorIndex) -> Sign:
        """Signing side of one validator."""
        key = self._keys[index]
        return lambda message: _keyed_hash(key, message)

    def verify_vote(self, vote: Vote) -> None:
        """Check epoch, signer and signature, as ``ValidatorSet`` does."""
        self.checks += 1
        subject = subject_of(vote)
        if subject.epoch != self.epoch or vote.signer >= self.count:
            raise InvalidSigners(f"validator {vote.signer}, epoch {subject.epoch}")
        expected = _keyed_hash(self._keys[vote.signer], _message_of(vote))
        if vote.signature != expected:
            raise InvalidSignature("keyed hash does not match")


def _keyed_hash(key: bytes, message: bytes) -> Ed25519Signature:
    return Ed25519Signature(hashlib.blake2b(message, key=key, digest_size=64).digest())


class RealValidators(KeyedHashValidators):
    """The validator set that a node of the product has, with the keys of a genesis."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._secrets = [ValidatorKeys(bytes([index + 1]) * 32) for index in range(count)]
        self._set: VoteVerifier = ValidatorSet(_genesis(self._secrets))
        self.digest = self._set.digest

    def signer(self, index: ValidatorIndex) -> Sign:
        """Signing side of one validator."""
        return self._secrets[index].consensus.sign

    def verify_vote(self, vote: Vote) -> None:
        """Check epoch, signer and Ed25519 signature."""
        self.checks += 1
        self._set.verify_vote(vote)


def _genesis(secrets: list[ValidatorKeys]) -> Genesis:
    return Genesis(
        network="simulation",
        protocol_version=PROTOCOL_VERSION,
        epoch=Epoch(0),
        timestamp_ms=TimestampMs(0),
        validators=tuple(
            keys.genesis_entry(f"validator {index}") for index, keys in enumerate(secrets)
        ),
        timing=Timing(100, 25, 100, 100, 1000),
        chains=(),
        l1=NO_L1,
    )
