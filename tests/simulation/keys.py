"""Validators of the simulation: cheap signatures for mass runs, real ones for some."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

from consensus import VoteVerifier
from ledger.ed25519 import Ed25519Signer, Ed25519Verifier
from ledger.errors import InvalidSignature, InvalidSigners
from ledger.types import Digest, Ed25519Signature, Epoch, ValidatorIndex, quorum
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
    """

    def __init__(self, count: int, epoch: int = 0, needed: int | None = None) -> None:
        self.epoch = Epoch(epoch)
        self.digest = GENESIS_DIGEST
        self.count = count
        self.quorum = quorum(count) if needed is None else needed
        self.checks = 0
        self._keys = [f"validator {index}".encode() for index in range(count)]

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


class Ed25519Validators(KeyedHashValidators):
    """The same validators with real signatures."""

    def __init__(self, count: int, epoch: int = 0) -> None:
        super().__init__(count, epoch)
        self._signers = [Ed25519Signer(bytes([index + 1]) * 32) for index in range(count)]
        self._verifiers = [Ed25519Verifier(signer.public_key) for signer in self._signers]

    def signer(self, index: ValidatorIndex) -> Sign:
        """Signing side of one validator."""
        return self._signers[index].sign

    def verify_vote(self, vote: Vote) -> None:
        """Check epoch, signer and signature, as ``ValidatorSet`` does."""
        self.checks += 1
        subject = subject_of(vote)
        if subject.epoch != self.epoch or vote.signer >= self.count:
            raise InvalidSigners(f"validator {vote.signer}, epoch {subject.epoch}")
        self._verifiers[vote.signer].verify(_message_of(vote), vote.signature)


def is_verifier(validators: KeyedHashValidators) -> VoteVerifier:
    """The interface that consensus asks for (checked by the type checker)."""
    return validators
