"""AND, OR and XOR: honest rows pass, and every rule stops an attack that no other rule stops."""

from collections.abc import Callable
from dataclasses import replace
from operator import and_, or_, xor

import pytest
from arithmetic_attacks import Attack, frame_attacks, rules_broken_by
from arithmetic_rows import Operation, edge_and_random_operations, results_of, table_of
from chip_attacks import assert_accepted, assert_deterministic, compiled, rule_names

from proving.air.check import Table
from proving.chips.bitwise import BITWISE, OPCODES
from proving.machine.instructions import Opcode
from proving.traces.bitwise import trace

AIR = compiled(BITWISE)
COMPUTE: dict[Opcode, Callable[[int, int], int]] = {
    Opcode.AND: and_,
    Opcode.OR: or_,
    Opcode.XOR: xor,
}
SOME = Operation(Opcode.AND, 0x12345678, 0x0F0F3C3C)

ATTACKS = [
    *frame_attacks(tuple(OPCODES), SOME, Operation(Opcode.AND, 0, 0, rd=0), "is_or"),
    Attack(
        "XOR passed off as OR",
        "limb 0 of the result",
        Operation(Opcode.OR, 3, 6),
        {("result", 0): 3 ^ 6},
    ),
    Attack(
        "the high limb of another result",
        "limb 1 of the result",
        Operation(Opcode.XOR, 3 << 16, 6 << 16),
        {("result", 1): 3 | 6},
    ),
    *(
        Attack(
            f"a wrong conjunction of the bytes {index}",
            f"byte and #{6 + index}",
            SOME,
            {("conjunction", index): 0x55},
            settle=[(("result", index // 2), f"limb {index // 2} of the result")],
        )
        for index in range(4)
    ),
]


def test_honest_rows_are_accepted_and_compute_what_the_instructions_say() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=1, has_immediate=True)
    table = table_of(AIR, trace, operations)
    assert_accepted(table)
    expected = [COMPUTE[it.opcode](it.left, it.right) for it in operations]
    assert results_of(BITWISE, table, len(operations)) == expected


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_attack_is_stopped_by_its_rule_alone(attack: Attack) -> None:
    assert rules_broken_by(attack, BITWISE, AIR, trace) == {attack.rule}


def test_every_rule_stops_an_attack() -> None:
    assert {attack.rule for attack in ATTACKS} == rule_names(AIR)


def test_and_less_or_plus_xor_do_not_make_another_chips_opcode() -> None:
    """-AND + OR + XOR = SLT, in numbers: flags that sum to 1 are not enough."""
    assert -Opcode.AND + Opcode.OR + Opcode.XOR == Opcode.SLT
    attack = Attack(
        "SLT in this chip",
        "is_and is boolean",
        Operation(Opcode.OR, 0x12345678, 0x0F0F3C3C),
        {"is_and": -1, "is_xor": 1},
        settle=[(("result", limb), f"limb {limb} of the result") for limb in range(2)],
    )
    assert rules_broken_by(attack, BITWISE, AIR, trace) == {attack.rule}


def test_no_alteration_of_a_few_cells_changes_the_result() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=2, has_immediate=True)
    assert assert_deterministic(table_of(AIR, trace, operations), seed=3) > 0


def test_the_search_for_alterations_finds_a_result_that_no_rule_fixes() -> None:
    operations = edge_and_random_operations(list(COMPUTE), seed=2, has_immediate=True)
    honest = table_of(AIR, trace, operations)
    kept = tuple(it for it in AIR.constraints if it.name != "limb 0 of the result")
    incomplete = Table(replace(AIR, constraints=kept), honest.main)
    with pytest.raises(AssertionError, match="decide what a row sends"):
        assert_deterministic(incomplete, seed=3)
