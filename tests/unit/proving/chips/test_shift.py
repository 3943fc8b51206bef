"""SLL, SRL and SRA: honest rows pass, and every rule stops an attack that no other rule stops."""

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

from proving.chips.shift import OPCODES, SHIFT_CHIP
from proving.field.koalabear import inverse
from proving.machine.instructions import WORD_MASK, Opcode
from proving.traces.shift import trace

AIR = compiled(SHIFT_CHIP)
COMPUTE: dict[Opcode, Callable[[int, int], int]] = {
    Opcode.SLL: lambda left, right: (left << (right % 32)) & WORD_MASK,
    Opcode.SRL: lambda left, right: left >> (right % 32),
    Opcode.SRA: lambda left, right: (signed(left) >> (right % 32)) & WORD_MASK,
}
SETTLE_RESULT = [
    (("result", 0), "low limb of the result"),
    (("result", 1), "high limb of the result"),
]
BY_THREE = Operation(Opcode.SLL, 0x7234_5678, 3)

ATTACKS = [
    *frame_attacks(tuple(OPCODES), BY_THREE, Operation(Opcode.SRL, 0, 0, rd=0), "is_sra"),
    Attack(
        "to the left by two whole limbs",
        "left_by_limb is boolean",
        Operation(Opcode.SLL, 0x1234_5678, 32),
        {"left_by_limb": 2},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "to the right by two whole limbs",
        "right_by_limb is boolean",
        Operation(Opcode.SRL, 0x1234_5678, 32),
        {"right_by_limb": 2},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "the whole limb of a shift to the right goes to the left",
        "left_by_limb only in its direction",
        Operation(Opcode.SRL, 0x1234_5678, 16),
        {"right_by_limb": 0, "left_by_limb": 1},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "the whole limb of a shift to the left goes to the right",
        "right_by_limb only in its direction",
        Operation(Opcode.SLL, 0x1234_5678, 16),
        {"right_by_limb": 1, "left_by_limb": 0},
        settle=SETTLE_RESULT,
    ),
    *(
        Attack(
            f"parts that are not those of limb {limb}",
            f"limb {limb} is cut",
            BY_THREE,
            {("moved", limb): 7, ("kept", limb): 0x1555},
            settle=SETTLE_RESULT,
        )
        for limb in range(2)
    ),
    Attack(
        "a fractional sign fills",
        "sign is boolean",
        Operation(Opcode.SRA, 0x7234_5678, 4),
        {"sign": (0x7234 + LIMB_SIZE // 2 - 5) * inverse(LIMB_SIZE)},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "another low limb",
        "low limb of the result",
        BY_THREE,
        {("result", 0): 0x5678},
    ),
    Attack(
        "another high limb",
        "high limb of the result",
        BY_THREE,
        {("result", 1): 0x1234},
    ),
    Attack(
        "a power that is not that of the amount",
        "shift #6",
        Operation(Opcode.SLL, 0x1234_1234, 3),
        {"power": 7},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "amount and power of 16 bits",
        "shift #6",
        Operation(Opcode.SLL, 0x1234_5678, 16),
        {
            "left_by_limb": 0,
            "bits": 16,
            "power": LIMB_SIZE,
            "complement": 1,
            ("moved", 0): 0x5678,
            ("moved", 1): 0x1234,
            ("kept", 0): 0,
            ("kept", 1): 0,
        },
        settle=SETTLE_RESULT,
    ),
    Attack(
        "one limb less than the amount says",
        "range #7",
        Operation(Opcode.SLL, 0x1234_5678, 19),
        {"left_by_limb": 0},
        settle=SETTLE_RESULT,
    ),
    *(
        attack
        for limb in range(2)
        for attack in (
            Attack(
                f"a moved part of limb {limb} that wraps modulo P",
                f"range #{8 + 2 * limb}",
                BY_THREE,
                {("kept", limb): 1},
                settle=[(("moved", limb), f"limb {limb} is cut"), *SETTLE_RESULT],
            ),
            Attack(
                f"a kept part of limb {limb} with more than its bits",
                f"range #{9 + 2 * limb}",
                BY_THREE,
                {("moved", limb): 0},
                settle=[(("kept", limb), f"limb {limb} is cut"), *SETTLE_RESULT],
            ),
        )
    ),
    Attack(
        "a positive operand filled with ones",
        "range #12",
        Operation(Opcode.SRA, 0x7234_5678, 4),
        {"sign": 1},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "a negative operand filled with zeros",
        "range #12",
        Operation(Opcode.SRA, 0x9234_5678, 4),
        {"sign": 0},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "a logical shift filled with ones",
        "range #12",
        Operation(Opcode.SRL, 0x9234_5678, 20),
        {"sign": 1},
        settle=SETTLE_RESULT,
    ),
]


def test_honest_rows_are_accepted_and_compute_what_the_instructions_say() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=1, has_immediate=True)
    operations += [
        Operation(opcode, 0x8765_4321, 32 * 77 + amount)
        for opcode in COMPUTE
        for amount in range(32)
    ]
    table = table_of(AIR, trace, operations)
    assert_accepted(table)
    expected = [COMPUTE[it.opcode](it.left, it.right) for it in operations]
    assert results_of(SHIFT_CHIP, table, len(operations)) == expected


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_attack_is_stopped_by_its_rule_alone(attack: Attack) -> None:
    assert rules_broken_by(attack, SHIFT_CHIP, AIR, trace) == {attack.rule}


def test_every_rule_stops_an_attack() -> None:
    assert {attack.rule for attack in ATTACKS} == rule_names(AIR)


def test_no_alteration_of_a_few_cells_changes_the_result() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=2, has_immediate=True)
    assert assert_deterministic(table_of(AIR, trace, operations), seed=3) > 0
