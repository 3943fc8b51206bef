"""What work costs to prove on a metered chain, in cycles of the zkVM.

The same numbers as in ``stf/src/meter/costs.rs``, which says what they are; a test compares.
"""

from typing import Final

PROOF: Final = 1 << 22
TRANSACTION_BUDGET: Final = 2_200_000
OVERSHOOT: Final = 450_000
BLOCK_BASE: Final = 160_000
BLOCK_BUDGET: Final = PROOF - BLOCK_BASE

PERMUTATION: Final = 768
PERMUTATION_BYTES: Final = 136

LISTED: Final = 1_500
LISTED_BYTE: Final = 6
TRANSACTION: Final = 50_000
TRANSACTION_BYTE: Final = 34
ACCESS_ENTRY: Final = 900
ACCESS_PAIR: Final = 60
AUTHORIZATION: Final = 45_000

ACCOUNT: Final = 8_000
SLOT: Final = 6_500
BRANCH: Final = 15_000
CODE_BYTE: Final = 24

GROWN_WORD: Final = 30
GROWTH: Final = 400
MOVED_WORD: Final = 280
HEADER: Final = 15_000
COPIED_WORD: Final = 90
LOGGED_WORD: Final = 420
INITCODE_WORD: Final = 560
DEPOSITED_WORD: Final = 720
EXPONENT_BYTE: Final = 5_000

NEVER: Final = 1 << 27

PRECOMPILES: Final = (
    (45_000, 100),
    (8_000, 2_600),
    (8_000, 1_700),
    (2_000, 100),
    (30_000, 100),
    (NEVER, 0),
    (NEVER, 0),
    (NEVER, 0),
    (5_000, 100),
    *[(NEVER, 0)] * 8,
)
BLAKE2F_ROUND: Final = 900
MODEXP_BIT: Final = 450
MODEXP_SQUARE: Final = 280

INNER_CYCLES_PER_GAS: Final = 4
INNER_BUDGET: Final = 2_200_000

_RANGES: Final = (
    (0x01, 0x01, 120),
    (0x02, 0x02, 370),
    (0x03, 0x03, 120),
    (0x04, 0x07, 2_000),
    (0x08, 0x08, 3_000),
    (0x09, 0x09, 5_500),
    (0x0A, 0x0A, 500),
    (0x0B, 0x0B, 180),
    (0x10, 0x11, 110),
    (0x12, 0x13, 180),
    (0x14, 0x1A, 110),
    (0x1B, 0x1D, 240),
    (0x20, 0x20, 250),
    (0x30, 0x30, 140),
    (0x31, 0x31, 1_000),
    (0x32, 0x34, 140),
    (0x35, 0x35, 300),
    (0x36, 0x36, 140),
    (0x37, 0x37, 400),
    (0x38, 0x38, 140),
    (0x39, 0x39, 400),
    (0x3A, 0x3A, 150),
    (0x3B, 0x3C, 1_200),
    (0x3D, 0x3D, 140),
    (0x3E, 0x3E, 400),
    (0x3F, 0x3F, 1_200),
    (0x40, 0x40, 1_500),
    (0x41, 0x43, 140),
    (0x44, 0x44, 300),
    (0x45, 0x46, 140),
    (0x47, 0x47, 800),
    (0x48, 0x4A, 140),
    (0x50, 0x50, 60),
    (0x51, 0x52, 270),
    (0x53, 0x53, 180),
    (0x54, 0x54, 1_000),
    (0x55, 0x55, 7_000),
    (0x56, 0x57, 120),
    (0x58, 0x5A, 140),
    (0x5B, 0x5B, 45),
    (0x5C, 0x5C, 400),
    (0x5D, 0x5D, 2_200),
    (0x5E, 0x5E, 400),
    (0x5F, 0x67, 90),
    (0x68, 0x73, 130),
    (0x74, 0x7F, 190),
    (0x80, 0x8F, 100),
    (0x90, 0x9F, 200),
    (0xA0, 0xA0, 2_200),
    (0xA1, 0xA1, 3_600),
    (0xA2, 0xA2, 5_000),
    (0xA3, 0xA3, 6_500),
    (0xA4, 0xA4, 8_000),
    (0xF0, 0xF0, 16_000),
    (0xF1, 0xF2, 7_200),
    (0xF3, 0xF3, 250),
    (0xF4, 0xF4, 5_200),
    (0xF5, 0xF5, 16_000),
    (0xFA, 0xFA, 5_200),
    (0xFD, 0xFD, 250),
    (0xFF, 0xFF, 6_000),
)
"""First and last opcode, and the cost of each."""

BASE: Final = tuple(
    sum(cost for first, last, cost in _RANGES if first <= opcode <= last) for opcode in range(256)
)
"""Cost of an opcode, whatever its operands."""

LOOKUP: Final = {
    0x31: (40, 0, 0),
    0x3B: (40, 0, 0),
    0x3C: (40, 0, 0),
    0x3F: (40, 0, 0),
    0x47: (40, 0, 0),
    0x54: (40, 40, 0),
    0x55: (60, 60, 0),
    0x5C: (0, 0, 60),
    0x5D: (0, 0, 60),
    0xF0: (240, 0, 0),
    0xF1: (200, 0, 0),
    0xF2: (200, 0, 0),
    0xF4: (120, 0, 0),
    0xF5: (240, 0, 0),
    0xFA: (120, 0, 0),
    0xFF: (200, 0, 0),
}
"""What an opcode costs more for each account and slot that its transaction has looked at, and each
TSTORE that it made."""

STATIC_GAS: Final = {
    **dict.fromkeys((0x31, 0x3B, 0x3C, 0x3F, 0x54, 0xF1, 0xF2, 0xF4, 0xFA), 100),
    0xF0: 0,
    0xF5: 0,
    0xFF: 5_000,
}
"""Gas without which an opcode is not even charged, where it is not py-evm's own constant."""


def permutations(length: int) -> int:
    """Permutations that hash so many bytes."""
    return length // PERMUTATION_BYTES + 1


def transaction(length: int) -> int:
    """Cost of a transaction of so many bytes before it does anything."""
    return TRANSACTION + TRANSACTION_BYTE * length


def access_list(entries: int) -> int:
    """Cost of an access list of so many addresses and slots."""
    return min(ACCESS_PAIR * (entries**2 // 2) + ACCESS_ENTRY * entries, NEVER)


def creation(length: int) -> int:
    """Cost of running so many bytes of code in order to create an account."""
    return BASE[0xF0] + INITCODE_WORD * ((length + 31) // 32)


def inner_budget(gas: int) -> int:
    """What a call of the protocol's own code into the open may cost, by the gas that it gets."""
    return min(INNER_CYCLES_PER_GAS * gas, INNER_BUDGET)


def precompile(number: int, data: bytes) -> int:
    """Cost of a precompile on an input."""
    fixed, per_word = PRECOMPILES[number - 1]
    cost = fixed + per_word * ((len(data) + 31) // 32)
    if number == 5:
        cost += _modexp(*(_length_at(data, start) for start in (0, 32, 64)))
    elif number == 9 and len(data) >= 4:
        cost += BLAKE2F_ROUND * int.from_bytes(data[:4], "big")
    return min(cost, NEVER)


def _length_at(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 32].ljust(32, b"\0"), "big")


def _modexp(base: int, exponent: int, modulus: int) -> int:
    words = max((max(base, modulus) + 7) // 8, 1)
    return (MODEXP_BIT + MODEXP_SQUARE * words**2) * max(8 * exponent, 1)
