"""Trace of `proving.chips.halt`."""

from __future__ import annotations

from proving.chips.halt import HALT
from proving.traces.columns import Matrix, matrix_of
from proving.traces.ecall import call_trace


def trace(records: Matrix) -> Matrix:
    """Columns of the chip, padded; the records have HALT_FIELD_COUNT fields."""
    return matrix_of(HALT, call_trace(records, ("exit_code",)))
