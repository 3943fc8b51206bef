"""From named columns to the matrix of a trace."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from proving.air.chip import ChipDefinition
from proving.machine.instructions import LIMB_BITS

Column = npt.NDArray[np.uint32]
Matrix = npt.NDArray[np.uint32]

MINIMUM_LOG_HEIGHT = 5


def matrix_of(chip: ChipDefinition, columns: Mapping[str, Column]) -> Matrix:
    """Lay the columns out as the chip orders them, padded with zero rows to a power of two.

    Parameters
    ----------
    columns
        By name: shape (rows,) where the chip declares width 1, else (width, rows).

    Returns
    -------
    Matrix
        Shape (columns, padded rows), canonical values.
    """
    if columns.keys() != chip.columns.keys():
        raise ValueError(f"{chip.name}: columns {set(columns) ^ set(chip.columns)} do not match")
    row_count = next(iter(columns.values())).shape[-1]
    matrix = np.zeros((sum(chip.columns.values()), padded_height(row_count)), np.uint32)
    start = 0
    for name, width in chip.columns.items():
        matrix[start : start + width, :row_count] = columns[name]
        start += width
    return matrix


def padded_height(row_count: int) -> int:
    """Smallest allowed height that holds the rows."""
    return 1 << max(MINIMUM_LOG_HEIGHT, (row_count - 1).bit_length())


def limbs(values: Column) -> Matrix:
    """Split 32-bit values into 16-bit limbs: (2, rows), low first."""
    return np.stack([values & 0xFFFF, values >> LIMB_BITS])


def access(
    name: str,
    value: Column,
    previous_timestamp: Column,
    timestamp: Column,
    used: npt.NDArray[np.bool_],
) -> dict[str, Matrix]:
    """Columns of a read called `name`; all zero but for the value where it does not take place."""
    difference = np.where(used, timestamp - previous_timestamp - 1, 0).astype(np.uint32)
    return {
        name: limbs(value),
        f"{name}_previous_timestamp": np.where(used, previous_timestamp, 0).astype(np.uint32),
        f"{name}_difference": limbs(difference)[0],
    }
