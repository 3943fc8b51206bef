"""What the programs in C have to commit, from Python's libraries and integers."""

import hashlib
import struct
import zlib

from coincurve import PrivateKey
from eth_hash.auto import keccak

MASK = 0xFFFFFFFF


def split(value: int) -> list[int]:
    """A 64-bit number as (low, high)."""
    return [value & MASK, (value >> 32) & MASK]


def signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def truncated_division(a: int, b: int) -> tuple[int, int]:
    """Quotient towards zero, and rest."""
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient, a - quotient * b


def random_words(state: int, count: int) -> list[int]:
    """The linear congruential generator of `machine.h`."""
    values = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & MASK
        values.append(state)
    return values


def sha256(content: bytes) -> list[int]:
    return list(struct.unpack(">8I", hashlib.sha256(content).digest()))


def keccak256(content: bytes) -> list[int]:
    return list(struct.unpack("<8I", keccak(content)))


def crc32(content: bytes) -> list[int]:
    return [zlib.crc32(content)]


def primes(limit: int) -> list[int]:
    found = [n for n in range(2, limit) if all(n % d for d in range(2, n))]
    return [len(found), sum(found), found[-1]]


def strings(text: bytes) -> list[int]:
    backwards = text[::-1]
    first_difference = next(a - b for a, b in zip(text, backwards, strict=True) if a != b)
    padded = backwards.upper() + bytes(-len(text) % 4)
    return [len(text), first_difference & MASK, *struct.unpack(f"<{len(padded) // 4}I", padded)]


def long_arithmetic(a: int, b: int) -> list[int]:
    signed_a, signed_b, shift = signed(a, 64), signed(b, 64), b & 63
    quotient, rest = truncated_division(signed_a, signed_b)
    results = [
        a + b,
        a - b,
        a * b,
        a // b,
        a % b,
        quotient,
        rest,
        a << shift,
        a >> shift,
        signed_a >> shift,
    ]
    return [half for result in results for half in split(result)] + [signed_a < signed_b, a < b]


def division() -> list[int]:
    """By the manual's table: division by zero gives -1 and the dividend, overflow wraps."""
    cases = [
        (7, 0), (0, 0), (0x80000000, 0), (0x80000000, MASK), (0x80000000, 1), (MASK - 6, 2),
        (7, MASK - 1), (MASK - 6, MASK - 1), (1, 0x80000000), (0x80000000, 0x80000000), (MASK, 1),
        (0x7FFFFFFF, MASK),
    ]  # fmt: skip
    values = []
    for a, b in cases:
        if b == 0:
            values += [MASK, MASK, a, a]
            continue
        quotient, rest = truncated_division(signed(a, 32), signed(b, 32))
        values += [quotient & MASK, a // b, rest & MASK, a % b]
    return values


def matrix_power() -> list[int]:
    numbers = random_words(1, 16)
    base = [numbers[4 * row : 4 * row + 4] for row in range(4)]
    power = base
    for _ in range(2):
        power = [
            [sum(power[i][k] * base[k][j] for k in range(4)) & MASK for j in range(4)]
            for i in range(4)
        ]
    return [value for row in power for value in row]


def copying() -> list[int]:
    source = bytes(value >> 24 for value in random_words(7, 32))
    target = bytearray(64)
    target[3:16] = source[1:14]
    target[18:28] = source[2:12]
    target[32:60] = source[:28]
    for position in range(8):
        target[52 + position] = target[50 + position]
    return list(struct.unpack("<16I", target))


def collatz(n: int) -> list[int]:
    path = [n]
    while path[-1] != 1:
        path.append(3 * path[-1] + 1 if path[-1] % 2 else path[-1] // 2)
    return [len(path) - 1, max(path)]


def bits() -> list[int]:
    values = []
    for position, number in enumerate(random_words(99, 4)):
        x = number >> (5 * position)
        values += [
            x.bit_count(),
            32 - x.bit_length(),
            int(f"{x:032b}"[::-1], 2),
            (signed((x << 3) & MASK, 32) >> (x & 31)) & MASK,
        ]
    return values


def multiple_of_generator(k: int) -> list[int]:
    """Words of x, then y, of k G on secp256k1; libsecp256k1 computes it."""
    point = PrivateKey.from_int(k).public_key.format(compressed=False)[1:]
    return [word for half in (point[:32], point[32:]) for word in struct.unpack("<8I", half[::-1])]
