"""SLT and SLTU: honest rows pass, and every rule stops an attack that no other rule stops."""

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

from proving.chips.less_than import LESS_THAN, OPCODES
from proving.field.koalabear import inverse
from proving.machine.instructions import Opcode
from proving.traces.less_than import trace

AIR = compiled(LESS_THAN)
COMPUTE: dict[Opcode, Callable[[int, int], int]] = {
    Opcode.SLT: lambda left, right: int(signed(left) < signed(right)),
    Opcode.SLTU: lambda left, right: int(left < right),
}
SETTLE_DIFFERENCE = [("difference", "difference of the deciding limbs")]
SETTLE_RESULT = [(("result", 0), "difference of the deciding limbs")]


def sign_that_moves(high_limb: int, seeming: int) -> int:
    """A `sign` outside 0 and 1 that makes a signed operand's high limb order as `seeming`."""
    return (high_limb + LIMB_SIZE // 2 - seeming) * inverse(LIMB_SIZE)


ATTACKS = [
    *frame_attacks(
        tuple(OPCODES),
        Operation(Opcode.SLTU, 5, 7),
        Operation(Opcode.SLT, 3, 3, rd=0),
        "is_unsigned",
    ),
    Attack(
        "a result that is neither 0 nor 1 but balances the difference modulo P",
        "the result is boolean",
        Operation(Opcode.SLTU, 7 << 16, 5 << 16),
        {"difference": 4},
        settle=SETTLE_RESULT,
    ),
    Attack(
        "a result with a high limb",
        "the result has no high limb",
        Operation(Opcode.SLTU, 5, 7),
        {("result", 1): 1},
    ),
    Attack(
        "2 is less than 1: a fractional sign moves the left operand",
        "left_sign is boolean",
        Operation(Opcode.SLT, 2 << 16, 1 << 16),
        {"left_sign": sign_that_moves(2, seeming=0x8000), ("result", 0): 1},
        settle=SETTLE_DIFFERENCE,
    ),
    Attack(
        "2 is less than 1: a fractional sign moves the right operand",
        "right_sign is boolean",
        Operation(Opcode.SLT, 2 << 16, 1 << 16),
        {"right_sign": sign_that_moves(1, seeming=0x8003), ("result", 0): 1},
        settle=SETTLE_DIFFERENCE,
    ),
    Attack(
        "5 is not less than 7: the high limbs are tied by a fraction",
        "high_limbs_equal is boolean",
        Operation(Opcode.SLTU, 5, 7),
        {("result", 0): 0, "difference": 9},
        settle=[("high_limbs_equal", "difference of the deciding limbs")],
    ),
    Attack(
        "the low limbs decide though the high ones differ",
        "tied high limbs are equal",
        Operation(Opcode.SLTU, 0x0002_0001, 0x0001_0002),
        {"high_limbs_equal": 1, ("result", 0): 1},
        settle=SETTLE_DIFFERENCE,
    ),
    Attack(
        "5 < 3",
        "difference of the deciding limbs",
        Operation(Opcode.SLTU, 5, 3),
        {("result", 0): 1},
    ),
    Attack(
        "a positive left operand passed off as negative",
        "range #6",
        Operation(Opcode.SLT, 0x7000_0000, 3),
        {"left_sign": 1, ("result", 0): 1},
        settle=[("difference", "difference of the deciding limbs")],
    ),
    Attack(
        "an unsigned left operand with a sign",
        "range #6",
        Operation(Opcode.SLTU, 0x9000_0000, 3),
        {"left_sign": 1, ("result", 0): 1},
        settle=SETTLE_DIFFERENCE,
    ),
    Attack(
        "a negative right operand passed off as positive",
        "range #7",
        Operation(Opcode.SLT, 3, 0x8001_0000),
        {"right_sign": 0, ("result", 0): 1},
        settle=SETTLE_DIFFERENCE,
    ),
    Attack(
        "5 < 3, with a negative difference",
        "range #8",
        Operation(Opcode.SLTU, 5, 3),
        {("result", 0): 1},
        settle=SETTLE_DIFFERENCE,
    ),
    Attack(
        "equal operands are less, as high limbs that are not tied",
        "range #8",
        Operation(Opcode.SLTU, 3, 3),
        {"high_limbs_equal": 0, ("result", 0): 0},
        settle=SETTLE_DIFFERENCE,
    ),
]


def test_honest_rows_are_accepted_and_compute_what_the_instructions_say() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=1, has_immediate=True)
    table = table_of(AIR, trace, operations)
    assert_accepted(table)
    expected = [COMPUTE[it.opcode](it.left, it.right) for it in operations]
    assert results_of(LESS_THAN, table, len(operations)) == expected


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_attack_is_stopped_by_its_rule_alone(attack: Attack) -> None:
    assert rules_broken_by(attack, LESS_THAN, AIR, trace) == {attack.rule}


def test_every_rule_stops_an_attack() -> None:
    assert {attack.rule for attack in ATTACKS} == rule_names(AIR)


def test_no_alteration_of_a_few_cells_changes_the_result() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=2, has_immediate=True)
    assert assert_deterministic(table_of(AIR, trace, operations), seed=3) > 0
