"""Rows of the chips that compute `rd = operation(rs1, second)`, as the executor leaves them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from proving.air.check import Table
from proving.air.chip import Air, ChipDefinition
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS, Instruction, Opcode
from proving.machine.program import ProgramRows
from proving.traces.columns import Matrix
from proving.traces.instructions import InstructionRows

EDGE_OPERANDS = (0, 1, 2, 31, 32, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFF0000, 0xFFFFFFFF)

FIRST_TIMESTAMP = 4 + (1 << 20)
"""Of the first operation; large enough for differences with a high limb."""

Trace = Callable[[Matrix, InstructionRows], Matrix]


@dataclass(frozen=True)
class Operation:
    """One instruction with the values of its operands."""

    opcode: Opcode
    left: int
    right: int
    uses_immediate: bool = False
    rd: int = 5

    def instruction(self, pc: int) -> Instruction:
        """The instruction at `pc`."""
        return Instruction(
            pc,
            self.opcode,
            rd=self.rd,
            rs1=6,
            rs2=0 if self.uses_immediate else 7,
            immediate=self.right if self.uses_immediate else 0,
            uses_immediate=self.uses_immediate,
        )


def signed(value: int) -> int:
    """The two's complement number of 32 bits."""
    return value - (1 << 32) if value >> 31 else value


def edge_and_random_operations(
    opcodes: Sequence[Opcode], seed: int, *, has_immediate: bool, random_count: int = 40
) -> list[Operation]:
    """Every pair of edge operands, and random ones, for every opcode and form."""
    generator = np.random.default_rng(seed)
    pairs = [(left, right) for left in EDGE_OPERANDS for right in EDGE_OPERANDS]
    pairs += generator.integers(0, 1 << 32, (random_count, 2)).tolist()
    forms = (False, True) if has_immediate else (False,)
    return [
        Operation(opcode, left, right, form)
        for opcode in opcodes
        for form in forms
        for left, right in pairs
    ]


def table_of(
    air: Air,
    trace: Trace,
    operations: Sequence[Operation],
    seed: int = 1,
) -> Table:
    """Trace of the operations, one after the other, with random previous accesses."""
    generator = np.random.default_rng(seed)
    count = len(operations)
    records = np.zeros((count, field.FIELD_COUNT), np.uint32)
    records[:, field.PC] = 0x1000 + 4 * np.arange(count)
    timestamp = FIRST_TIMESTAMP + 4 * np.arange(count)
    records[:, field.TIMESTAMP] = timestamp
    records[:, field.NEXT_PC] = records[:, field.PC] + 4
    records[:, field.RS1_VALUE] = [operation.left for operation in operations]
    records[:, field.RS2_VALUE] = [operation.right for operation in operations]
    records[:, field.RS1_PREVIOUS_TIMESTAMP] = generator.integers(0, timestamp)
    has_rs2 = np.array([not operation.uses_immediate for operation in operations])
    records[:, field.RS2_PREVIOUS_TIMESTAMP] = np.where(
        has_rs2, generator.integers(0, timestamp), 0
    )
    writes = np.array([operation.rd != 0 for operation in operations])
    records[:, field.RD_PREVIOUS_VALUE] = np.where(writes, generator.integers(0, 1 << 32, count), 0)
    records[:, field.RD_PREVIOUS_TIMESTAMP] = np.where(writes, generator.integers(0, timestamp), 0)

    program = ProgramRows.of(
        [
            operation.instruction(int(pc))
            for operation, pc in zip(operations, records[:, field.PC], strict=True)
        ]
    )
    instructions = InstructionRows(
        opcode=program.opcode,
        rd=program.rd,
        rs1=program.rs1,
        rs2=program.rs2,
        immediate_low=program.immediate_low,
        immediate_high=program.immediate_high,
        writes_rd=program.writes_rd,
    )
    return Table(air, trace(records, instructions))


def results_of(chip: ChipDefinition, table: Table, count: int) -> list[int]:
    """What the first rows result in."""
    start = list(chip.columns).index("result")
    index = sum(list(chip.columns.values())[:start])
    low, high = table.main[index : index + 2, :count]
    return (low + (high << LIMB_BITS)).tolist()
