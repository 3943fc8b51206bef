"""Fiat–Shamir: challenges that depend on everything said before them.

The state is a chain of SHA-256 digests. Every hash starts with a 4-byte tag of its purpose, and
every message and challenge carries a label, so that no two places of the protocol can be taken for
each other.

    observe    state' = H(OBSERVE, state, |label|, label, |data|, data)
    sample     digest = H(SAMPLE, state, |label|, label);  state' = H(AFTER, digest)
    grinding   H(GRIND, state, nonce) starts with the asked number of zero bits; then the nonce
               is observed

|label| is 4 bytes and |data| 8 bytes, big-endian, like all integers here. Prover and verifier run
the same object; the verifier's differs only in checking nonces that the prover had to search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import count
from typing import Final

from proving.errors import GrindingFailed, NonCanonicalElement, OutOfRange
from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import P

OBSERVE: Final = (4).to_bytes(4, "big")
SAMPLE: Final = (5).to_bytes(4, "big")
AFTER: Final = (6).to_bytes(4, "big")
GRIND: Final = (7).to_bytes(4, "big")

DIGEST_BYTES: Final = 32
DIGEST_BITS: Final = 8 * DIGEST_BYTES
ELEMENT_BYTES: Final = 4
SAMPLED_BYTES_PER_COORDINATE: Final = 8
"""Eight bytes modulo p: each coordinate is uniform up to 2⁻³³ of its probability."""
NONCE_BYTES: Final = 8
MAX_INDEX_BITS: Final = 64


class Transcript:
    """The transcript of one proof.

    Parameters
    ----------
    protocol
        Name and version of the protocol; other names give unrelated challenges.
    """

    __slots__ = ("_state",)

    def __init__(self, protocol: str) -> None:
        self._state = bytes(DIGEST_BYTES)
        self.observe("protocol", protocol.encode())

    def observe(self, label: str, data: bytes) -> None:
        """Bind all later challenges to `data`."""
        length = len(data).to_bytes(8, "big")
        self._state = _digest(OBSERVE, self._state, _encode_label(label), length, data)

    def observe_elements(self, label: str, values: Iterable[int]) -> None:
        """Bind all later challenges to base-field elements, 4 bytes each.

        Raises
        ------
        NonCanonicalElement
            If a value is not in 0..p − 1.
        """
        self.observe(label, b"".join(_encode_element(label, value) for value in values))

    def observe_extension(self, label: str, values: Iterable[Extension]) -> None:
        """Bind all later challenges to extension-field elements, lowest coordinate first."""
        self.observe_elements(
            label, [coordinate for value in values for coordinate in value.coefficients]
        )

    def sample_extension(self, label: str) -> Extension:
        """Return a challenge from the whole extension field."""
        digest = self._sample(label)
        width = SAMPLED_BYTES_PER_COORDINATE
        return Extension(
            [
                int.from_bytes(digest[width * index : width * (index + 1)], "big") % P
                for index in range(DEGREE)
            ]
        )

    def sample_index(self, label: str, bits: int) -> int:
        """Return a challenge in 0..2^`bits` − 1.

        Raises
        ------
        ValueError
            If `bits` is outside 0..64: a mistake of the caller.
        """
        if not 0 <= bits <= MAX_INDEX_BITS:
            raise ValueError(f"bits must be in 0..{MAX_INDEX_BITS}, got {bits}")
        first_bytes = self._sample(label)[: MAX_INDEX_BITS // 8]
        return int.from_bytes(first_bytes, "big") & ((1 << bits) - 1)

    def grind(self, label: str, bits: int) -> int:
        """Search the smallest nonce with `bits` bits of proof of work, observe and return it.

        Takes 2^`bits` hashes on average.
        """
        prefix = hashlib.sha256(GRIND + self._state)
        limit = 1 << (DIGEST_BITS - bits)
        for nonce in count():
            attempt = prefix.copy()
            attempt.update(nonce.to_bytes(NONCE_BYTES, "big"))
            if int.from_bytes(attempt.digest(), "big") < limit:
                break
        self._observe_nonce(label, nonce)
        return nonce

    def check_grinding(self, label: str, bits: int, nonce: int) -> None:
        """Check the proof of work of a nonce and observe it.

        Raises
        ------
        OutOfRange
            If the nonce does not fit in 8 bytes.
        GrindingFailed
            If its hash has fewer than `bits` leading zero bits.
        """
        if not 0 <= nonce < 1 << (8 * NONCE_BYTES):
            raise OutOfRange(f"nonce of {label}", f"0..2^{8 * NONCE_BYTES} - 1", nonce)
        digest = _digest(GRIND, self._state, nonce.to_bytes(NONCE_BYTES, "big"))
        zero_bits = DIGEST_BITS - int.from_bytes(digest, "big").bit_length()
        if zero_bits < bits:
            raise GrindingFailed(f"leading zero bits of {label}", f"at least {bits}", zero_bits)
        self._observe_nonce(label, nonce)

    def _observe_nonce(self, label: str, nonce: int) -> None:
        self.observe(label, nonce.to_bytes(NONCE_BYTES, "big"))

    def _sample(self, label: str) -> bytes:
        digest = _digest(SAMPLE, self._state, _encode_label(label))
        self._state = _digest(AFTER, digest)
        return digest


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _encode_label(label: str) -> bytes:
    encoded = label.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def _encode_element(label: str, value: int) -> bytes:
    if not 0 <= value < P:
        raise NonCanonicalElement(f"element of {label}", f"0..{P - 1}", value)
    return value.to_bytes(ELEMENT_BYTES, "big")
