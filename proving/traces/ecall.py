"""Columns of the frame that all ecall chips share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import RS1_OFFSET
from proving.traces.columns import Matrix, access


def call_trace(records: Matrix, arguments: Sequence[str]) -> dict[str, Matrix]:
    """Columns of `proving.chips.ecall.call_columns`."""
    timestamp = records[:, field.TIMESTAMP]
    is_always = np.ones(len(records), np.bool_)
    columns = {
        "is_real": np.ones(len(records), np.uint32),
        "pc": records[:, field.PC],
        "timestamp": timestamp,
        **access(
            "number",
            records[:, field.ECALL_NUMBER_VALUE],
            records[:, field.ECALL_NUMBER_PREVIOUS_TIMESTAMP],
            timestamp + RS1_OFFSET,
            is_always,
        ),
    }
    for position, argument in enumerate(arguments):
        columns |= access(
            argument,
            records[:, field.argument_value(position)],
            records[:, field.argument_previous_timestamp(position)],
            timestamp + RS1_OFFSET,
            is_always,
        )
    return columns


def words_trace(name: str, records: Matrix, span: field.WordSpan, offset: int) -> dict[str, Matrix]:
    """Columns of `proving.chips.ecall.memory_operand_columns`."""
    previous = records[:, span.previous_timestamps]
    now = records[:, field.TIMESTAMP, np.newaxis] + np.uint32(offset)
    return {
        name: word_limbs(records[:, span.previous_values]),
        f"{name}_previous_timestamp": previous.T,
        f"{name}_difference": ((now - previous - np.uint32(1)) & np.uint32(0xFFFF)).T,
    }


def word_limbs(words: Matrix) -> Matrix:
    """Split words (rows, count) into limbs (2 * count, rows), each word's low limb first."""
    halves = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(LIMB_BITS)], axis=2)
    return halves.reshape(len(words), -1).T
