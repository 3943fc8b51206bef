"""Trace of `proving.chips.less_than`."""

from __future__ import annotations

import numpy as np

from proving.chips.less_than import LESS_THAN, OPCODES
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS
from proving.traces.arithmetic import arithmetic_trace
from proving.traces.byte_limbs import canonical
from proving.traces.columns import Matrix, limbs, matrix_of
from proving.traces.instructions import InstructionRows

SIGN_BIT = np.uint32(1 << 31)


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    left, right = records[:, field.RS1_VALUE], records[:, field.RS2_VALUE]
    flips = np.where(instructions.flag(OPCODES["is_signed"]) != 0, SIGN_BIT, np.uint32(0))
    is_less = (left ^ flips) < (right ^ flips)

    left_limbs, right_limbs = limbs(left ^ flips), limbs(right ^ flips)
    are_tied = left_limbs[1] == right_limbs[1]
    low, high = left_limbs.astype(np.int64) - right_limbs
    difference = np.where(are_tied, low, high - 1 + is_less) + (is_less << LIMB_BITS)
    columns = {
        **arithmetic_trace(OPCODES, records, instructions, is_less.astype(np.uint32)),
        "left_sign": ((left & flips) != 0).astype(np.uint32),
        "right_sign": ((right & flips) != 0).astype(np.uint32),
        "high_limbs_equal": are_tied.astype(np.uint32),
        "difference": canonical(difference),
    }
    return matrix_of(LESS_THAN, columns)
