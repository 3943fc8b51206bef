"""Trace of `proving.chips.byte_access`."""

from __future__ import annotations

import numpy as np

from proving.chips.byte_access import (
    BYTE_ACCESS,
    BYTE_BITS,
    BYTE_RADIX,
    LOADS,
    OPCODES,
    SIGN_BIT,
    STORES,
)
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS, LIMB_MASK
from proving.machine.layout import WORD_BYTES
from proving.traces.columns import Matrix, limbs, matrix_of
from proving.traces.instructions import InstructionRows
from proving.traces.load_store import load_store_trace


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""

    def is_any(*names: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.isin(instructions.number, [OPCODES[name] for name in names])

    # THE HALF'S BYTES
    position = records[:, field.MEMORY_BYTE_ADDRESS] % np.uint32(WORD_BYTES)
    is_upper_half, is_upper_byte = position // np.uint32(2), position % np.uint32(2)
    is_half = is_any("is_load_half", "is_load_half_unsigned", "is_store_half")
    half = (records[:, field.MEMORY_PREVIOUS_VALUE] >> (LIMB_BITS * is_upper_half)) & LIMB_MASK
    lower, upper = half % BYTE_RADIX, half >> BYTE_BITS
    is_top_upper = is_half | (is_upper_byte != 0)
    top, other = np.where(is_top_upper, (upper, lower), (lower, upper))
    sign = top >= SIGN_BIT

    # WHAT IS LOADED, WHAT IS STORED
    is_extended = sign & is_any("is_load_byte", "is_load_half")
    unsigned = np.where(is_half, half, top)
    extension = np.where(is_half, np.uint32(0xFFFF0000), np.uint32(0xFFFFFF00))
    loaded = np.where(is_extended, unsigned | extension, unsigned)
    source = np.where(is_any("is_store_byte"), records[:, field.RS2_VALUE] & LIMB_MASK, 0)
    return matrix_of(
        BYTE_ACCESS,
        {
            **load_store_trace(LOADS, STORES, records, instructions, loaded),
            "is_upper_half": is_upper_half,
            "is_upper_byte": is_upper_byte,
            "top": top,
            "other": other,
            "sign": sign.astype(np.uint32),
            "after": limbs(records[:, field.MEMORY_VALUE]),
            "stored_bytes": np.stack([source % BYTE_RADIX, source >> BYTE_BITS]),
        },
    )
