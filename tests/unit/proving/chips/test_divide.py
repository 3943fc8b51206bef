"""Divisions: honest rows pass, and every rule stops an attack that no other rule stops."""

import pytest
from arithmetic_attacks import LIMB_SIZE, Attack, frame_attacks, rules_broken_by
from arithmetic_rows import (
    Operation,
    edge_and_random_operations,
    results_of,
    signed,
    table_of,
)
from chip_attacks import Cells, assert_accepted, assert_deterministic, compiled, rule_names

from proving.chips.divide import DIVIDE, OPCODES
from proving.field.koalabear import P, inverse
from proving.machine.instructions import WORD_MASK, Opcode
from proving.traces.divide import trace

AIR = compiled(DIVIDE)
OPCODE_OF_FLAG = {flag: Opcode(number) for flag, number in OPCODES.items()}
QUOTIENTS = (Opcode.DIV, Opcode.DIVU)
SIGNED = (Opcode.DIV, Opcode.REM)

WRAPPING_CARRY = (P - 1) // LIMB_SIZE
"""As a carry it counts -1: 2^16 times it is P - 1."""
WRAPPING_SIGN = -WRAPPING_CARRY
"""As a number of limbs it counts 1."""


def expected_result(operation: Operation) -> int:
    """What the RISC-V specification says (unprivileged ISA, M extension, table 'division')."""
    left, right = operation.left, operation.right
    if operation.opcode in SIGNED:
        left, right = signed(left), signed(right)
    if right == 0:
        quotient, remainder = -1, left
    else:
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        remainder = left - quotient * right
    return (quotient if operation.opcode in QUOTIENTS else remainder) & WORD_MASK


def quotient_cells(quotient: int, divisor: int) -> Cells:
    """The quotient as a result, and its bytes with their lookups."""
    cells: dict[str | tuple[str, int], int] = {}
    for index in range(4):
        cells["quotient_bytes", index] = quotient >> 8 * index & 0xFF
    for index in range(3):
        cells["conjunction", index] = (quotient & divisor) >> 8 * index & 0xFF
    for limb in range(2):
        cells["result", limb] = quotient >> 16 * limb & 0xFFFF
    return cells


def number(name: str, low: int, high: int = 0) -> Cells:
    """Both limbs."""
    return {(name, 0): low, (name, 1): high}


def carries(*values: int) -> Cells:
    """All three carries."""
    return {("carries", index): value for index, value in enumerate(values)}


def negative_zero_remainder() -> Attack:
    """A remainder of zero whose fractional sign moves the quotient.

    `remainder_sign` = s counts s * 2^32 in the equation and, times 2^16, one in a limb of the gap:
    the divisor's high limb only has to be above 32513. The dividend is negative, so the equation
    asks that floor(quotient * divisor / 2^32) is divisor - 32513.
    """
    divisor = 0x7F58_0005
    quotient = -(-((divisor + WRAPPING_SIGN - 1) << 32) // divisor)
    product = quotient * divisor
    while not product >> 31 & 1:
        quotient += 1
        product += divisor
    assert product >> 32 == divisor + WRAPPING_SIGN - 1
    return Attack(
        "a fractional sign of a remainder of zero",
        "remainder_sign is boolean",
        Operation(Opcode.DIV, product & WORD_MASK, divisor),
        {
            **quotient_cells(quotient, divisor),
            "quotient_sign": 1,
            "remainder_sign": WRAPPING_SIGN,
            **number("remainder", 0),
            **number("gap", 5 - 2, 0x7F58 - WRAPPING_CARRY - 1),
            "borrow": 0,
        },
        settle=[
            (("carries", index), f"quotient * divisor + remainder: limb {index}")
            for index in range(3)
        ],
    )


SOME = Operation(Opcode.DIVU, 0x1234_5678, 0x0001_2345)
EQUATION = "quotient * divisor + remainder: limb"

ATTACKS = [
    *frame_attacks(tuple(OPCODES), SOME, Operation(Opcode.DIVU, 0, 0, rd=0), "is_remu"),
    # SIGNS
    Attack(
        "458752 / 65536 is not 7: a fractional sign of the dividend",
        "dividend_sign is boolean",
        Operation(Opcode.DIV, 7 << 16, 1 << 16),
        {
            **quotient_cells(LIMB_SIZE - WRAPPING_CARRY << 16 | 7, 1 << 16),
            "quotient_sign": 1,
            "dividend_sign": WRAPPING_CARRY,
            **carries(0, 0, 1),
        },
    ),
    Attack(
        "1 / 3 is an inverse modulo 2^32: a fractional sign of the quotient",
        "quotient_sign is boolean",
        Operation(Opcode.DIVU, 1, 3),
        {
            **quotient_cells(0xAAAA_AAAB, 3),
            "quotient_sign": 2 * inverse(3),
            **number("remainder", 0),
            **number("gap", 2),
            **carries(2, 2, 0),
        },
    ),
    negative_zero_remainder(),
    Attack(
        "7 / 2 is 4, remainder -1",
        "remainder is zero or has the dividend's sign",
        Operation(Opcode.DIV, 7, 2),
        {
            **quotient_cells(4, 2),
            "remainder_sign": 1,
            **number("remainder", 0xFFFF, 0xFFFF),
            **number("gap", 0),
            "borrow": 0,
            **carries(1, 1, 0),
        },
    ),
    Attack(
        "-7 / 2 is -4, remainder 1",
        "remainder is zero or has the dividend's sign",
        Operation(Opcode.DIV, -7 & WORD_MASK, 2),
        {
            **quotient_cells(-4 & WORD_MASK, 2),
            "remainder_sign": 0,
            **number("remainder", 1),
            **number("gap", 0),
            "borrow": 0,
        },
        settle=[(("carries", index), f"{EQUATION} {index}") for index in range(3)],
    ),
    Attack(
        "8 / -2 with an unsigned divisor",
        "byte and #12",
        Operation(Opcode.DIV, 8, -2 & WORD_MASK),
        {
            **quotient_cells(0, -2 & WORD_MASK),
            "divisor_sign": 0,
            "quotient_sign": 0,
            **number("remainder", 8),
            **number("gap", 0xFFFE - 9, 0xFFFF),
            "borrow": 0,
            **carries(0, 0, 0),
        },
    ),
    Attack(
        "-8 / 2 with an unsigned dividend",
        "range #13",
        Operation(Opcode.DIV, -8 & WORD_MASK, 2),
        {
            **quotient_cells((-8 & WORD_MASK) // 2, 2),
            "dividend_sign": 0,
            "quotient_sign": 0,
        },
        settle=[(("carries", index), f"{EQUATION} {index}") for index in range(3)],
    ),
    # EQUATION
    Attack("6 / 3 = 3", f"{EQUATION} 0", Operation(Opcode.DIVU, 6, 3), quotient_cells(3, 3)),
    Attack(
        "6 / 3 = 65538",
        f"{EQUATION} 1",
        Operation(Opcode.DIVU, 6, 3),
        quotient_cells(LIMB_SIZE + 2, 3),
    ),
    Attack(
        "0 / 2^16 = 2^16, modulo 2^32",
        f"{EQUATION} 2",
        Operation(Opcode.DIVU, 0, 1 << 16),
        quotient_cells(1 << 16, 1 << 16),
    ),
    Attack(
        "0 / 2^24 = 2^24, modulo 2^48",
        f"{EQUATION} 3",
        Operation(Opcode.DIVU, 0, 1 << 24),
        quotient_cells(1 << 24, 1 << 24),
    ),
    Attack(
        "a quotient too small by a carry that wraps out of limb 0",
        "range #14",
        Operation(Opcode.REMU, WRAPPING_CARRY << 16 | 5, 10),
        {
            **quotient_cells(0, 10),
            **number("remainder", 4),
            **number("result", 4),
            **number("gap", 5),
            **carries(WRAPPING_CARRY, 0, 0),
        },
    ),
    Attack(
        "a quotient too small by a carry that wraps out of limb 1",
        "range #15",
        Operation(Opcode.DIVU, 1 << 16 | 7, WRAPPING_CARRY),
        {
            **quotient_cells(0, WRAPPING_CARRY),
            "quotient_sign": 1,
            **number("remainder", 7),
            **number("gap", WRAPPING_CARRY - 8),
            **carries(0, WRAPPING_CARRY, 0),
        },
    ),
    Attack(
        "(3 P mod 2^32 + 3) / (P + 1) = 3: a carry that wraps out of limb 2",
        "range #16",
        Operation(Opcode.DIVU, 3 * (P + 1) & WORD_MASK, P + 1),
        {
            **quotient_cells(3, P + 1),
            "quotient_sign": 1,
            **number("remainder", 0),
            **number("gap", 1, P >> 16),
            "borrow": 0,
            ("carries", 2): WRAPPING_CARRY,
        },
        settle=[(("carries", index), f"{EQUATION} {index}") for index in range(2)],
    ),
    # DIVISION BY ZERO
    Attack(
        "7 / 2 as if by zero",
        "division by zero has divisor zero",
        Operation(Opcode.DIV, 7, 2),
        {
            **quotient_cells(WORD_MASK, 2),
            "is_by_zero": 1,
            "quotient_sign": 1,
            **number("remainder", 9),
        },
        settle=[(("carries", index), f"{EQUATION} {index}") for index in range(3)],
    ),
    Attack(
        "7 / 0 = 5",
        "division by zero gives all ones",
        Operation(Opcode.DIVU, 7, 0),
        quotient_cells(5, 0),
    ),
    Attack(
        "remainder of a division by zero: halves that cancel, one of them out of range",
        "range #11",
        Operation(Opcode.REM, 0x8000_8000, 0),
        {
            "remainder_sign": 0,
            **number("remainder", 0x8000, -0x8000),
            **number("result", 0x8000, -0x8000),
            **carries(0, -1, 0),
        },
    ),
    # GAP
    Attack(
        "6 / 3 = 1, remainder 3: a borrow that wraps modulo P",
        "borrow is 0, 1 or 2",
        Operation(Opcode.DIVU, 6, 3),
        {
            **quotient_cells(1, 3),
            **number("remainder", 3),
            **number("gap", 0, WRAPPING_CARRY),
            "borrow": -WRAPPING_CARRY,
        },
    ),
    Attack(
        "6 / 3 = 1, remainder 3",
        "low limb of the gap",
        Operation(Opcode.DIVU, 6, 3),
        {**quotient_cells(1, 3), **number("remainder", 3), **number("gap", 0)},
    ),
    Attack(
        "6 / 3 = 1, remainder 3, and a negative low limb of the gap",
        "range #17",
        Operation(Opcode.DIVU, 6, 3),
        {**quotient_cells(1, 3), **number("remainder", 3), **number("gap", -1)},
    ),
    Attack(
        "6 / 3 = 1, remainder 3, in the high limbs",
        "high limb of the gap",
        Operation(Opcode.DIVU, 6 << 16, 3 << 16),
        {
            **quotient_cells(1, 3 << 16),
            **number("remainder", 0, 3),
            **number("gap", 0xFFFF),
            "borrow": 1,
        },
    ),
    Attack(
        "6 / 3 = 1, remainder 3, in the high limbs, and a negative high limb of the gap",
        "range #18",
        Operation(Opcode.DIVU, 6 << 16, 3 << 16),
        {
            **quotient_cells(1, 3 << 16),
            **number("remainder", 0, 3),
            **number("gap", 0xFFFF, -1),
            "borrow": 1,
        },
    ),
    # RESULT
    Attack(
        "the remainder passed off as the quotient",
        "limb 0 of the result",
        Operation(Opcode.DIVU, 7, 4),
        {("result", 0): 3},
    ),
    Attack(
        "the quotient passed off as the remainder",
        "limb 1 of the result",
        Operation(Opcode.REMU, 7 << 16 | 1, 1),
        {("result", 1): 7},
    ),
    # BYTES AND LIMBS
    Attack(
        "a lowest byte of 256",
        "byte and #6",
        Operation(Opcode.DIVU, 256, 1),
        {("quotient_bytes", 0): 256, ("quotient_bytes", 1): 0},
    ),
    Attack(
        "a second byte of 256",
        "byte and #7",
        Operation(Opcode.DIVU, 1 << 16, 1),
        {
            ("quotient_bytes", 1): 256,
            ("quotient_bytes", 2): 0,
            **number("result", 1 << 16),
            **carries(1, 0, 0),
        },
    ),
    Attack(
        "a third byte of 256",
        "byte and #8",
        Operation(Opcode.DIVU, 1 << 24, 1),
        {("quotient_bytes", 2): 256, ("quotient_bytes", 3): 0},
    ),
    Attack(
        "a highest byte of 256",
        "range #9",
        Operation(Opcode.DIVU, 0, 1),
        {
            ("quotient_bytes", 3): 256,
            "quotient_sign": 1,
            ("result", 1): 1 << 16,
            **carries(0, 1, 0),
        },
    ),
    Attack(
        "a remainder whose low limb is not canonical",
        "range #10",
        Operation(Opcode.REMU, 1 << 16 | 5, 4 << 16),
        {
            **number("remainder", LIMB_SIZE + 5, 0),
            **number("result", LIMB_SIZE + 5, 0),
            **number("gap", LIMB_SIZE - 6, 2),
            "borrow": 2,
            **carries(1, 0, 0),
        },
    ),
]


def test_honest_rows_are_accepted_and_compute_what_the_instructions_say() -> None:
    operations = edge_and_random_operations(
        list(OPCODE_OF_FLAG.values()), seed=1, has_immediate=False
    )
    table = table_of(AIR, trace, operations)
    assert_accepted(table)
    assert results_of(DIVIDE, table, len(operations)) == [expected_result(it) for it in operations]


@pytest.mark.parametrize(
    ("opcode", "left", "right", "expected"),
    [
        (Opcode.DIV, 0x8000_0000, 0xFFFF_FFFF, 0x8000_0000),
        (Opcode.REM, 0x8000_0000, 0xFFFF_FFFF, 0),
        (Opcode.DIV, 5, 0, 0xFFFF_FFFF),
        (Opcode.DIVU, 5, 0, 0xFFFF_FFFF),
        (Opcode.REM, 0x8000_0005, 0, 0x8000_0005),
        (Opcode.REMU, 0x8000_0005, 0, 0x8000_0005),
        (Opcode.DIV, -7 & WORD_MASK, 2, -3 & WORD_MASK),
        (Opcode.REM, -7 & WORD_MASK, 2, -1 & WORD_MASK),
        (Opcode.REM, 7, -2 & WORD_MASK, 1),
    ],
)
def test_the_specification_s_special_cases(
    opcode: Opcode, left: int, right: int, expected: int
) -> None:
    table = table_of(AIR, trace, [Operation(opcode, left, right)])
    assert_accepted(table)
    assert results_of(DIVIDE, table, 1) == [expected]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_attack_is_stopped_by_its_rule_alone(attack: Attack) -> None:
    assert rules_broken_by(attack, DIVIDE, AIR, trace) == {attack.rule}


def test_every_rule_stops_an_attack() -> None:
    assert {attack.rule for attack in ATTACKS} == rule_names(AIR)


def test_no_alteration_of_a_few_cells_changes_the_result() -> None:
    operations = edge_and_random_operations(
        list(OPCODE_OF_FLAG.values()), seed=2, has_immediate=False
    )
    assert assert_deterministic(table_of(AIR, trace, operations), seed=3) > 0
