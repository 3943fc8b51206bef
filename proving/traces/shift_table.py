"""Contents of `proving.chips.shift_table`."""

from __future__ import annotations

import numpy as np

from proving.chips.shift_table import AMOUNTS, LOG_HEIGHT
from proving.machine.instructions import LIMB_BITS
from proving.traces.columns import Column, Matrix


def preprocessed() -> Matrix:
    """The columns amount, power and complementary_power."""
    amount = np.arange(1 << LOG_HEIGHT, dtype=np.uint32) % AMOUNTS
    one = np.uint32(1)
    return np.stack([amount, one << amount, one << (LIMB_BITS - amount)])


def rows_of(tuples: Matrix) -> Column:
    """Row of each tuple; any row where the table has no such tuple."""
    amount: Column = tuples[0]
    return amount
