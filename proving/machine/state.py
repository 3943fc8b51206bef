"""The machine's state during a run, in the arrays that the kernel works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.machine import kernel
from proving.machine.errors import (
    AddressFault,
    InputTooLongError,
    InvalidLimitsError,
    MisalignedAccessFault,
    OutOfMemoryFault,
    UnmappedAddressFault,
)
from proving.machine.instructions import (
    CHIP_OF_OPCODE,
    IMMEDIATE_FLAG,
    INSTRUCTION_CHIPS,
    LIMB_BITS,
    OPCODES_OF_CHIP,
    Chip,
    Opcode,
)
from proving.machine.layout import (
    DEFAULT_INPUT_BYTES,
    DEFAULT_RAM_BYTES,
    INPUT_END,
    INPUT_START,
    INPUT_START_WORD,
    MAXIMUM_CYCLES,
    RAM_END,
    REGISTER_COUNT,
    WORD_BYTES,
)
from proving.machine.program import Program, Words

MAXIMUM_COUNTED_CYCLES = 1 << 40
"""Of a run that is not recorded."""

MEMORY_FAULTS: dict[int, type[AddressFault]] = {
    kernel.Status.MISALIGNED_ACCESS: MisalignedAccessFault,
    kernel.Status.UNMAPPED: UnmappedAddressFault,
    kernel.Status.OUT_OF_MEMORY: OutOfMemoryFault,
}

_CHIP_OF_NUMBER = np.zeros(Opcode.ECALL + 1, np.uint32)
"""Position in INSTRUCTION_CHIPS by opcode; the kernel records no ecalls."""
for _opcode, _chip in CHIP_OF_OPCODE.items():
    _CHIP_OF_NUMBER[_opcode] = INSTRUCTION_CHIPS.index(_chip)

_READS_RS2 = (*OPCODES_OF_CHIP[Chip.BRANCH], Opcode.SB, Opcode.SH, Opcode.SW)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run is given.

    Attributes
    ----------
    cycles
        Most instructions, HALT included.
    ram_bytes
        RAM is [0, ram_bytes).
    input_bytes
        Size of the input region, its length word included.
    """

    cycles: int = MAXIMUM_CYCLES
    ram_bytes: int = DEFAULT_RAM_BYTES
    input_bytes: int = DEFAULT_INPUT_BYTES

    def __post_init__(self) -> None:
        bounds = {
            "cycles": (self.cycles, MAXIMUM_COUNTED_CYCLES),
            "ram_bytes": (self.ram_bytes, RAM_END),
            "input_bytes": (self.input_bytes, INPUT_END - INPUT_START),
        }
        for name, (got, maximum) in bounds.items():
            if not 0 < got <= maximum:
                raise InvalidLimitsError(f"{name}: {got} is not in 1 to {maximum}")
        for name in ("ram_bytes", "input_bytes"):
            if getattr(self, name) % WORD_BYTES:
                raise InvalidLimitsError(f"{name} is no multiple of {WORD_BYTES}")


@dataclass(frozen=True, slots=True)
class MachineState:
    """Arrays of a run; `proving.machine.kernel.run` describes each."""

    state: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    registers: Words
    memory: Words
    is_image: npt.NDArray[np.uint8]
    is_page_touched: npt.NDArray[np.uint8]
    row_of_word: npt.NDArray[np.int32]
    decoded: Words
    row_counts: npt.NDArray[np.int64]
    input_words: Words

    @classmethod
    def at_start(cls, program: Program, input_bytes: bytes, limits: Limits) -> MachineState:
        """State before the first instruction. Memory that nothing touches costs nothing."""
        input_words = words_of_input(input_bytes, limits)
        ram_words = limits.ram_bytes // WORD_BYTES
        if program.image_end_word > ram_words:
            raise OutOfMemoryFault(program.entry_pc, 0, program.image_end_word * WORD_BYTES - 1)
        word_count = ram_words + limits.input_bytes // WORD_BYTES

        # MEMORY
        memory = np.zeros((word_count, 2), np.uint32)
        memory[program.image.word_addresses, kernel.VALUE] = program.image.values
        memory[ram_words : ram_words + len(input_words), kernel.VALUE] = input_words
        is_image = np.zeros(program.image_end_word, np.uint8)
        is_image[program.image.word_addresses] = 1

        # CODE
        code_words = program.rows.pc // WORD_BYTES
        first_code_word = int(code_words[0]) if len(code_words) else 0
        code_length = int(code_words[-1]) + 1 - first_code_word if len(code_words) else 0
        row_of_word = np.zeros(code_length, np.int32)
        row_of_word[code_words - first_code_word] = np.arange(1, len(code_words) + 1)

        state = np.zeros(kernel.STATE_COUNT, np.int64)
        state[kernel.PC] = program.entry_pc
        bounds = np.zeros(kernel.BOUND_COUNT, np.int64)
        bounds[kernel.RAM_WORDS] = ram_words
        bounds[kernel.INPUT_WORDS] = limits.input_bytes // WORD_BYTES
        bounds[kernel.IMAGE_END_WORD] = program.image_end_word
        bounds[kernel.FIRST_CODE_WORD] = first_code_word
        bounds[kernel.CYCLE_LIMIT] = limits.cycles
        return cls(
            state=state,
            bounds=bounds,
            registers=np.zeros((REGISTER_COUNT, 2), np.uint32),
            memory=memory,
            is_image=is_image,
            is_page_touched=np.zeros((word_count >> kernel.PAGE_WORD_BITS) + 1, np.uint8),
            row_of_word=row_of_word,
            decoded=_decoded(program),
            row_counts=np.zeros(len(program.rows), np.int64),
            input_words=input_words,
        )

    @property
    def pc(self) -> int:
        """Byte address of the next instruction."""
        return int(self.state[kernel.PC])

    @property
    def cycle(self) -> int:
        """Instructions executed so far."""
        return int(self.state[kernel.CYCLE])

    def touched_words(self) -> Words:
        """Accessed words outside the image: address, initial and final value, timestamp."""
        page_words = 1 << kernel.PAGE_WORD_BITS
        pages = np.flatnonzero(self.is_page_touched)
        indices = (pages[:, None] * page_words + np.arange(page_words)).ravel()
        indices = indices[indices < len(self.memory)]
        indices = indices[self.memory[indices, kernel.TIMESTAMP] != 0]
        in_image = np.zeros(len(indices), np.bool_)
        below = indices < len(self.is_image)
        in_image[below] = self.is_image[indices[below]] != 0
        indices = indices[~in_image]

        ram_words = int(self.bounds[kernel.RAM_WORDS])
        position = indices - ram_words
        is_input = position >= 0
        has_input = is_input & (position < len(self.input_words))
        initial = np.zeros(len(indices), np.uint32)
        initial[has_input] = self.input_words[position[has_input]]
        address = np.where(is_input, position + INPUT_START_WORD, indices).astype(np.uint32)
        final = self.memory[indices]
        return np.column_stack(
            [address, initial, final[:, kernel.VALUE], final[:, kernel.TIMESTAMP]]
        )


def words_of_input(input_bytes: bytes, limits: Limits) -> Words:
    """The input region's words as the run finds them: the length, then the bytes, zero-padded."""
    room = limits.input_bytes - WORD_BYTES
    if len(input_bytes) > room:
        raise InputTooLongError(len(input_bytes), room)
    padding = bytes(-len(input_bytes) % WORD_BYTES)
    region = len(input_bytes).to_bytes(WORD_BYTES, "little") + input_bytes + padding
    return np.frombuffer(region, "<u4").astype(np.uint32)


def _decoded(program: Program) -> Words:
    """The program table as the kernel reads it."""
    rows = program.rows
    operation = rows.opcode % IMMEDIATE_FLAG
    uses_immediate = rows.opcode >= IMMEDIATE_FLAG
    is_computation = (operation < Opcode.BEQ) | (
        (operation >= Opcode.MUL) & (operation < Opcode.ECALL)
    )
    decoded = np.zeros((len(rows), kernel.DECODED_COUNT), np.uint32)
    decoded[:, kernel.OPERATION] = operation
    decoded[:, kernel.USES_IMMEDIATE] = uses_immediate
    decoded[:, kernel.READS_RS1] = ~np.isin(operation, [Opcode.JAL, Opcode.ECALL])
    decoded[:, kernel.READS_RS2] = (is_computation & ~uses_immediate) | np.isin(
        operation, _READS_RS2
    )
    decoded[:, kernel.RD] = rows.rd
    decoded[:, kernel.RS1] = rows.rs1
    decoded[:, kernel.RS2] = rows.rs2
    decoded[:, kernel.CHIP] = _CHIP_OF_NUMBER[operation]
    decoded[:, kernel.IMMEDIATE] = rows.immediate_low + (rows.immediate_high << LIMB_BITS)
    return decoded
