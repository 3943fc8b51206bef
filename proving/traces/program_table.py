"""Contents and trace of `proving.chips.program_table`."""

from __future__ import annotations

import numpy as np

from proving.machine.program import ProgramRows
from proving.traces.columns import Column, Matrix, padded_height


def preprocessed(rows: ProgramRows) -> Matrix:
    """Every instruction; the first one again in the rows that pad.

    Raises
    ------
    ValueError
        If there is no instruction.
    """
    if not len(rows):
        raise ValueError("a program without instructions cannot be proved")
    matrix = rows.matrix
    padding = padded_height(len(rows)) - len(rows)
    return np.concatenate([matrix, np.repeat(matrix[:, :1], padding, axis=1)], axis=1)


def trace(row_counts: Column) -> Matrix:
    """How often each row was executed; shape (1, padded rows)."""
    matrix = np.zeros((1, padded_height(len(row_counts))), np.uint32)
    matrix[0, : len(row_counts)] = row_counts
    return matrix
