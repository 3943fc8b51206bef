"""Rows of the chips for branches, jumps and memory accesses, as the executor leaves them.

And a search that shows of every rule of a chip that it is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proving.air.check import Table
from proving.air.chip import Air, ChipDefinition
from proving.field.koalabear import P
from proving.machine import records as field
from proving.machine.instructions import OPCODES_OF_CHIP, Chip, Instruction, Opcode
from proving.machine.program import ProgramRows
from proving.traces.columns import Matrix
from proving.traces.instructions import InstructionRows
from tests.support.arithmetic_rows import Trace
from tests.support.chip_attacks import EDGE_VALUES, Cells, broken_rules, with_cells

FIRST_PC = 0x1000
LATEST_TIMESTAMP = 1 << 24
"""Of a run with MAXIMUM_CYCLES."""
STORES = (Opcode.SB, Opcode.SH, Opcode.SW)
TWO_OPERANDS = (*OPCODES_OF_CHIP[Chip.BRANCH], *STORES)


@dataclass(frozen=True)
class Step:
    """One executed instruction: its operands and what it did.

    Attributes
    ----------
    rd_value
        What the instruction computes for rd; recorded where it writes one.
    address, word, word_after
        Of the access to memory: address in bytes, the whole word before and after.
    """

    instruction: Instruction
    left: int = 0
    right: int = 0
    rd_value: int = 0
    next_pc: int | None = None
    address: int = 0
    word: int = 0
    word_after: int = 0


def records_of(steps: Sequence[Step], seed: int = 1) -> Matrix:
    """Records of the steps, with random previous values and timestamps."""
    generator = np.random.default_rng(seed)
    records = np.zeros((len(steps), field.FIELD_COUNT), np.uint32)
    for number, (step, record) in enumerate(zip(steps, records, strict=True)):
        instruction = step.instruction
        timestamp = LATEST_TIMESTAMP - 4 * (len(steps) - number)
        has_left = instruction.opcode is not Opcode.JAL
        has_right = instruction.opcode in TWO_OPERANDS
        has_memory = instruction.opcode in OPCODES_OF_CHIP[Chip.LOAD_STORE]

        def earlier(generator: np.random.Generator = generator, limit: int = timestamp) -> int:
            return int(generator.choice((0, limit - 1, generator.integers(0, limit))))

        record[field.PC] = instruction.pc
        record[field.TIMESTAMP] = timestamp
        record[field.RS1_VALUE] = step.left
        record[field.RS1_PREVIOUS_TIMESTAMP] = earlier() if has_left else 0
        record[field.RS2_VALUE] = step.right
        record[field.RS2_PREVIOUS_TIMESTAMP] = earlier() if has_right else 0
        if instruction.writes_rd:
            record[field.RD_VALUE] = step.rd_value
            record[field.RD_PREVIOUS_VALUE] = generator.integers(0, 1 << 32)
            record[field.RD_PREVIOUS_TIMESTAMP] = earlier()
        if has_memory:
            record[field.MEMORY_BYTE_ADDRESS] = step.address
            record[field.MEMORY_PREVIOUS_VALUE] = step.word
            record[field.MEMORY_VALUE] = step.word_after
            record[field.MEMORY_PREVIOUS_TIMESTAMP] = earlier()
        record[field.NEXT_PC] = instruction.pc + 4 if step.next_pc is None else step.next_pc
    return records


def table_of_steps(air: Air, trace: Trace, steps: Sequence[Step], seed: int = 1) -> Table:
    """Trace of the steps, each of which has a pc of its own."""
    program = ProgramRows.of([step.instruction for step in steps])
    instructions = InstructionRows(
        opcode=program.opcode,
        rd=program.rd,
        rs1=program.rs1,
        rs2=program.rs2,
        immediate_low=program.immediate_low,
        immediate_high=program.immediate_high,
        writes_rd=program.writes_rd,
    )
    return Table(air, trace(records_of(steps, seed), instructions))


def rules_that_decide(table: Table, *, seed: int, attempts: int = 1 << 15) -> set[str]:
    """Rules without which some row would be accepted that now is not.

    Each experiment is an honest row with one to three altered cells; in half of them two cells
    change by multiples of one number, as those of a wrong carry do.
    """
    generator = np.random.default_rng(seed)
    columns, height = table.main.shape
    main = table.main[:, generator.integers(0, height, attempts)].copy()
    for attempt in range(attempts):
        cells = generator.choice(columns, generator.integers(1, 4), replace=False)
        if attempt % 2:
            step = int(generator.choice((-1, 1)))
            for cell in cells[:2]:
                power = 1 << int(generator.choice((0, 0, 1, 2, 7, 8, 14, 15, 16)))
                main[cell, attempt] = (int(main[cell, attempt]) + step * power) % P
                step = int(generator.choice((-step, step)))
        else:
            for cell in cells:
                others = (*EDGE_VALUES, int(main[generator.integers(columns), attempt]))
                main[cell, attempt] = int(generator.choice(others))
    broken = broken_rules(Table(table.air, main))
    return {rule for rules in broken if len(rules) == 1 for rule in rules}


def broken_by(chip: ChipDefinition, table: Table, row: int, cells: Cells) -> set[str]:
    """Rules that the row breaks with these cells altered."""
    return broken_rules(with_cells(chip, table, row, cells))[row]
