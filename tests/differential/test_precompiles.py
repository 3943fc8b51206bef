"""Every precompile of Prague on both engines: outputs, gas and failures."""

import hashlib
from typing import Final

import pytest
from py_ecc.optimized_bls12_381 import G1, G2, Z1, curve_order, multiply, neg, normalize
from py_ecc.optimized_bn128 import G1 as BN_G1
from py_ecc.optimized_bn128 import G2 as BN_G2
from py_ecc.optimized_bn128 import multiply as bn_multiply
from py_ecc.optimized_bn128 import neg as bn_neg
from py_ecc.optimized_bn128 import normalize as bn_normalize

from tests.differential.assembler import assemble, keep
from tests.differential.chain import ALICE, Chain, contract_address
from tests.differential.signing import SECP256K1_ORDER

BN_MODULUS: Final = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47
BLS_MODULUS: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
    "1eabfffeb153ffffb9feffffffffaaab",
    16,
)

SUCCESS_SLOT, GAS_SLOT, SIZE_SLOT, HASH_SLOT = range(1, 5)

# Calls the precompile whose number is the first byte of the calldata with the rest.
CALLER: Final = (
    assemble(1, "CALLDATASIZE", "SUB", 1, 0, "CALLDATACOPY")
    + assemble("GAS")
    + assemble(0, 0, 1, "CALLDATASIZE", "SUB", 0, 0, "CALLDATALOAD", 0, "BYTE")
    + assemble(2_000_000, "STATICCALL")
    + keep(SUCCESS_SLOT)
    + assemble("GAS", "SWAP1", "SUB")
    + keep(GAS_SLOT)
    + assemble("RETURNDATASIZE")
    + keep(SIZE_SLOT)
    + assemble("RETURNDATASIZE", 0, 0, "RETURNDATACOPY", "RETURNDATASIZE", 0, "KECCAK256")
    + keep(HASH_SLOT)
)


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def bls_field(value: int) -> bytes:
    return value.to_bytes(64, "big")


def bls_g1(point: object) -> bytes:
    x, y = normalize(point)
    return bls_field(int(x)) + bls_field(int(y))


def bls_g2(point: object) -> bytes:
    return b"".join(bls_field(int(c)) for element in normalize(point) for c in element.coeffs)


def bn_g1(point: object) -> bytes:
    x, y = bn_normalize(point)
    return words(int(x), int(y))


def bn_g2(point: object) -> bytes:
    x, y = bn_normalize(point)
    (x_real, x_imaginary), (y_real, y_imaginary) = x.coeffs, y.coeffs
    return words(int(x_imaginary), int(x_real), int(y_imaginary), int(y_real))


def ecrecover_input(v: int = 28) -> bytes:
    digest = hashlib.sha256(b"message").digest()
    signature = ALICE.secret.sign_recoverable(digest, hasher=None)
    return digest + words(27 + signature[64] if v == 28 else v) + signature[:64]


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    return words(len(base), len(exponent), len(modulus)) + base + exponent + modulus


def blake2_input(rounds: int, final: int = 1) -> bytes:
    return rounds.to_bytes(4, "big") + bytes(range(192)) + bytes(16) + bytes([final])


def kzg_input() -> bytes:
    """The zero polynomial: commitment and proof are the point at infinity."""
    infinity = b"\xc0" + bytes(47)
    versioned_hash = b"\x01" + hashlib.sha256(infinity).digest()[1:]
    return versioned_hash + words(7, 0) + infinity + infinity


BN_PAIR = bn_g1(bn_multiply(BN_G1, 3)) + bn_g2(BN_G2)
BN_BALANCED = BN_PAIR + bn_g1(bn_neg(BN_G1)) + bn_g2(bn_multiply(BN_G2, 3))
BLS_BALANCED = bls_g1(multiply(G1, 5)) + bls_g2(G2) + bls_g1(neg(G1)) + bls_g2(multiply(G2, 5))
# On the curve, of no subgroup: found as the first x with a square root.
BLS_G1_OUTSIDE_SUBGROUP = bls_field(4) + bls_field(
    int(
        "0a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706c",
        16,
    )
)

VALID: Final[list[tuple[int, bytes]]] = [
    (1, ecrecover_input()),
    (1, words(1, 27, 1, 2)),
    (2, b""),
    (2, b"abc" * 50),
    (3, b""),
    (3, b"abc" * 50),
    (4, b""),
    (4, bytes(range(100))),
    (5, b""),
    (5, modexp_input(b"\x03", b"\x05", b"\x07")),
    (5, modexp_input(b"\xff" * 40, b"\x01" + bytes(39), b"\xfe" * 64)),
    (5, modexp_input(b"", b"", b"\x05")),  # 0**0 is 1
    (5, modexp_input(b"", b"\x00", b"\x01")),
    (5, modexp_input(b"", b"\x02", b"\x05")),
    (5, modexp_input(b"", b"", bytes(33))),
    (5, modexp_input(b"\x02", b"\x02", b"")),
    (5, modexp_input(b"\x02", b"\x02", b"\x00")),
    (5, words(0, 0, 0)),
    (6, b""),
    (6, bn_g1(BN_G1) + bn_g1(bn_multiply(BN_G1, 9))),
    (6, bn_g1(BN_G1) + bn_g1(bn_neg(BN_G1))),
    (6, bn_g1(BN_G1)),
    (7, b""),
    (7, bn_g1(BN_G1) + words(2**256 - 1)),
    (7, bn_g1(BN_G1) + words(0)),
    (8, b""),
    (8, BN_BALANCED),
    (8, BN_PAIR),
    (8, words(0, 0) + bn_g2(BN_G2)),
    (9, blake2_input(0)),
    (9, blake2_input(12)),
    (9, blake2_input(12, final=0)),
    (10, kzg_input()),
    (11, bls_g1(G1) + bls_g1(multiply(G1, 7))),
    (11, bls_g1(G1) + bytes(128)),
    (12, bls_g1(G1) + words(3) + bls_g1(multiply(G1, 4)) + words(curve_order)),
    (13, bls_g2(G2) + bls_g2(multiply(G2, 7))),
    (14, bls_g2(G2) + words(3) + bytes(256) + words(2**256 - 1)),
    (15, bytes(384)),
    (16, bls_field(12345)),
    (16, bls_field(0)),
    (17, bls_field(12345) + bls_field(6789)),
]

INVALID: Final[list[tuple[int, bytes]]] = [
    (6, words(1, 1)),
    (6, words(BN_MODULUS + 1, 2)),
    (7, words(0, BN_MODULUS) + words(1)),
    (8, BN_PAIR[:-1]),
    (8, bn_g1(BN_G1) + words(1, 2, 3, 4)),
    (9, blake2_input(1)[:-1]),
    (9, blake2_input(1, final=2)),
    (9, blake2_input(2_000_001)),
    (10, b""),
    (10, kzg_input()[:-1]),
    (10, kzg_input()[:64] + bytes(128)),
    (10, b"\x02" + kzg_input()[1:]),
    (11, b""),
    (11, bls_g1(G1) + bls_field(1) + bls_field(1)),
    (11, bls_g1(G1) + bls_field(BLS_MODULUS) + bls_field(0)),
    (11, b"\x01" + (bls_g1(G1) + bls_g1(G1))[1:]),
    (12, b""),
    (12, bls_g1(G1)),
    (12, BLS_G1_OUTSIDE_SUBGROUP + words(1)),
    (13, bls_g2(G2)),
    (14, b""),
    (15, b""),
    (15, bls_g1(G1)),
    (15, BLS_G1_OUTSIDE_SUBGROUP + bls_g2(G2)),
    (16, bls_field(BLS_MODULUS)),
    (17, bls_field(1)),
]

QUIET_FAILURES: Final[list[tuple[int, bytes]]] = [
    (1, b""),
    (1, ecrecover_input(v=29)),
    (1, words(1, 27, 0, 2)),
    (1, words(1, 27, 1, SECP256K1_ORDER)),
]


def run(number: int, data: bytes) -> tuple[int, int]:
    """Success and size of the output, after both engines agreed on them and on hash and gas."""
    chain = Chain(CALLER)
    receipt = chain.send(
        ALICE, contract_address(0), data=bytes([number]) + data, gas_limit=5_000_000
    )
    assert receipt.is_success
    target = contract_address(0)
    assert chain.storage(target, GAS_SLOT) > 0
    assert chain.storage(target, HASH_SLOT) != 0
    return chain.storage(target, SUCCESS_SLOT), chain.storage(target, SIZE_SLOT)


def name(case: object) -> str:
    return f"{case:#04x}" if isinstance(case, int) else f"{len(case)}_bytes"  # type: ignore[arg-type]  # the other kind of parameter is bytes


@pytest.mark.parametrize(("number", "data"), VALID, ids=name)
def test_a_valid_input_succeeds(number: int, data: bytes) -> None:
    is_success, _ = run(number, data)
    assert is_success == 1


@pytest.mark.parametrize(("number", "data"), INVALID, ids=name)
def test_an_invalid_input_fails_and_burns_the_gas(number: int, data: bytes) -> None:
    assert run(number, data) == (0, 0)


@pytest.mark.parametrize(("number", "data"), QUIET_FAILURES, ids=name)
def test_ecrecover_returns_nothing_for_no_signature(number: int, data: bytes) -> None:
    assert run(number, data) == (1, 0)


@pytest.mark.slow
def test_a_bls_pairing_of_two_pairs_is_one() -> None:
    assert run(15, BLS_BALANCED) == (1, 32)


def test_the_point_at_infinity_is_what_adding_the_negative_gives() -> None:
    assert Z1[2] == 0
    assert run(11, bls_g1(G1) + bls_g1(neg(G1))) == (1, 128)


@pytest.mark.parametrize("number", [18, 0xFF])
def test_the_addresses_after_the_precompiles_are_empty_accounts(number: int) -> None:
    assert run(number, b"abc") == (1, 0)
