"""Bytes that are no proof get the promised error, in little time and memory."""

from __future__ import annotations

from functools import cache

import pytest

from proving.errors import MalformedProof
from proving.stark.codec import MAGIC
from proving.zkvm import proof_file
from proving.zkvm.proof_file import decode_proof_file, encode_proof_file
from proving.zkvm.verification import security_of, verify_file
from tests.soundness.hostile_bytes import Refusal, refusals
from tests.soundness.worlds import SMALL, claim_of, file_of

MOST_SECONDS = 5.0
"""An honest proof of the small run takes 0.2."""
MOST_BYTES = 32 << 20
"""The longest inputs have 3 MB, and verifying an honest proof takes 11 MB."""


@cache
def measured() -> list[Refusal]:
    return refusals(SMALL)


def test_the_honest_file_is_accepted() -> None:
    encoded = encode_proof_file(file_of(SMALL))
    assert verify_file(decode_proof_file(encoded)).digest == claim_of(SMALL).key.digest


def test_all_hostile_bytes_are_refused() -> None:
    accepted = [refusal.kind for refusal in measured() if not refusal.is_refused]
    assert not accepted


def test_a_refusal_takes_little_time() -> None:
    assert max(refusal.seconds for refusal in measured()) < MOST_SECONDS


def test_a_refusal_takes_little_memory() -> None:
    assert 0 < max(refusal.peak_bytes for refusal in measured()) < MOST_BYTES


def test_security_is_not_accounted_for_bytes_that_are_no_proof() -> None:
    claim = claim_of(SMALL)
    assert security_of(claim.key, claim.encoded).bits >= 96
    for encoded in (b"", MAGIC, claim.encoded[:-1], MAGIC + bytes(100)):
        with pytest.raises(MalformedProof):
            security_of(claim.key, encoded)


def test_a_file_that_is_too_long_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded = encode_proof_file(file_of(SMALL))
    monkeypatch.setattr(proof_file, "MAX_FILE_BYTES", len(encoded))
    decode_proof_file(encoded)
    monkeypatch.setattr(proof_file, "MAX_FILE_BYTES", len(encoded) - 1)
    with pytest.raises(MalformedProof, match="limit is"):
        decode_proof_file(encoded)
