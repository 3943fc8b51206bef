"""A program: the table of its decoded instructions and its initial memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from proving.machine.instructions import Instruction

Words = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ProgramRows:
    """Columns of the program table, ascending by pc; each of shape (rows,)."""

    pc: Words
    opcode: Words
    rd: Words
    rs1: Words
    rs2: Words
    immediate_low: Words
    immediate_high: Words
    writes_rd: Words

    @classmethod
    def of(cls, instructions: list[Instruction]) -> ProgramRows:
        """Lay out instructions, which ascend by pc."""
        rows = [
            (
                instruction.pc,
                instruction.opcode_number,
                instruction.rd,
                instruction.rs1,
                instruction.rs2,
                *instruction.immediate_limbs,
                instruction.writes_rd,
            )
            for instruction in instructions
        ]
        return cls(*np.array(rows, np.uint32).reshape(len(rows), 8).T.copy())

    def __len__(self) -> int:
        return len(self.pc)

    @property
    def matrix(self) -> Words:
        """All columns in order, shape (8, rows)."""
        return np.stack(
            [
                self.pc,
                self.opcode,
                self.rd,
                self.rs1,
                self.rs2,
                self.immediate_low,
                self.immediate_high,
                self.writes_rd,
            ]
        )


@dataclass(frozen=True, slots=True)
class Image:
    """Initial memory that the program brings along: word addresses, ascending, and values."""

    word_addresses: Words
    values: Words

    def __len__(self) -> int:
        return len(self.word_addresses)

    @property
    def end_word(self) -> int:
        """First word address after the image; from here on RAM starts as zero."""
        return int(self.word_addresses[-1]) + 1 if len(self) else 0


@dataclass(frozen=True, slots=True)
class Program:
    """A loaded program. The digest binds entry, instructions and image."""

    entry_pc: int
    rows: ProgramRows
    image: Image
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", self._digest())

    @property
    def image_end_word(self) -> int:
        """First word address after the image."""
        return self.image.end_word

    def _digest(self) -> bytes:
        state = hashlib.sha256(b"braid zkvm program")
        for number in (self.entry_pc, len(self.rows), len(self.image)):
            state.update(number.to_bytes(4, "big"))
        for column in (*self.rows.matrix, self.image.word_addresses, self.image.values):
            state.update(column.astype(">u4").tobytes())
        return state.digest()
