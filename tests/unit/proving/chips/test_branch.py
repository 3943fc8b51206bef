"""Branches as a chip: honest ones pass, and no row says of a condition what it is not."""

import operator
from collections.abc import Callable

import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.chips.branch import BRANCH
from proving.field.koalabear import P, inverse
from proving.machine.instructions import Instruction, Opcode
from proving.traces.branch import trace
from tests.support.arithmetic_rows import EDGE_OPERANDS, signed
from tests.support.chip_attacks import (
    Cells,
    assert_accepted,
    assert_deterministic,
    assert_rejected,
    compiled,
    exchanges,
    rule_names,
    with_cells,
)
from tests.support.machine_rows import (
    FIRST_PC,
    LATEST_TIMESTAMP,
    Step,
    broken_by,
    rules_that_decide,
    table_of_steps,
)

AIR = compiled(BRANCH)
TARGET = 0x40

UNSIGNED: dict[Opcode, Callable[[int, int], bool]] = {
    Opcode.BEQ: operator.eq,
    Opcode.BNE: operator.ne,
    Opcode.BLTU: operator.lt,
    Opcode.BGEU: operator.ge,
}
SIGNED: dict[Opcode, Callable[[int, int], bool]] = {
    Opcode.BLT: operator.lt,
    Opcode.BGE: operator.ge,
}
OPCODES = (*UNSIGNED, *SIGNED)


def is_taken(opcode: Opcode, left: int, right: int) -> bool:
    if opcode in SIGNED:
        return SIGNED[opcode](signed(left), signed(right))
    return UNSIGNED[opcode](left, right)


def step_of(opcode: Opcode, left: int, right: int, number: int = 0, target: int = TARGET) -> Step:
    pc = FIRST_PC + 4 * number
    return Step(
        Instruction(pc, opcode, rs1=6, rs2=7, immediate=target),
        left,
        right,
        next_pc=target if is_taken(opcode, left, right) else pc + 4,
    )


def one_branch(opcode: Opcode, left: int, right: int) -> Table:
    return table_of_steps(AIR, trace, [step_of(opcode, left, right)])


def edge_and_random_steps() -> list[Step]:
    generator = np.random.default_rng(3)
    pairs = [(left, right) for left in EDGE_OPERANDS for right in EDGE_OPERANDS]
    pairs += generator.integers(0, 1 << 32, (30, 2)).tolist()
    pairs += [(0x12340001, 0x12340000), (P, 0), (0, P), (5 + P, 5)]
    cases = [(opcode, left, right) for opcode in OPCODES for left, right in pairs]
    return [step_of(*case, number) for number, case in enumerate(cases)]


def honest_table() -> Table:
    return table_of_steps(AIR, trace, edge_and_random_steps())


def test_honest_branches_are_accepted() -> None:
    assert_accepted(honest_table())


def test_every_branch_goes_where_the_comparison_of_python_says() -> None:
    steps = edge_and_random_steps()
    timestamps = range(LATEST_TIMESTAMP - 4 * len(steps) + 4, LATEST_TIMESTAMP + 1, 4)
    effects = exchanges(honest_table(), np.arange(len(steps)))
    for step, timestamp, (_, sent) in zip(steps, timestamps, effects, strict=True):
        assert ("execution", step.next_pc, timestamp) in sent


def test_a_branch_fetches_its_own_instruction() -> None:
    fetched = {
        values: count
        for (bus, values), count in imbalance([one_branch(Opcode.BGEU, 1, 2)]).items()
        if bus == "program"
    }
    assert fetched == {(FIRST_PC, int(Opcode.BGEU), 0, 6, 7, TARGET, 0, 0): -1}


@pytest.mark.parametrize("opcode", OPCODES)
@pytest.mark.parametrize(("left", "right"), [(1, 2), (2, 1), (3, 3), (0x80000000, 1), (P, 0)])
def test_the_other_way_is_rejected(opcode: Opcode, left: int, right: int) -> None:
    table = one_branch(opcode, left, right)
    way = 0 if is_taken(opcode, left, right) else TARGET - FIRST_PC - 4
    assert_rejected(with_cells(BRANCH, table, 0, {"detour": way}))
    holds = is_taken(opcode, left, right) ^ (opcode in (Opcode.BNE, Opcode.BGE, Opcode.BGEU))
    assert_rejected(with_cells(BRANCH, table, 0, {"detour": way, "holds": 1 - holds}))


@pytest.mark.parametrize("opcode", OPCODES)
def test_no_choice_of_the_prover_s_cells_turns_a_comparison_around(opcode: Opcode) -> None:
    """Every sign and tie, with every difference that the equation could need."""
    for left, right in [(1, 2), (2, 1), (3, 3), (0x80000000, 1), (0x10000, 0x20000), (P, 0)]:
        table = one_branch(opcode, left, right)
        is_negated = opcode in (Opcode.BNE, Opcode.BGE, Opcode.BGEU)
        holds = int(is_taken(opcode, left, right) ^ is_negated)
        way = 0 if is_taken(opcode, left, right) else TARGET - FIRST_PC - 4
        is_order = opcode not in (Opcode.BEQ, Opcode.BNE)
        for choice in range(8):
            left_sign, right_sign, is_tied = choice & 1, choice >> 1 & 1, choice >> 2
            high = (left >> 16) - (right >> 16) - 0x10000 * (left_sign - right_sign)
            low = (left & 0xFFFF) - (right & 0xFFFF)
            difference = (low if is_tied else high - is_order * holds) + is_order * (
                (1 - holds) << 16
            )
            cells = {
                "holds": 1 - holds,
                "detour": way,
                "left_sign": left_sign,
                "right_sign": right_sign,
                "high_limbs_equal": is_tied,
                "difference": difference,
                "difference_inverse": pow(difference, -1, P) if difference % P else 0,
            }
            assert_rejected(with_cells(BRANCH, table, 0, cells))


def test_values_that_are_equal_modulo_p_are_not_equal() -> None:
    table = one_branch(Opcode.BEQ, P + 5, 5)
    cells = {"holds": 1, "high_limbs_equal": 1, "difference": 0, "detour": TARGET - FIRST_PC - 4}
    assert "tied high limbs are equal" in broken_by(BRANCH, table, 0, cells)


def test_equal_low_limbs_do_not_make_values_equal() -> None:
    table = one_branch(Opcode.BEQ, 0x10005, 0x20005)
    tied = {"holds": 1, "high_limbs_equal": 1, "difference": 0, "detour": TARGET - FIRST_PC - 4}
    assert broken_by(BRANCH, table, 0, tied) == {"tied high limbs are equal"}


def test_equal_high_limbs_do_not_make_values_equal() -> None:
    table = one_branch(Opcode.BEQ, 0x10005, 0x10006)
    untied = {"holds": 1, "high_limbs_equal": 0, "difference": 0, "detour": TARGET - FIRST_PC - 4}
    assert broken_by(BRANCH, table, 0, untied) == {"equal high limbs are tied"}


def test_two_conditions_in_one_row_are_rejected() -> None:
    table = one_branch(Opcode.BLT, 1, 2)
    assert "at most one opcode" in broken_by(BRANCH, table, 0, {"is_unsigned": 1})


def test_padding_rows_exchange_nothing() -> None:
    table = one_branch(Opcode.BEQ, 1, 1)
    padding = Table(AIR, table.main[:, 1:])
    assert imbalance([padding]) == {}


def test_what_a_branch_sends_is_decided_by_what_it_receives() -> None:
    table = honest_table()
    assert assert_deterministic(table, seed=5) > 0


WAY = TARGET - FIRST_PC - 4
PER_LIMB = inverse(1 << 16)
LONE_ATTACKS: dict[str, tuple[tuple[Opcode, int, int], Cells]] = {
    "holds is boolean": (
        (Opcode.BLTU, 1, 2),
        {"difference": 5, "holds": 6 * PER_LIMB, "detour": 6 * PER_LIMB * WAY},
    ),
    "is_negated is boolean": ((Opcode.BEQ, 1, 2), {"is_negated": 2, "detour": 2 * WAY}),
    # minus BEQ, and BLT, and BLTU: a row for opcode 17, which is JAL
    "is_equality is boolean": (
        (Opcode.BLTU, 2, 1),
        {"is_equality": -1, "is_signed": 1, "difference_inverse": 1},
    ),
    # a left high limb of 5, of -5 for the right one
    "left_sign is boolean": (
        (Opcode.BLTU, 1, 2),
        {
            "left_sign": -5 * PER_LIMB,
            "high_limbs_equal": 0,
            "difference": 4,
            "holds": 0,
            "detour": 0,
        },
    ),
    "right_sign is boolean": (
        (Opcode.BLTU, 2, 1),
        {
            "right_sign": -5 * PER_LIMB,
            "high_limbs_equal": 0,
            "difference": 0x10000 - 5,
            "holds": 1,
            "detour": WAY,
        },
    ),
    # the right high limb's range: a sign where there is none
    "range #5": (
        (Opcode.BLTU, 1, 2),
        {"right_sign": 1, "high_limbs_equal": 0, "difference": 0xFFFF, "holds": 0, "detour": 0},
    ),
    # the difference's range
    "range #6": ((Opcode.BLTU, 1, 2), {"difference": -1, "holds": 0, "detour": 0}),
}
"""By rule: a branch and altered cells that only this rule rejects."""


@pytest.mark.parametrize("rule", LONE_ATTACKS)
def test_one_rule_alone_stands_against_an_attack(rule: str) -> None:
    branch, cells = LONE_ATTACKS[rule]
    assert broken_by(BRANCH, one_branch(*branch), 0, cells) == {rule}


def test_no_rule_can_be_left_out() -> None:
    assert rule_names(AIR) - rules_that_decide(honest_table(), seed=11) == set(LONE_ATTACKS)
