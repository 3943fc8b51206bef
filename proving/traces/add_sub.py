"""Trace of `proving.chips.add_sub`."""

from __future__ import annotations

import numpy as np

from proving.chips.add_sub import ADD_SUB, OPCODES
from proving.machine import records as field
from proving.traces.arithmetic import arithmetic_trace
from proving.traces.columns import Matrix, matrix_of
from proving.traces.instructions import InstructionRows


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    left, right = records[:, field.RS1_VALUE], records[:, field.RS2_VALUE]
    is_add = instructions.flag(OPCODES["is_add"]) != 0
    result = np.where(is_add, left + right, left - right)
    return matrix_of(ADD_SUB, arithmetic_trace(OPCODES, records, instructions, result))
