"""Contents and trace of `proving.chips.register_boundary`."""

from __future__ import annotations

import numpy as np

from proving.chips.register_boundary import REGISTER_BOUNDARY
from proving.machine import records as field
from proving.machine.layout import REGISTER_COUNT
from proving.traces.columns import Matrix, limbs, matrix_of


def preprocessed() -> Matrix:
    """The column index: every register once."""
    return np.arange(REGISTER_COUNT, dtype=np.uint32)[np.newaxis]


def trace(registers_final: Matrix) -> Matrix:
    """Last value and timestamp of each register.

    Parameters
    ----------
    registers_final
        Shape (REGISTER_COUNT, FINAL_FIELD_COUNT).
    """
    return matrix_of(
        REGISTER_BOUNDARY,
        {
            "final": limbs(registers_final[:, field.FINAL_VALUE]),
            "final_timestamp": registers_final[:, field.FINAL_TIMESTAMP],
        },
    )
