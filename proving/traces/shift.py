"""Trace of `proving.chips.shift`."""

from __future__ import annotations

import numpy as np

from proving.chips.shift import AMOUNT_BITS, OPCODES, SHIFT_CHIP
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS
from proving.traces.arithmetic import arithmetic_trace
from proving.traces.columns import Matrix, limbs, matrix_of
from proving.traces.instructions import InstructionRows


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    left = records[:, field.RS1_VALUE]
    amount = records[:, field.RS2_VALUE] % (1 << AMOUNT_BITS)
    is_left = instructions.flag(OPCODES["is_sll"]) != 0
    is_arithmetic = instructions.flag(OPCODES["is_sra"]) != 0
    result = np.select(
        [is_left, is_arithmetic],
        [left << amount, (left.view(np.int32) >> amount.view(np.int32)).view(np.uint32)],
        left >> amount,
    )

    # CUT
    bits = amount % LIMB_BITS
    by_limb = amount // LIMB_BITS
    cut_at = np.where(is_left, LIMB_BITS - bits, bits).astype(np.uint32)
    operand = limbs(left)
    above, below = operand >> cut_at, operand & ((np.uint32(1) << cut_at) - 1)
    columns = {
        **arithmetic_trace(OPCODES, records, instructions, result),
        "left_by_limb": np.where(is_left, by_limb, 0).astype(np.uint32),
        "right_by_limb": np.where(is_left, 0, by_limb).astype(np.uint32),
        "bits": bits,
        "power": np.uint32(1) << bits,
        "complement": np.uint32(1) << (LIMB_BITS - bits),
        "moved": np.where(is_left, above, below),
        "kept": np.where(is_left, below, above),
        "sign": np.where(is_arithmetic, left >> 31, 0).astype(np.uint32),
    }
    return matrix_of(SHIFT_CHIP, columns)
