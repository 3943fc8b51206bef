"""What a run leaves behind for the prover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.machine.instructions import Chip
from proving.machine.program import Program

Words = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Execution:
    """A run that ended with HALT(0). All arrays are uint32; see `proving.machine.records`.

    Attributes
    ----------
    records
        Each chip's records, shape (rows, fields); chips without rows have an array of 0 rows.
    row_counts
        How often each row of the program table was executed, shape (program rows,).
    touched_memory
        Words of RAM and input outside the image that were accessed, ascending by address:
        shape (words, TOUCHED_FIELD_COUNT).
    image_final
        Final value and timestamp of every word of the image, in the image's order; timestamp 0
        where it was never accessed. Shape (image words, FINAL_FIELD_COUNT).
    registers_final
        The same for x0 to x31: shape (32, FINAL_FIELD_COUNT).
    public_values
        What the guest committed, by index.
    """

    program: Program
    cycles: int
    records: Mapping[Chip, Words]
    row_counts: Words
    touched_memory: Words
    image_final: Words
    registers_final: Words
    public_values: tuple[int, ...]
