"""Keys from a seed, and signatures with them."""

import pytest

from ledger.bls import (
    CURVE_ORDER,
    BlsSigner,
    BlsVerifier,
    aggregate,
    verify_aggregate,
    verify_possession,
)
from ledger.ed25519 import Ed25519Signer, Ed25519Verifier
from ledger.errors import InvalidKey, InvalidSignature
from ledger.keys import ValidatorKeys
from ledger.types import BlsPublicKey, BlsSignature, Ed25519PublicKey, Ed25519Signature

SEED = bytes(range(32))
PINNED = {
    "consensus": "d6de992e0532f6327d9bfdaa01951cd0592118dc67efa16a19b785f679154a49",
    "network": "face9dedde0dbabf962691157f849c3772bc4ec995db87fbf9c0fa526e832e01",
    "checkpoint": (
        "b9caaff2f1a6383890210dcb34e3a9da5302cbbff7529f4de6c4acb8b1bb6397286a52fadc260b6f1463fa14bebe01d1"
    ),
    "coinbase": "06a6d426c6bbcc70568027320743f8938fa22cb5",
}


def test_one_seed_gives_the_same_keys_for_ever() -> None:
    """Pinned: changing the derivation would lock every operator out of its validator."""
    entry = ValidatorKeys(SEED).genesis_entry("a")
    assert entry == ValidatorKeys(SEED).genesis_entry("a")
    assert entry.consensus_key.hex() == PINNED["consensus"]
    assert entry.network_key.hex() == PINNED["network"]
    assert entry.checkpoint_key.hex() == PINNED["checkpoint"]
    assert entry.coinbase.hex() == PINNED["coinbase"]


def test_each_purpose_and_each_seed_has_its_own_key() -> None:
    first, second = ValidatorKeys(SEED), ValidatorKeys(SEED[::-1])
    assert first.consensus.public_key != first.genesis_entry("a").network_key
    assert first.consensus.public_key != second.consensus.public_key
    assert first.network_seed != second.network_seed
    assert first.checkpoint.public_key != second.checkpoint.public_key


def test_ed25519_signs_and_refuses() -> None:
    signer = Ed25519Signer(SEED)
    verifier = Ed25519Verifier(signer.public_key)
    verifier.verify(b"message", signer.sign(b"message"))
    for message, signature in (
        (b"massage", signer.sign(b"message")),
        (b"message", Ed25519Signature(bytes(64))),
        (b"message", Ed25519Signature(b"\xff" * 64)),
        (b"message", Ed25519Signature(b"")),
    ):
        with pytest.raises(InvalidSignature):
            verifier.verify(message, signature)


def test_ed25519_signatures_are_not_malleable() -> None:
    """s + L verifies in lenient libraries; two signatures of one vote would be two encodings."""
    order = 2**252 + 27742317777372353535851937790883648493
    signer = Ed25519Signer(SEED)
    signature = signer.sign(b"message")
    scalar = int.from_bytes(signature[32:], "little") + order
    lifted = Ed25519Signature(signature[:32] + scalar.to_bytes(32, "little"))
    with pytest.raises(InvalidSignature):
        Ed25519Verifier(signer.public_key).verify(b"message", lifted)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_an_ed25519_key_has_32_bytes(length: int) -> None:
    with pytest.raises(InvalidKey):
        Ed25519Verifier(Ed25519PublicKey(bytes(length)))


def test_bls_signs_and_refuses() -> None:
    signer = BlsSigner(12345)
    verifier = BlsVerifier(signer.public_key)
    verify_aggregate([verifier], b"message", signer.sign(b"message"))
    verify_possession(verifier, signer.prove_possession())
    for message, signature in (
        (b"massage", signer.sign(b"message")),
        (b"message", BlsSigner(12346).sign(b"message")),
        (b"message", BlsSignature(bytes(96))),
        (b"message", BlsSignature(b"\xc0" + bytes(95))),
        (b"message", BlsSignature(b"")),
        (b"message", signer.prove_possession()),
    ):
        with pytest.raises(InvalidSignature):
            verify_aggregate([verifier], message, signature)


@pytest.mark.parametrize("secret", [0, -1, CURVE_ORDER, CURVE_ORDER + 1])
def test_a_bls_secret_lies_within_the_group(secret: int) -> None:
    with pytest.raises(InvalidKey):
        BlsSigner(secret)


def test_the_largest_bls_secret_works() -> None:
    signer = BlsSigner(CURVE_ORDER - 1)
    verify_aggregate([BlsVerifier(signer.public_key)], b"m", signer.sign(b"m"))


@pytest.mark.parametrize("key", [b"", bytes(48), b"\xc0" + bytes(47), b"\xff" * 48, bytes(47)])
def test_what_is_no_point_or_the_identity_is_no_bls_key(key: bytes) -> None:
    with pytest.raises(InvalidKey):
        BlsVerifier(BlsPublicKey(key))


def test_an_aggregate_needs_every_signer_and_no_other() -> None:
    signers = [BlsSigner(number) for number in (5, 6, 7)]
    verifiers = [BlsVerifier(signer.public_key) for signer in signers]
    total = aggregate([signer.sign(b"m") for signer in signers])
    verify_aggregate(verifiers, b"m", total)
    verify_aggregate(verifiers[::-1], b"m", total)
    with pytest.raises(InvalidSignature):
        verify_aggregate(verifiers[:2], b"m", total)
    with pytest.raises(InvalidSignature):
        verify_aggregate([*verifiers, verifiers[0]], b"m", total)


def test_nobody_signs_nothing() -> None:
    with pytest.raises(InvalidSignature):
        aggregate([])
    with pytest.raises(InvalidSignature):
        verify_aggregate([], b"m", BlsSignature(b"\xc0" + bytes(95)))


def test_keys_that_cancel_out_verify_nothing() -> None:
    """secret and -secret: their sum is the identity, under which the identity would verify."""
    keys = [BlsSigner(5), BlsSigner(CURVE_ORDER - 5)]
    verifiers = [BlsVerifier(signer.public_key) for signer in keys]
    total = aggregate([signer.sign(b"m") for signer in keys])
    with pytest.raises(InvalidSignature):
        verify_aggregate(verifiers, b"m", total)
