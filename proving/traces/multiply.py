"""Trace of `proving.chips.multiply`."""

from __future__ import annotations

import numpy as np

from proving.chips.byte_limbs import CARRIES
from proving.chips.multiply import MULTIPLY, OPCODES
from proving.machine import records as field
from proving.traces.arithmetic import arithmetic_trace
from proving.traces.byte_limbs import bytes_of, canonical, high_bytes, product_carries
from proving.traces.columns import Matrix, limbs, matrix_of
from proving.traces.instructions import InstructionRows


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    left, right = records[:, field.RS1_VALUE], records[:, field.RS2_VALUE]
    is_mul, is_mulh, is_mulhsu = (
        instructions.flag(OPCODES[name]) != 0 for name in ("is_mul", "is_mulh", "is_mulhsu")
    )

    # PRODUCT: an unsigned one of 64 bits; a sign takes the other operand from its high half
    left_sign = np.where(is_mulh | is_mulhsu, left >> 31, 0).astype(np.uint32)
    right_sign = np.where(is_mulh, right >> 31, 0).astype(np.uint32)
    unsigned_product = left.astype(np.uint64) * right.astype(np.uint64)
    low_half = unsigned_product.astype(np.uint32)
    high_half = (unsigned_product >> np.uint64(32)).astype(np.uint32)
    high_half = high_half - left_sign * right - right_sign * left
    is_negative = (left_sign ^ right_sign) & (left != 0) & (right != 0)

    columns = {
        **arithmetic_trace(OPCODES, records, instructions, np.where(is_mul, low_half, high_half)),
        "left_high_bytes": high_bytes(left),
        "right_high_bytes": high_bytes(right),
        "left_sign": left_sign,
        "right_sign": right_sign,
        "conjunction": bytes_of(left & right)[:3],
        "discarded": limbs(np.where(is_mul, high_half, low_half)),
        "is_negative": is_negative.astype(np.uint32),
        "carries": canonical(
            product_carries(
                left.astype(np.int64) - (left_sign.astype(np.int64) << 32),
                right.astype(np.int64) - (right_sign.astype(np.int64) << 32),
                np.zeros((CARRIES, len(left)), np.int64),
            )
        ),
    }
    return matrix_of(MULTIPLY, columns)
