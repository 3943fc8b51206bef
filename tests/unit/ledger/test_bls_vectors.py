"""BLS12-381 against Ethereum's test vectors, every folder that applies to what we offer.

``aggregate_verify`` is left out: it is about different messages under one aggregate,
which the ledger never has.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from py_arkworks_bls12381 import G2Point

from ledger.bls import BlsSigner, BlsVerifier, aggregate, verify_aggregate
from ledger.errors import InvalidKey, InvalidSignature, SignatureError
from ledger.types import BlsPublicKey, BlsSignature

FOLDER = Path(__file__).parents[3] / ".." / "shared" / "vectors" / "bls"
COUNTS = {
    "sign": 5,
    "verify": 15,
    "fast_aggregate_verify": 6,
    "aggregate": 3,
    "batch_verify": 2,
    "deserialization_G1": 8,
    "deserialization_G2": 9,
    "hash_to_G2": 2,
}
FIELD_MODULUS = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf"
    "6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
HASH_VECTORS_DOMAIN = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"

pytestmark = [
    pytest.mark.vectors,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no vectors under ../shared/vectors/bls"),
]


def cases(kind: str) -> list[Any]:
    if not FOLDER.is_dir():
        return []
    return [
        pytest.param(json.loads(path.read_text()), id=path.stem)
        for path in sorted((FOLDER / kind).glob("*.json"))
    ]


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def is_verified(public_keys: list[str], message: str, signature: str) -> bool:
    try:
        verifiers = [BlsVerifier(BlsPublicKey(raw(key))) for key in public_keys]
        verify_aggregate(verifiers, raw(message), BlsSignature(raw(signature)))
    except SignatureError:
        return False
    return True


@pytest.mark.parametrize("kind", COUNTS)
def test_all_vectors_are_there(kind: str) -> None:
    assert len(cases(kind)) == COUNTS[kind]


@pytest.mark.parametrize("case", cases("sign"))
def test_sign(case: Any) -> None:
    secret, message = int(case["input"]["privkey"], 16), raw(case["input"]["message"])
    if case["output"] is None:
        with pytest.raises(InvalidKey):
            BlsSigner(secret)
        return
    assert BlsSigner(secret).sign(message) == raw(case["output"])


@pytest.mark.parametrize("case", cases("verify"))
def test_verify(case: Any) -> None:
    values = case["input"]
    got = is_verified([values["pubkey"]], values["message"], values["signature"])
    assert got is case["output"]


@pytest.mark.parametrize("case", cases("fast_aggregate_verify"))
def test_fast_aggregate_verify(case: Any) -> None:
    values = case["input"]
    got = is_verified(values["pubkeys"], values["message"], values["signature"])
    assert got is case["output"]


@pytest.mark.parametrize("case", cases("batch_verify"))
def test_batch_verify(case: Any) -> None:
    values = case["input"]
    triples = zip(values["pubkeys"], values["messages"], values["signatures"], strict=True)
    assert all(is_verified([key], *rest) for key, *rest in triples) is case["output"]


@pytest.mark.parametrize("case", cases("aggregate"))
def test_aggregate(case: Any) -> None:
    signatures = [BlsSignature(raw(signature)) for signature in case["input"]]
    if case["output"] is None:
        with pytest.raises(InvalidSignature):
            aggregate(signatures)
        return
    assert aggregate(signatures) == raw(case["output"])


@pytest.mark.parametrize("case", cases("deserialization_G1"))
def test_public_keys_are_parsed_strictly(case: Any) -> None:
    key = BlsPublicKey(raw(case["input"]["pubkey"]))
    if case["output"]:
        assert BlsVerifier(key).public_key == key
    else:
        with pytest.raises(InvalidKey):
            BlsVerifier(key)


@pytest.mark.parametrize("case", cases("deserialization_G2"))
def test_signatures_are_parsed_strictly(case: Any) -> None:
    signature = BlsSignature(raw(case["input"]["signature"]))
    if case["output"]:
        assert aggregate([signature]) == signature
    else:
        with pytest.raises(InvalidSignature):
            aggregate([signature])


@pytest.mark.parametrize("case", cases("hash_to_G2"))
def test_the_library_hashes_to_the_curve_as_the_rfc_says(case: Any) -> None:
    point = G2Point.hash_to_curve(case["input"]["msg"].encode(), HASH_VECTORS_DOMAIN)
    x, y = ([int(part, 16) for part in case["output"][axis].split(",")] for axis in ("x", "y"))
    # Compressed: x1 with the flags, then x0; the flag says that y is the larger root.
    larger_of = y[1] if y[1] != 0 else y[0]
    flags = 0x80 | (0x20 if larger_of > (FIELD_MODULUS - 1) // 2 else 0)
    expected = bytearray(x[1].to_bytes(48, "big") + x[0].to_bytes(48, "big"))
    expected[0] |= flags
    assert bytes(point.to_compressed_bytes()) == bytes(expected)
