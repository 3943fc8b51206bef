"""Trace of `proving.chips.divide`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proving.chips.byte_limbs import CARRIES
from proving.chips.divide import DIVIDE, OPCODES
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS, LIMB_MASK
from proving.traces.arithmetic import arithmetic_trace
from proving.traces.byte_limbs import bytes_of, canonical, high_bytes, product_carries
from proving.traces.columns import Column, Matrix, limbs, matrix_of
from proving.traces.instructions import InstructionRows

ALL_ONES = 0xFFFFFFFF


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    left, right = records[:, field.RS1_VALUE], records[:, field.RS2_VALUE]
    is_div, is_divu, is_rem = (
        instructions.flag(OPCODES[name]) != 0 for name in ("is_div", "is_divu", "is_rem")
    )

    # DIVISION of integers, truncated towards zero
    is_signed = is_div | is_rem
    dividend_sign = np.where(is_signed, left >> 31, 0).astype(np.int64)
    divisor_sign = np.where(is_signed, right >> 31, 0).astype(np.int64)
    dividend = left.astype(np.int64) - (dividend_sign << 32)
    divisor = right.astype(np.int64) - (divisor_sign << 32)
    is_by_zero = divisor == 0
    magnitude = np.abs(dividend) // np.where(is_by_zero, 1, np.abs(divisor))
    quotient = np.where(
        is_by_zero, ALL_ONES, np.where(dividend_sign != divisor_sign, -magnitude, magnitude)
    )
    remainder = dividend - quotient * divisor
    quotient_bits = (quotient & ALL_ONES).astype(np.uint32)
    remainder_bits = (remainder & ALL_ONES).astype(np.uint32)
    remainder_sign = (remainder < 0).astype(np.int64)

    # GAP
    gap = np.where(is_by_zero, 0, np.abs(divisor) - np.abs(remainder) - 1)
    low_limbs = _low_limb(right, divisor_sign) - _low_limb(remainder_bits, remainder_sign)
    borrow = ((gap & LIMB_MASK) + 1 - low_limbs) >> LIMB_BITS

    # CARRIES of quotient * divisor + remainder - dividend, which is zero
    added = np.zeros((CARRIES, len(left)), np.int64)
    added[:2] = limbs(remainder_bits).astype(np.int64) - limbs(left)
    added[2] = dividend_sign - remainder_sign
    columns = {
        **arithmetic_trace(
            OPCODES,
            records,
            instructions,
            np.where(is_div | is_divu, quotient_bits, remainder_bits),
        ),
        "quotient_bytes": bytes_of(quotient_bits),
        "remainder": limbs(remainder_bits),
        "divisor_high_bytes": high_bytes(right),
        "conjunction": bytes_of(quotient_bits & right)[:3],
        "dividend_sign": canonical(dividend_sign),
        "divisor_sign": canonical(divisor_sign),
        "quotient_sign": canonical((quotient < 0).astype(np.int64)),
        "remainder_sign": canonical(remainder_sign),
        "carries": canonical(product_carries(quotient, divisor, added)),
        "is_by_zero": canonical(is_by_zero.astype(np.int64)),
        "gap": limbs(gap.astype(np.uint32)),
        "borrow": canonical(np.where(is_by_zero, 0, borrow)),
    }
    return matrix_of(DIVIDE, columns)


def _low_limb(bits: Column, sign: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Low limb of `proving.chips.divide`'s absolute value, which goes from 0 to 2^16."""
    low = (bits & LIMB_MASK).astype(np.int64)
    return np.where(sign != 0, (1 << LIMB_BITS) - low, low)
