"""Trace of `proving.chips.bitwise`."""

from __future__ import annotations

import numpy as np

from proving.chips.bitwise import BITWISE, OPCODES
from proving.machine import records as field
from proving.traces.arithmetic import arithmetic_trace
from proving.traces.byte_limbs import bytes_of, high_bytes
from proving.traces.columns import Matrix, matrix_of
from proving.traces.instructions import InstructionRows


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    left, right = records[:, field.RS1_VALUE], records[:, field.RS2_VALUE]
    both = left & right
    result = np.select(
        [instructions.flag(OPCODES["is_and"]) != 0, instructions.flag(OPCODES["is_or"]) != 0],
        [both, left | right],
        left ^ right,
    )
    columns = {
        **arithmetic_trace(OPCODES, records, instructions, result),
        "left_high_bytes": high_bytes(left),
        "right_high_bytes": high_bytes(right),
        "conjunction": bytes_of(both),
    }
    return matrix_of(BITWISE, columns)
