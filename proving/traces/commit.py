"""Trace of `proving.chips.commit`."""

from __future__ import annotations

from proving.chips.commit import COMMIT
from proving.traces.columns import Matrix, matrix_of
from proving.traces.ecall import call_trace


def trace(records: Matrix) -> Matrix:
    """Columns of the chip, padded; the records have COMMIT_FIELD_COUNT fields."""
    return matrix_of(COMMIT, call_trace(records, ("index", "word")))
