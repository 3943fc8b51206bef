"""Runs a program on an input: with records for the prover, or only to count its cycles."""

from __future__ import annotations

from collections.abc import Mapping
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
from proving.machine.instructions import INSTRUCTION_CHIPS
from proving.machine.layout import MAXIMUM_CYCLES, Ecall
from proving.machine.program import Program, Words
from proving.machine.state import (
    MAXIMUM_COUNTED_CYCLES,
    MEMORY_FAULTS,
    Limits,
    MachineState,
)

DEFAULT_LIMITS = Limits()
COUNTING_LIMITS = Limits(cycles=MAXIMUM_COUNTED_CYCLES)


@dataclass(frozen=True, slots=True)
class CycleCount:
    """A run without records.

    Attributes
    ----------
    cycles_by_row
        Cycles spent at each row of the program table, int64, shape (program rows,).
    ecall_counts
        How often each ecall was made.
    """

    cycles: int
    public_values: tuple[int, ...]
    cycles_by_row: npt.NDArray[np.int64]
    ecall_counts: Mapping[Ecall, int]


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
    # Pages that no record reaches are never mapped.
    rows = np.empty((len(INSTRUCTION_CHIPS), limits.cycles, records.FIELD_COUNT), np.uint32)
    filled = _run(machine, ecalls, rows, is_recording=True)
    return Execution(
        program=program,
        cycles=machine.cycle,
        records={
            **{
                chip: chip_rows[:count]
                for chip, chip_rows, count in zip(INSTRUCTION_CHIPS, rows, filled, strict=True)
            },
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
    no_rows = np.empty((len(INSTRUCTION_CHIPS), 0, records.FIELD_COUNT), np.uint32)
    _run(machine, ecalls, no_rows, is_recording=False)
    return CycleCount(machine.cycle, ecalls.public_values, machine.row_counts, ecalls.counts)


def _run(
    machine: MachineState, ecalls: EcallUnit, rows: Words, *, is_recording: bool
) -> npt.NDArray[np.int64]:
    """Run until HALT(0); any other end is a fault. Returns how many records each chip has."""
    filled = np.zeros(len(INSTRUCTION_CHIPS), np.int64)
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
            rows,
            filled,
            is_recording,
        )
        if status != kernel.Status.ECALL:
            raise _fault(kernel.Status(status), machine)
        has_halted = ecalls.perform()
    return filled


def _fault(status: kernel.Status, machine: MachineState) -> Fault:
    pc, cycle, address = machine.pc, machine.cycle, int(machine.state[kernel.ADDRESS])
    if status in MEMORY_FAULTS:
        return MEMORY_FAULTS[status](pc, cycle, address)
    if status is kernel.Status.MISALIGNED_JUMP:
        return MisalignedJumpFault(pc, cycle, address)
    if status is kernel.Status.CYCLE_LIMIT:
        return CycleLimitFault(pc, cycle)
    return IllegalInstructionFault(pc, cycle)
