"""Columns of `proving.chips.byte_limbs`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proving.chips.byte_limbs import BYTE_BITS, BYTES
from proving.field.koalabear import P
from proving.traces.columns import Column, Matrix


def bytes_of(values: Column) -> Matrix:
    """Bytes of 32-bit values: (4, rows), lowest first."""
    return np.stack([(values >> (BYTE_BITS * index)) & 0xFF for index in range(BYTES)])


def high_bytes(values: Column) -> Matrix:
    """Upper byte of each 16-bit limb: (2, rows)."""
    return bytes_of(values)[1::2]


def canonical(numbers: npt.NDArray[np.int64]) -> Matrix:
    """Integers modulo P, in [0, P)."""
    return (numbers % P).astype(np.uint32)
