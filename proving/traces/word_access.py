"""Trace of `proving.chips.word_access`."""

from __future__ import annotations

from proving.chips.word_access import LOADS, STORES, WORD_ACCESS
from proving.machine import records as field
from proving.traces.columns import Matrix, matrix_of
from proving.traces.instructions import InstructionRows
from proving.traces.load_store import load_store_trace


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    loaded = records[:, field.MEMORY_VALUE]
    return matrix_of(WORD_ACCESS, load_store_trace(LOADS, STORES, records, instructions, loaded))
