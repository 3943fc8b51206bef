"""Precompiles that need curve arithmetic, against known answers: no C library is behind them."""

import hashlib
from typing import Final

import pytest
from py_ecc import bn128, optimized_bls12_381

from execution.engine import WasmEngine
from execution.types import Address, CallRequest, CallResult
from ledger.hashing import keccak
from tests.unit.execution.wasm_chain import ALICE, STRANGER, make_spec

ECRECOVER: Final = 1
BN254_PAIRING: Final = 8
POINT_EVALUATION: Final = 10
BLS_G1_MSM: Final = 12
BLS_PAIRING: Final = 15
TRUE_WORD: Final = (1).to_bytes(32, "big")

# Case "correct_proof_4_4" of c-kzg-4844's verify_kzg_proof tests.
COMMITMENT: Final = bytes.fromhex(
    "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7"
)
Z: Final = bytes.fromhex("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000")
Y: Final = bytes.fromhex("1522a4a7f34e1ea350ae07c29c96c7e79655aa926122e95fe69fcbd932ca49e9")
PROOF: Final = bytes.fromhex(
    "a62ad71d14c5719385c0686f1871430475bf3a00f0aa3f7b8dd99a9abc2160744faf0070725e00b60ad9a026a15b1a8c"
)


@pytest.fixture(scope="module")
def engine() -> WasmEngine:
    return WasmEngine(make_spec())


def run(engine: WasmEngine, number: int, data: bytes) -> CallResult:
    return engine.call(CallRequest(STRANGER, Address(number.to_bytes(20, "big")), data))


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def field_elements(*values: int) -> bytes:
    """EIP-2537: 64 bytes each."""
    return b"".join(value.to_bytes(64, "big") for value in values)


def bls_points() -> tuple[bytes, bytes, bytes]:
    """G1 generator, its negative, and G2 generator, encoded."""
    x, y = (int(value) for value in optimized_bls12_381.normalize(optimized_bls12_381.G1))
    (x0, x1), (y0, y1) = (
        value.coeffs for value in optimized_bls12_381.normalize(optimized_bls12_381.G2)
    )
    negative_y = optimized_bls12_381.field_modulus - y
    g2 = field_elements(int(x0), int(x1), int(y0), int(y1))
    return field_elements(x, y), field_elements(x, negative_y), g2


def test_ecrecover_returns_the_signer(engine: WasmEngine) -> None:
    message = keccak(b"message")
    signature = ALICE.secret.sign_recoverable(message, hasher=None)
    data = message + words(27 + signature[64]) + signature[:64]

    assert run(engine, ECRECOVER, data).output == ALICE.address.rjust(32, b"\0")


def test_ecrecover_returns_nothing_for_a_signature_that_is_none(engine: WasmEngine) -> None:
    data = keccak(b"message") + words(27, 0, 1)

    result = run(engine, ECRECOVER, data)

    assert (result.is_success, result.output) == (True, b"")


def test_a_kzg_proof_is_accepted(engine: WasmEngine) -> None:
    versioned_hash = b"\x01" + hashlib.sha256(COMMITMENT).digest()[1:]

    result = run(engine, POINT_EVALUATION, versioned_hash + Z + Y + COMMITMENT + PROOF)

    assert result.is_success
    assert int.from_bytes(result.output[:32], "big") == 4096


def test_a_kzg_proof_of_another_value_is_rejected(engine: WasmEngine) -> None:
    versioned_hash = b"\x01" + hashlib.sha256(COMMITMENT).digest()[1:]
    other_y = Y[:-1] + bytes([Y[-1] ^ 1])

    result = run(engine, POINT_EVALUATION, versioned_hash + Z + other_y + COMMITMENT + PROOF)

    assert not result.is_success


def test_bn254_pairings_that_cancel_out_multiply_to_one(engine: WasmEngine) -> None:
    x, y = (int(value) for value in bn128.G1)
    (x0, x1), (y0, y1) = ([int(part) for part in value.coeffs] for value in bn128.G2)
    g2 = words(x1, x0, y1, y0)
    cancelling = words(x, y) + g2 + words(x, bn128.field_modulus - y) + g2
    doubling = (words(x, y) + g2) * 2

    assert run(engine, BN254_PAIRING, cancelling).output == TRUE_WORD
    assert run(engine, BN254_PAIRING, doubling).output == words(0)
    assert not run(engine, BN254_PAIRING, words(x, y + 1) + g2).is_success


def test_bls12_381_pairings_that_cancel_out_multiply_to_one(engine: WasmEngine) -> None:
    g1, negative_g1, g2 = bls_points()

    assert run(engine, BLS_PAIRING, g1 + g2 + negative_g1 + g2).output == TRUE_WORD
    assert run(engine, BLS_PAIRING, (g1 + g2) * 2).output == words(0)
    assert not run(engine, BLS_PAIRING, g1[:-1] + b"\0" + g2).is_success


def test_a_bls12_381_multi_scalar_multiplication_is_that_of_py_ecc(engine: WasmEngine) -> None:
    g1, negative_g1, _ = bls_points()
    scalars = (0x1234567890ABCDEF << 128, 77)
    expected = optimized_bls12_381.multiply(optimized_bls12_381.G1, scalars[0] - scalars[1])

    output = run(
        engine, BLS_G1_MSM, g1 + words(scalars[0]) + negative_g1 + words(scalars[1])
    ).output

    x, y = optimized_bls12_381.normalize(expected)
    assert output == field_elements(int(x), int(y))
