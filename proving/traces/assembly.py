"""From a run to the traces of all chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from proving.air.check import Table
from proving.chips.image_table import IMAGE_END_WORD
from proving.chips.registry import CHIP_BY_NAME, CHIPS
from proving.machine import records as field
from proving.machine.execution import Execution
from proving.machine.instructions import Chip, Opcode
from proving.machine.layout import WORD_BYTES
from proving.machine.program import Program, ProgramRows
from proving.traces import (
    add_sub,
    bitwise,
    branch,
    byte_access,
    commit,
    divide,
    halt,
    image_table,
    jump,
    keccak,
    less_than,
    memory_boundary,
    mulmod,
    multiply,
    program_table,
    register_boundary,
    secp256k1,
    shift,
    word_access,
)
from proving.traces.columns import Matrix
from proving.traces.instructions import InstructionRows
from proving.traces.tables import LOOKUP_TABLES, table_traces

WORD_OPCODES: Final = (Opcode.LW, Opcode.SW)

_INSTRUCTION_TRACES: Final[Mapping[Chip, Callable[[Matrix, InstructionRows], Matrix]]] = {
    Chip.ADD_SUB: add_sub.trace,
    Chip.BITWISE: bitwise.trace,
    Chip.LESS_THAN: less_than.trace,
    Chip.SHIFT: shift.trace,
    Chip.BRANCH: branch.trace,
    Chip.JUMP: jump.trace,
    Chip.MULTIPLY: multiply.trace,
    Chip.DIVIDE: divide.trace,
}
"""All instructions' but those of loads and stores, which two chips share."""

_ECALL_TRACES: Final[Mapping[str, tuple[Chip, Callable[[Matrix], Matrix]]]] = {
    "halt": (Chip.HALT, halt.trace),
    "commit": (Chip.COMMIT, commit.trace),
    "keccak": (Chip.KECCAK, keccak.trace),
    "keccak_round": (Chip.KECCAK, keccak.rounds_trace),
    "mulmod": (Chip.MULMOD, mulmod.trace),
    "secp256k1": (Chip.SECP256K1, secp256k1.trace),
}


def parameters(program: Program) -> dict[str, int]:
    """Numbers of the program that the verifying key binds."""
    return {IMAGE_END_WORD: program.image_end_word}


def preprocessed(program: Program) -> dict[str, Matrix]:
    """Columns that the verifying key fixes, by chip, in the order of the registry.

    Raises
    ------
    ValueError
        If the program has no instruction, or an image whose addresses do not ascend.
    """
    matrices = {
        **{table.chip.name: table.preprocessed() for table in LOOKUP_TABLES.values()},
        "register_boundary": register_boundary.preprocessed(),
        "program_table": program_table.preprocessed(program.rows),
        "image_table": image_table.preprocessed(program.image),
    }
    return {chip.name: matrices[chip.name] for chip in CHIPS if chip.is_table}


def assemble(execution: Execution) -> dict[str, Matrix]:
    """Traces of the chips that the run used, and of all tables, in the order of the registry."""
    program = execution.program
    records = execution.records
    instructions_of = _InstructionLookup(program.rows)
    traces: dict[str, Matrix] = {}

    # INSTRUCTIONS
    for chip, trace in _INSTRUCTION_TRACES.items():
        if len(records[chip]):
            traces[chip.value] = trace(records[chip], instructions_of(records[chip]))
    accesses = records[Chip.LOAD_STORE]
    instructions = instructions_of(accesses)
    is_word = np.isin(instructions.number, WORD_OPCODES)
    for name, selected, trace in (
        ("word_access", is_word, word_access.trace),
        ("byte_access", ~is_word, byte_access.trace),
    ):
        if selected.any():
            traces[name] = trace(accesses[selected], instructions_of(accesses[selected]))

    # ECALLS
    for name, (chip, trace_calls) in _ECALL_TRACES.items():
        if len(records[chip]):
            traces[name] = trace_calls(records[chip])

    # TABLES
    traces["program_table"] = program_table.trace(execution.row_counts)
    traces["image_table"] = image_table.trace(execution.image_final)
    traces["register_boundary"] = register_boundary.trace(execution.registers_final)
    if len(execution.touched_memory):
        touched = execution.touched_memory
        traces["memory_boundary"] = memory_boundary.trace(touched, program.image_end_word)
    looking_up = [Table(CHIP_BY_NAME[name].air, matrix) for name, matrix in traces.items()]
    traces |= table_traces(table for table in looking_up if not table.air.preprocessed_width)
    return {chip.name: traces[chip.name] for chip in CHIPS if chip.name in traces}


class _InstructionLookup:
    """Finds the program's rows of records by their pc."""

    def __init__(self, rows: ProgramRows) -> None:
        self._rows = rows
        self._first = rows.pc[0]
        words = (rows.pc - self._first) // np.uint32(WORD_BYTES)
        self._row_of_word = np.zeros(int(words[-1]) + 1, np.int32)
        self._row_of_word[words] = np.arange(len(rows), dtype=np.int32)

    def __call__(self, records: Matrix) -> InstructionRows:
        words = (records[:, field.PC] - self._first) // np.uint32(WORD_BYTES)
        rows = self._row_of_word[words]
        return InstructionRows(
            opcode=self._rows.opcode[rows],
            rd=self._rows.rd[rows],
            rs1=self._rows.rs1[rows],
            rs2=self._rows.rs2[rows],
            immediate_low=self._rows.immediate_low[rows],
            immediate_high=self._rows.immediate_high[rows],
            writes_rd=self._rows.writes_rd[rows],
        )
