"""Trace of `proving.chips.memory_boundary`."""

from __future__ import annotations

import numpy as np

from proving.chips.memory_boundary import MEMORY_BOUNDARY, MIDDLE_BITS
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS, LIMB_MASK
from proving.machine.layout import INPUT_START_WORD
from proving.traces.columns import Matrix, limbs, matrix_of


def trace(touched_memory: Matrix, image_end_word: int) -> Matrix:
    """Columns of the chip, padded.

    Parameters
    ----------
    touched_memory
        Shape (words, TOUCHED_FIELD_COUNT), ascending by address, all from `image_end_word` on.
    """
    address = touched_memory[:, field.TOUCHED_WORD_ADDRESS]
    first_allowed = np.empty_like(address)
    first_allowed[:1] = image_end_word
    first_allowed[1:] = address[:-1] + 1
    return matrix_of(
        MEMORY_BOUNDARY,
        {
            "is_real": np.ones(len(address), np.uint32),
            "is_input": (address >= INPUT_START_WORD).astype(np.uint32),
            "address_low": address & np.uint32(LIMB_MASK),
            "address_middle": (address >> np.uint32(LIMB_BITS)) % np.uint32(1 << MIDDLE_BITS),
            "gap": limbs(address - first_allowed),
            "initial": limbs(touched_memory[:, field.TOUCHED_INITIAL_VALUE]),
            "final": limbs(touched_memory[:, field.TOUCHED_FINAL_VALUE]),
            "final_timestamp": touched_memory[:, field.TOUCHED_FINAL_TIMESTAMP],
        },
    )
