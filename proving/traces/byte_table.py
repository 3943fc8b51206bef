"""Contents of `proving.chips.byte_table`."""

from __future__ import annotations

import numpy as np

from proving.chips.byte_limbs import BYTE_BITS
from proving.chips.byte_table import LOG_HEIGHT
from proving.traces.columns import Column, Matrix


def preprocessed() -> Matrix:
    """The columns left, right and conjunction."""
    row = np.arange(1 << LOG_HEIGHT, dtype=np.uint32)
    left, right = row >> BYTE_BITS, row % (1 << BYTE_BITS)
    return np.stack([left, right, left & right])


def rows_of(tuples: Matrix) -> Column:
    """Row of each tuple; any row where the table has no such tuple."""
    left, right, _ = tuples
    rows: Column = (left << BYTE_BITS) + right
    return rows
