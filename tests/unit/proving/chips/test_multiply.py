"""Products: honest rows pass, and every rule stops an attack that no other rule stops."""

from collections.abc import Callable

import pytest
from arithmetic_attacks import LIMB_SIZE, Attack, frame_attacks, rules_broken_by
from arithmetic_rows import (
    Operation,
    edge_and_random_operations,
    results_of,
    signed,
    table_of,
)
from chip_attacks import assert_accepted, assert_deterministic, compiled, rule_names

from proving.chips.multiply import MULTIPLY, OPCODES
from proving.field.koalabear import P, inverse
from proving.machine.instructions import WORD_MASK, Opcode
from proving.traces.multiply import trace

AIR = compiled(MULTIPLY)
COMPUTE: dict[Opcode, Callable[[int, int], int]] = {
    Opcode.MUL: lambda left, right: left * right & WORD_MASK,
    Opcode.MULH: lambda left, right: signed(left) * signed(right) >> 32 & WORD_MASK,
    Opcode.MULHSU: lambda left, right: signed(left) * right >> 32 & WORD_MASK,
    Opcode.MULHU: lambda left, right: left * right >> 32,
}

WRAPPING_CARRY = (P - 1) // LIMB_SIZE
"""As a carry it counts -1: 2^16 times it is P - 1."""

BY_ONE = Operation(Opcode.MULHU, 0x1234_5678, 1)
LARGE = Operation(Opcode.MUL, 0xFEDC_BA98, 0x8765_4321)
LARGE_PRODUCT = 0xFEDC_BA98 * 0x8765_4321
LIMBS = [LARGE_PRODUCT >> 16 * limb & 0xFFFF for limb in range(4)]
PLACES = [("result", 0), ("result", 1), ("discarded", 0), ("discarded", 1)]
"""Of the product's limbs in MUL."""

ATTACKS = [
    *frame_attacks(tuple(OPCODES), LARGE, Operation(Opcode.MULH, 0, 0, rd=0), "is_mulhu"),
    *(
        Attack(
            f"another limb {limb} of the product",
            f"product: limb {limb}",
            LARGE,
            {PLACES[limb]: LIMBS[limb] ^ 1},
        )
        for limb in range(4)
    ),
    Attack(
        "a fractional sign of the product",
        "is_negative is boolean",
        Operation(Opcode.MULHU, 0xFEDC_BA98, 0x8765_4321),
        {("result", 1): 5},
        settle=[("is_negative", "product: limb 3")],
    ),
    Attack(
        "a negative left operand taken as unsigned",
        "byte and #6",
        Operation(Opcode.MULHSU, 0x8000_0000, 1),
        {"left_sign": 0, "is_negative": 0, ("result", 0): 0, ("result", 1): 0, ("carries", 2): 0},
    ),
    Attack(
        "a negative right operand taken as unsigned",
        "byte and #7",
        Operation(Opcode.MULH, 1, 0x8000_0000),
        {"right_sign": 0, "is_negative": 0, ("result", 0): 0, ("result", 1): 0, ("carries", 2): 0},
    ),
    Attack(
        "an unsigned right operand taken as negative",
        "byte and #7",
        Operation(Opcode.MULHSU, 1, 0x8000_0000),
        {
            "right_sign": 1,
            "is_negative": 1,
            ("result", 0): 0xFFFF,
            ("result", 1): 0xFFFF,
            ("carries", 2): -1,
        },
    ),
    Attack(
        "a negative lowest byte",
        "byte and #8",
        BY_ONE,
        {("left_high_bytes", 0): 0x57},
    ),
    Attack(
        "a byte that wraps modulo P",
        "byte and #9",
        BY_ONE,
        {("left_high_bytes", 0): (0x5678 - 1) * inverse(256), ("conjunction", 0): 1},
    ),
    Attack(
        "a negative third byte",
        "byte and #10",
        BY_ONE,
        {("left_high_bytes", 1): 0x13},
    ),
    *(
        Attack(
            f"limb {limb} of the product is not canonical",
            f"range #{11 + limb}",
            LARGE,
            {PLACES[limb]: LIMBS[limb] + LIMB_SIZE, PLACES[limb + 1]: LIMBS[limb + 1] - 1},
            settle=[(("carries", limb), f"product: limb {limb}")],
        )
        for limb in range(3)
    ),
    Attack(
        "limb 3 of the product is not canonical",
        "range #14",
        LARGE,
        {"is_negative": 1, PLACES[3]: LIMBS[3] + LIMB_SIZE},
    ),
    *(
        Attack(
            f"1 * 1 is more than 1: carry {limb} wraps modulo P",
            f"range #{15 + limb}",
            Operation(Opcode.MUL, 1, 1),
            {
                PLACES[limb]: 2 if limb == 0 else 1,
                ("carries", limb): WRAPPING_CARRY,
                PLACES[limb + 1]: WRAPPING_CARRY,
            },
        )
        for limb in range(3)
    ),
]


def test_honest_rows_are_accepted_and_compute_what_the_instructions_say() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=1, has_immediate=False)
    table = table_of(AIR, trace, operations)
    assert_accepted(table)
    expected = [COMPUTE[it.opcode](it.left, it.right) for it in operations]
    assert results_of(MULTIPLY, table, len(operations)) == expected


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_attack_is_stopped_by_its_rule_alone(attack: Attack) -> None:
    assert rules_broken_by(attack, MULTIPLY, AIR, trace) == {attack.rule}


def test_every_rule_stops_an_attack() -> None:
    assert {attack.rule for attack in ATTACKS} == rule_names(AIR)


def test_no_alteration_of_a_few_cells_changes_the_result() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=2, has_immediate=False)
    assert assert_deterministic(table_of(AIR, trace, operations), seed=3) > 0
