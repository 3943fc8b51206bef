"""Traces of `proving.chips.keccak` and, from the same records, of `keccak_round`."""

from __future__ import annotations

import numpy as np

from proving.chips.keccak import KECCAK
from proving.machine import records as field
from proving.machine.layout import KECCAK_STATE_OFFSET
from proving.traces import keccak_round
from proving.traces.columns import Matrix, matrix_of
from proving.traces.ecall import call_trace, word_limbs, words_trace


def trace(records: Matrix) -> Matrix:
    """Columns of the ecall's chip, padded."""
    return matrix_of(
        KECCAK,
        {
            **call_trace(records, ("pointer",)),
            **words_trace("before", records, field.KECCAK_STATE, KECCAK_STATE_OFFSET),
            "after": word_limbs(records[:, field.KECCAK_STATE.new_values]),
        },
    )


def rounds_trace(records: Matrix) -> Matrix:
    """Columns of the permutations themselves, padded."""
    words = np.ascontiguousarray(records[:, field.KECCAK_STATE.previous_values])
    return keccak_round.trace(records[:, field.TIMESTAMP], words.view("<u8").astype(np.uint64))
