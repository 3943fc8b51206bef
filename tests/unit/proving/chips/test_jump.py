"""Jumps as a chip: honest ones pass, and no row goes or links to another address."""

import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.chips.jump import JUMP
from proving.field.koalabear import P
from proving.machine.instructions import Instruction, Opcode
from proving.traces.jump import trace
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

AIR = compiled(JUMP)
WORD = 1 << 32
LAST_PC = (1 << 30) - 4
HIGHEST_LINKING_PC = LAST_PC - 4


def jal(target: int, rd: int = 1, pc: int = FIRST_PC) -> Step:
    instruction = Instruction(pc, Opcode.JAL, rd=rd, immediate=target)
    return Step(instruction, rd_value=pc + 4, next_pc=target)


def jalr(base: int, immediate: int = 0, rd: int = 1, pc: int = FIRST_PC) -> Step:
    instruction = Instruction(pc, Opcode.JALR, rd=rd, rs1=6, immediate=immediate % WORD)
    target = (base + immediate) % WORD & ~1
    return Step(instruction, base, rd_value=pc + 4, next_pc=target)


def honest_steps() -> list[Step]:
    steps = [
        jal(0),
        jal(LAST_PC),
        jal(FIRST_PC, rd=0),
        jal(0x20000, pc=HIGHEST_LINKING_PC),
        jal(0x20000, rd=0, pc=LAST_PC),
        jal(0x20000, pc=0xFFFC),
        jalr(0),
        jalr(5, -4),
        jalr(0x1FFFC, 5),
        jalr(2, -2),
        jalr(LAST_PC + 2, -2),
        jalr(0x40000000, -4),
        jalr(WORD - 8, 8, rd=0),
        jalr(WORD - 0x10000, 0x7FC + 0x10000),
    ]
    generator = np.random.default_rng(2)
    for target, immediate in generator.integers(0, 1 << 28, (40, 2)).tolist():
        offset = immediate % 4096 - 2048
        steps.append(jalr((4 * target + immediate % 2 - offset) % WORD, offset, rd=immediate % 3))
    return steps


def table_of(*steps: Step) -> Table:
    return table_of_steps(AIR, trace, steps)


def honest_table() -> Table:
    return table_of(*honest_steps())


def test_honest_jumps_are_accepted() -> None:
    assert_accepted(honest_table())


def test_every_jump_goes_to_its_target_and_leaves_the_next_address() -> None:
    steps = honest_steps()
    timestamps = range(LATEST_TIMESTAMP - 4 * len(steps), LATEST_TIMESTAMP, 4)
    effects = exchanges(honest_table(), np.arange(len(steps)))
    for step, timestamp, (_, sent) in zip(steps, timestamps, effects, strict=True):
        assert isinstance(sent, list)
        assert ("execution", step.next_pc, timestamp + 4) in sent
        instruction = step.instruction
        link = instruction.pc + 4
        written = ("register", instruction.rd, link & 0xFFFF, link >> 16, timestamp + 3)
        assert (written in sent) == (instruction.rd != 0)


def test_jal_reads_no_register() -> None:
    ((received, _),) = exchanges(table_of(jal(0x40, rd=0)), np.array([0]))
    assert isinstance(received, list)
    assert [entry[0] for entry in received] == ["execution", "program"]


@pytest.mark.parametrize(("base", "immediate"), [(2, 0), (3, 0), (0x1000, 6), (0x1001, 6), (0, -2)])
def test_a_misaligned_target_cannot_be_proved(base: int, immediate: int) -> None:
    assert_rejected(table_of(jalr(base, immediate)))


@pytest.mark.parametrize(("base", "immediate"), [(1 << 30, 0), (0, -4), (1 << 31, 0), (LAST_PC, 4)])
def test_a_target_beyond_the_code_cannot_be_proved(base: int, immediate: int) -> None:
    assert_rejected(table_of(jalr(base, immediate)))


def test_a_misaligned_target_is_not_rounded() -> None:
    """0x1002 to 0x1000 or 0x1004: the low limb's quarter, or the carry, would be a fraction."""
    table = table_of(jalr(0x1002))
    for target in (0x1000, 0x1004):
        for bit in (0, 1):
            cells: Cells = {("target", 0): target, "dropped_bit": bit}
            assert_rejected(with_cells(JUMP, table, 0, cells))


def test_the_dropped_bit_is_not_the_prover_s_choice() -> None:
    for step, bit, target in ((jalr(0x1000), 1, 0xFFF), (jalr(0x1001), 0, 0x1001)):
        cells: Cells = {("target", 0): target, "dropped_bit": bit}
        assert "range #0" in broken_by(JUMP, table_of(step), 0, cells)


def test_a_sum_above_two_to_the_32_is_reduced() -> None:
    table = table_of(jalr(WORD - 8, 0x18))
    assert_rejected(with_cells(JUMP, table, 0, {("target", 1): 0x10000}))


def test_the_link_has_no_second_representation() -> None:
    """pc + 4 + P fits two limbs of 16 bits."""
    pc = FIRST_PC
    link = pc + 4 + P
    assert link < WORD
    cells: Cells = {("link", 0): link & 0xFFFF, ("link", 1): link >> 16}
    assert broken_by(JUMP, table_of(jal(0x40, pc=pc)), 0, cells) == {"range #5"}


def test_a_link_from_the_last_instruction_cannot_be_proved() -> None:
    """A boundary of the format: no program has code there that returns."""
    assert_rejected(table_of(jal(0x40, pc=LAST_PC)))


def test_x0_is_not_written() -> None:
    table = table_of(jal(0x40, rd=0))
    forged = with_cells(JUMP, table, 0, {"writes_rd": 1, "link": 0x1004})
    fetched = {values for (bus, values) in imbalance([forged]) if bus == "program"}
    assert fetched == {(FIRST_PC, int(Opcode.JAL), 0, 0, 0, 0x40, 0, 1)}
    """No program has this row: it writes where rd is x0."""


def test_padding_rows_exchange_nothing_and_cannot_write() -> None:
    padding = Table(AIR, table_of(jal(0x40)).main[:, 1:])
    assert imbalance([padding]) == {}
    forged = {"writes_rd": 1, "rd": 5, ("link", 0): 4}
    assert "writes_rd only in real rows" in broken_by(JUMP, padding, 0, forged)


def test_what_a_jump_sends_is_decided_by_what_it_receives() -> None:
    assert assert_deterministic(honest_table(), seed=5) > 0


LONE_ATTACKS: dict[str, tuple[Step, Cells]] = {
    # fetched twice, as an ecall
    "at most one opcode": (jalr(0, 0x40), {"is_jal": 1, "writes_rd": 0}),
    # no real row, but one that reads a register, or that returns one that nobody read
    "is_jal is boolean": (jalr(0, 0x40), {"is_jal": -1, "writes_rd": 0}),
    "is_jalr is boolean": (jalr(0, 0x40), {"is_jal": 1, "is_jalr": -1, "writes_rd": 0}),
    # the target's low limb
    "range #0": (jalr(0x1001), {("target", 0): 0x1001, "dropped_bit": 0}),
    # both limbs of the link
    "range #4": (jal(0x40), {("link", 0): 0x1004 - 0x10000, ("link", 1): 1}),
    "range #5": (
        jal(0x40),
        {("link", 0): (0x1004 + P) & 0xFFFF, ("link", 1): (0x1004 + P) >> 16},
    ),
}
"""By rule: a jump and altered cells that only this rule rejects."""


@pytest.mark.parametrize("rule", LONE_ATTACKS)
def test_one_rule_alone_stands_against_an_attack(rule: str) -> None:
    step, cells = LONE_ATTACKS[rule]
    assert broken_by(JUMP, table_of(step), 0, cells) == {rule}


def test_no_rule_can_be_left_out() -> None:
    assert rule_names(AIR) - rules_that_decide(honest_table(), seed=11) == set(LONE_ATTACKS)
