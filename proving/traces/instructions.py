"""The decoded instruction of every record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proving.machine.instructions import IMMEDIATE_FLAG
from proving.traces.columns import Column


@dataclass(frozen=True, slots=True)
class InstructionRows:
    """The program's fields for a list of records, one entry per record."""

    opcode: Column
    rd: Column
    rs1: Column
    rs2: Column
    immediate_low: Column
    immediate_high: Column
    writes_rd: Column

    @property
    def uses_immediate(self) -> Column:
        """1 where the second operand is the immediate."""
        return (self.opcode >= IMMEDIATE_FLAG).astype(np.uint32)

    @property
    def number(self) -> Column:
        """Opcode without the immediate's flag."""
        return self.opcode % np.uint32(IMMEDIATE_FLAG)

    def flag(self, number: int) -> Column:
        """1 where the opcode is `number`."""
        return np.equal(self.number, number).astype(np.uint32)
