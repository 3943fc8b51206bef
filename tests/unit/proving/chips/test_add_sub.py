"""ADD and SUB: honest rows pass, and every rule stops an attack that no other rule stops."""

from collections.abc import Callable

import pytest
from arithmetic_attacks import LIMB_SIZE, Attack, frame_attacks, rules_broken_by
from arithmetic_rows import Operation, edge_and_random_operations, results_of, table_of
from chip_attacks import assert_accepted, assert_deterministic, compiled, rule_names

from proving.chips.add_sub import ADD_SUB, OPCODES
from proving.field.koalabear import P
from proving.machine.instructions import WORD_MASK, Opcode
from proving.traces.add_sub import trace

AIR = compiled(ADD_SUB)
COMPUTE: dict[Opcode, Callable[[int, int], int]] = {
    Opcode.ADD: lambda left, right: left + right & WORD_MASK,
    Opcode.SUB: lambda left, right: left - right & WORD_MASK,
}
WRAPPING_CARRY = (P - 1) // LIMB_SIZE
"""2^16 times it is P - 1, so it is the carry of a limb that is off by one."""
ADDITION = Operation(Opcode.ADD, 0x1234_5678, 0x0101_0101)
SUBTRACTION = Operation(Opcode.SUB, 0x1234_5678, 0x0101_0101)

ATTACKS = [
    *frame_attacks(tuple(OPCODES), ADDITION, Operation(Opcode.ADD, 3, 0, rd=0), "is_sub"),
    *(
        Attack(
            f"another high limb of the {name}",
            f"{name}: carry of limb 1 is boolean",
            operation,
            {("result", 1): 0x7777},
        )
        for name, operation in (("addition", ADDITION), ("subtraction", SUBTRACTION))
    ),
    *(
        Attack(
            f"limb 0 of the {name} off by one, limb 1 by the carry that makes",
            f"{name}: carry of limb 0 is boolean",
            operation,
            {("result", 0): low, ("result", 1): high + WRAPPING_CARRY},
        )
        for name, operation, low, high in (
            ("addition", ADDITION, 0x577A, 0x1335),
            (
                "subtraction",
                SUBTRACTION,
                0x5578,
                0x1133,
            ),
        )
    ),
    Attack(
        "a sum with a low limb that is not canonical",
        "range #6",
        Operation(Opcode.ADD, 0xFFFF, 1),
        {("result", 0): LIMB_SIZE, ("result", 1): 0},
    ),
    Attack(
        "a sum with a high limb that is not reduced",
        "range #7",
        Operation(Opcode.ADD, 0xFFFF_0000, 0x0001_0000),
        {("result", 1): LIMB_SIZE},
    ),
]


def test_honest_rows_are_accepted_and_compute_what_the_instructions_say() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=1, has_immediate=True)
    table = table_of(AIR, trace, operations)
    assert_accepted(table)
    expected = [COMPUTE[it.opcode](it.left, it.right) for it in operations]
    assert results_of(ADD_SUB, table, len(operations)) == expected


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_attack_is_stopped_by_its_rule_alone(attack: Attack) -> None:
    assert rules_broken_by(attack, ADD_SUB, AIR, trace) == {attack.rule}


def test_every_rule_stops_an_attack() -> None:
    assert {attack.rule for attack in ATTACKS} == rule_names(AIR)


def test_no_alteration_of_a_few_cells_changes_the_result() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=2, has_immediate=True)
    assert assert_deterministic(table_of(AIR, trace, operations), seed=3) > 0
