"""Runs a program on an input: with records for the prover, or only to count its cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.machine import kernel, records
from proving.machine.ecalls import FIELD_COUNTS, EcallUnit
from proving.machine.errors import (
    CycleLimitFault,
    Fault,
    IllegalInstructionFault,
    InvalidLimitsError,
    MisalignedJumpFault,
)
from proving.machine.execution import Execution
from proving.machine.instructions import (
    CHIP_OF_OPCODE,
    IMMEDIATE_FLAG,
    INSTRUCTION_CHIPS,
    Chip,
    Opcode,
)
from proving.machine.layout import MAXIMUM_CYCLES
from proving.machine.program import Program, Words
from proving.machine.state import (
    MAXIMUM_COUNTED_CYCLES,
    MEMORY_FAULTS,
    Limits,
    MachineState,
)

CHUNK_RECORDS = 1 << 16
"""Records that the kernel writes before they are handed to the chips: they stay in the cache."""

DEFAULT_LIMITS = Limits()
COUNTING_LIMITS = Limits(cycles=MAXIMUM_COUNTED_CYCLES)


@dataclass(frozen=True, slots=True)
class CycleCount:
    """A run without records.

    Attributes
    ----------
    cycles_by_row
        Cycles spent at each row of the program table, int64, shape (program rows,).
    """

    cycles: int
    public_values: tuple[int, ...]
    cycles_by_row: npt.NDArray[np.int64]


def execute(program: Program, input_bytes: bytes, limits: Limits = DEFAULT_LIMITS) -> Execution:
    """Run a program and record what the chips prove.

    Raises
    ------
    Fault
        The run did not end with HALT(0).
    InputTooLongError
        The input does not fit.
    InvalidLimitsError
        More cycles than one proof covers.
    """
    if limits.cycles > MAXIMUM_CYCLES:
        raise InvalidLimitsError(f"{limits.cycles} cycles, one proof covers {MAXIMUM_CYCLES}")
    machine = MachineState.at_start(program, input_bytes, limits)
    ecalls = EcallUnit(machine, is_recording=True)
    sorter = _RecordSorter(program)
    _run(machine, ecalls, sorter)
    return Execution(
        program=program,
        cycles=machine.cycle,
        records={
            **{chip: sorter.records(chip) for chip in INSTRUCTION_CHIPS},
            **{chip: ecalls.records(chip) for chip in FIELD_COUNTS},
        },
        row_counts=machine.row_counts.astype(np.uint32),
        touched_memory=machine.touched_words(),
        image_final=machine.memory[program.image.word_addresses],
        registers_final=machine.registers.copy(),
        public_values=ecalls.public_values,
    )


def run_only(program: Program, input_bytes: bytes, limits: Limits = COUNTING_LIMITS) -> CycleCount:
    """Run a program without records, to count its cycles; raises as :func:`execute` does."""
    machine = MachineState.at_start(program, input_bytes, limits)
    ecalls = EcallUnit(machine, is_recording=False)
    _run(machine, ecalls, None)
    return CycleCount(machine.cycle, ecalls.public_values, machine.row_counts)


class _RecordSorter:
    """Takes chunks of records in the order of execution; gives each chip its own."""

    def __init__(self, program: Program) -> None:
        numbers = program.rows.opcode % IMMEDIATE_FLAG
        chip_of_number = np.full(Opcode.ECALL + 1, len(INSTRUCTION_CHIPS), np.uint8)
        for opcode, chip in CHIP_OF_OPCODE.items():
            chip_of_number[opcode] = INSTRUCTION_CHIPS.index(chip)
        self._chip_of_row = chip_of_number[numbers]
        self._pieces: dict[Chip, list[Words]] = {chip: [] for chip in INSTRUCTION_CHIPS}
        self.chunk = np.empty((CHUNK_RECORDS, records.FIELD_COUNT), np.uint32)
        self.chunk_rows = np.empty(CHUNK_RECORDS, np.int32)

    def take(self, count: int) -> None:
        """Sort the first `count` records of the chunk, which is free afterwards."""
        chips = self._chip_of_row[self.chunk_rows[:count]]
        for position, chip in enumerate(INSTRUCTION_CHIPS):
            selected = np.flatnonzero(chips == position)
            if len(selected):
                self._pieces[chip].append(self.chunk[selected])

    def records(self, chip: Chip) -> Words:
        """All records of a chip, shape (rows, FIELD_COUNT); its pieces are released."""
        pieces = self._pieces.pop(chip)
        return np.concatenate(pieces) if pieces else np.zeros((0, records.FIELD_COUNT), np.uint32)


def _run(machine: MachineState, ecalls: EcallUnit, sorter: _RecordSorter | None) -> None:
    """Run until HALT(0); any other end is a fault."""
    is_recording = sorter is not None
    chunk, chunk_rows = (
        (sorter.chunk, sorter.chunk_rows)
        if sorter is not None
        else (np.empty((1, records.FIELD_COUNT), np.uint32), np.empty(1, np.int32))
    )
    has_halted = False
    while not has_halted:
        status = kernel.run(
            machine.state,
            machine.bounds,
            machine.registers,
            machine.memory,
            machine.is_image,
            machine.is_page_touched,
            machine.row_of_word,
            machine.decoded,
            machine.row_counts,
            chunk,
            chunk_rows,
            is_recording,
        )
        if status == kernel.Status.ECALL:
            has_halted = ecalls.perform()
        elif status != kernel.Status.CHUNK_FULL:
            raise _fault(kernel.Status(status), machine)
        if sorter is not None and (has_halted or status == kernel.Status.CHUNK_FULL):
            sorter.take(int(machine.state[kernel.FILL]))
            machine.state[kernel.FILL] = 0


def _fault(status: kernel.Status, machine: MachineState) -> Fault:
    pc, cycle, address = machine.pc, machine.cycle, int(machine.state[kernel.ADDRESS])
    if status in MEMORY_FAULTS:
        return MEMORY_FAULTS[status](pc, cycle, address)
    if status is kernel.Status.MISALIGNED_JUMP:
        return MisalignedJumpFault(pc, cycle, address)
    if status is kernel.Status.CYCLE_LIMIT:
        return CycleLimitFault(pc, cycle)
    return IllegalInstructionFault(pc, cycle)
