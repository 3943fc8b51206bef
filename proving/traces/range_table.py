"""Contents of `proving.chips.range_table`."""

from __future__ import annotations

import numpy as np

from proving.chips.range_table import LOG_HEIGHT, MAXIMUM_BITS
from proving.traces.columns import Column, Matrix


def preprocessed() -> Matrix:
    """The columns value and bits."""
    row = np.arange(1 << LOG_HEIGHT, dtype=np.uint32)
    bits = np.zeros_like(row)
    for exponent in range(1, MAXIMUM_BITS + 1):
        bits[1 << exponent :] = exponent
    value = row - (np.uint32(1) << bits)
    value[0] = 0
    return np.stack([value, bits])


def rows_of(tuples: Matrix) -> Column:
    """Row of each tuple; any row where the table has no such tuple."""
    value, bits = tuples
    rows: Column = (np.uint32(1) << np.minimum(bits, MAXIMUM_BITS)) + value
    return rows
