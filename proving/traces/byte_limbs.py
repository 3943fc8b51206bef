"""Columns of `proving.chips.byte_limbs`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proving.chips.byte_limbs import BYTE_BITS, BYTES, CARRIES
from proving.field.koalabear import P
from proving.machine.instructions import LIMB_BITS
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


def product_carries(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], added: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Carries out of the three lower limbs of `left * right + added`: (3, rows).

    Parameters
    ----------
    left, right
        Values `32 bits - 2^32 * sign`; shape (rows,).
    added
        Limbs that are added to those of the product: (3, rows).
    """
    left_bytes, right_bytes = (
        bytes_of((number & 0xFFFFFFFF).astype(np.uint32)).astype(np.int64)
        for number in (left, right)
    )
    left_is_negative, right_is_negative = left < 0, right < 0
    borrowed = left_is_negative * (right & 0xFFFF) + right_is_negative * (left & 0xFFFF)
    summands = np.zeros((CARRIES, len(left)), np.int64)
    for left_index in range(BYTES):
        for right_index in range(BYTES):
            limb, upper = divmod(left_index + right_index, 2)
            if limb < CARRIES:
                product = left_bytes[left_index] * right_bytes[right_index]
                summands[limb] += product << (BYTE_BITS * upper)
    summands += added
    summands[2] -= borrowed
    carries = np.zeros_like(summands)
    carried = np.zeros(len(left), np.int64)
    for limb in range(CARRIES):
        carried = (summands[limb] + carried) >> LIMB_BITS
        carries[limb] = carried
    return carries
