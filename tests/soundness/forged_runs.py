"""Runs in which one thing is false, and all that follows from it is recomputed honestly.

The same small program every time, so that all share the key and most of the traces.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from proving.chips.add_sub import ADD_SUB
from proving.chips.branch import BRANCH
from proving.chips.less_than import LESS_THAN
from proving.field.koalabear import P
from proving.machine import records
from proving.machine.elf import load_elf
from proving.machine.execution import Execution
from proving.machine.executor import execute
from proving.machine.instructions import Chip
from proving.machine.program import Program
from proving.traces.columns import Matrix
from tests.integration.proving.whole_machine import (
    row_at,
    with_fields,
    with_register_at_the_end,
    without_record,
)
from tests.soundness.forged_run import CODE, FRESH, PROGRAM, RAM, Forge, ForgedRun, honest
from tests.support.chip_attacks import starts_of
from tests.support.riscv_assembler import Assembler

T2, A0, A1, T4, T5, T6 = 7, 10, 11, 29, 30, 31
EBREAK = 0x00100073


def forged_runs() -> list[ForgedRun]:
    """All of them; the first is the true one, which has no reason against it."""
    run = honest()
    return [ForgedRun("the true run", run), *_values(run), *_order(run), *_cells(run), *_panics()]


def _at(run: Execution, label: str, chip: Chip) -> int:
    return row_at(run, chip, CODE.address_of(label))


def _loading(run: Execution, label: str, register: int, fields: dict[int, int]) -> Execution:
    """A load that finds another word, and leaves it in the word and in the register."""
    row = _at(run, label, Chip.LOAD_STORE)
    value = fields[records.RD_VALUE]
    words = dict.fromkeys((records.MEMORY_PREVIOUS_VALUE, records.MEMORY_VALUE), value)
    changed = with_fields(run, Chip.LOAD_STORE, row, words | fields)
    return with_register_at_the_end(changed, register, value)


def _with_touched(run: Execution, byte_address: int, fields: dict[int, int]) -> Execution:
    touched = run.touched_memory.copy()
    (row,) = np.flatnonzero(touched[:, records.TOUCHED_WORD_ADDRESS] == byte_address // 4)
    for index, value in fields.items():
        touched[row, index] = value
    return replace(run, touched_memory=touched)


# VALUES


def _values(run: Execution) -> list[ForgedRun]:
    sum_row = _at(run, "sum", Chip.ADD_SUB)

    def result_of_sum(low: int, high: int) -> Forge:
        def forge(traces: dict[str, Matrix]) -> None:
            start = starts_of(ADD_SUB)["result"]
            traces["add_sub"][start : start + 2, sum_row] = low, high

        return forge

    claimed = with_fields(run, Chip.COMMIT, 0, {records.argument_value(1): 1})
    first_store = run.records[Chip.LOAD_STORE][_at(run, "first store", Chip.LOAD_STORE)]
    stale = _loading(
        run,
        "load",
        T6,
        {
            records.RD_VALUE: 5,
            records.MEMORY_PREVIOUS_TIMESTAMP: int(first_store[records.TIMESTAMP]) + 2,
        },
    )
    wrong = _with_touched(
        _loading(run, "load", T6, {records.RD_VALUE: 7}), RAM, {records.TOUCHED_FINAL_VALUE: 7}
    )
    initial = _with_touched(
        _loading(run, "load of nothing", T5, {records.RD_VALUE: 7}),
        FRESH,
        {records.TOUCHED_INITIAL_VALUE: 7, records.TOUCHED_FINAL_VALUE: 7},
    )
    return [
        ForgedRun("a wrong sum", with_register_at_the_end(run, T4, 9), forge=result_of_sum(9, 0)),
        ForgedRun(
            "a wrong carry", with_register_at_the_end(run, T4, 0x10008), forge=result_of_sum(8, 1)
        ),
        _five_is_less_than_three(run),
        ForgedRun("a wrong memory value", wrong),
        ForgedRun("a stale read", _with_touched(stale, RAM, {records.TOUCHED_FINAL_VALUE: 5})),
        ForgedRun("RAM that is not zero at first", initial),
        ForgedRun("another public value", run, public_values=(1,)),
        ForgedRun("a public value that no register had", claimed, public_values=(1,)),
        ForgedRun("no public value", run, public_values=()),
        ForgedRun("a second public value", run, public_values=(0, 0)),
        ForgedRun("another entry", run, program=replace(PROGRAM, entry_pc=PROGRAM.entry_pc + 4)),
    ]


def _five_is_less_than_three(run: Execution) -> ForgedRun:
    """The comparison's result is turned around, and published."""

    def forge(traces: dict[str, Matrix]) -> None:
        traces["less_than"][starts_of(LESS_THAN)["result"], 0] = 1

    copied = with_fields(
        run, Chip.ADD_SUB, _at(run, "publish", Chip.ADD_SUB), {records.RS1_VALUE: 1}
    )
    published = with_fields(copied, Chip.COMMIT, 0, {records.argument_value(1): 1})
    ends = with_register_at_the_end(with_register_at_the_end(published, T2, 1), A1, 1)
    return ForgedRun("five is less than three", ends, public_values=(1,), forge=forge)


# ORDER


def _order(run: Execution) -> list[ForgedRun]:
    def counted(label: str, change: int) -> Execution:
        counts = run.row_counts.copy().astype(np.int64)
        counts[PROGRAM.rows.pc == CODE.address_of(label)] += change
        return replace(run, row_counts=counts.astype(run.row_counts.dtype))

    row = _at(run, "x0", Chip.ADD_SUB)
    skipped = without_record(counted("x0", -1), Chip.ADD_SUB, row)
    sums = run.records[Chip.ADD_SUB]
    twice = replace(
        counted("x0", 1),
        records={**run.records, Chip.ADD_SUB: np.insert(sums, row, sums[row], axis=0)},
    )
    endless = without_record(counted("last", -1), Chip.HALT, 0)
    load = _at(run, "load of nothing", Chip.LOAD_STORE)
    now = int(run.records[Chip.LOAD_STORE][load, records.TIMESTAMP])
    later = with_fields(run, Chip.LOAD_STORE, load, {records.TIMESTAMP: now + 4})
    elsewhere = with_fields(
        run, Chip.ADD_SUB, row, {records.PC: CODE.address_of("after the branch")}
    )
    return [
        ForgedRun("a skipped instruction", skipped),
        ForgedRun("an instruction executed twice", twice),
        ForgedRun("a run without its end", endless),
        ForgedRun("a timestamp of the prover's choice", later),
        ForgedRun("another program counter", elsewhere),
    ]


# CELLS


def _cells(run: Execution) -> list[ForgedRun]:
    add, branch = starts_of(ADD_SUB), starts_of(BRANCH)
    square = _at(run, "square", Chip.ADD_SUB)

    def wrapped_range(traces: dict[str, Matrix]) -> None:
        result = traces["add_sub"][add["result"] : add["result"] + 2, square]
        result[0] += 1 << 16
        traces["add_sub"][add["result"] + 1, square] = P - 1

    def other_way(traces: dict[str, Matrix]) -> None:
        traces["branch"][branch["holds"], 0] = 1

    def no_flag(traces: dict[str, Matrix]) -> None:
        traces["add_sub"][add["is_add"], square] = 0

    def two_flags(traces: dict[str, Matrix]) -> None:
        traces["add_sub"][add["is_sub"], square] = 1

    def no_write(traces: dict[str, Matrix]) -> None:
        traces["add_sub"][add["writes_rd"], square] = 0

    def one_operand_of_two(traces: dict[str, Matrix]) -> None:
        traces["add_sub"][add["right"], square] = 4

    def shared_access(traces: dict[str, Matrix]) -> None:
        for name in ("previous_timestamp", "difference"):
            before = traces["add_sub"][add[f"left_{name}"], square]
            traces["add_sub"][add[f"right_{name}"], square] = before

    def counted(table: str, row: int, change: int) -> Forge:
        def forge(traces: dict[str, Matrix]) -> None:
            count = int(traces[table][0, row])
            traces[table][0, row] = (count + change) % P

        return forge

    return [
        ForgedRun("a wrapped range", run, forge_tables=wrapped_range),
        ForgedRun("a branch that goes the other way", run, forge=other_way),
        ForgedRun("a real row without a flag", run, forge=no_flag),
        ForgedRun("two flags in a row", run, forge_tables=two_flags),
        ForgedRun("a write switched off", run, forge=no_write),
        ForgedRun("two reads of a register that differ", run, forge=one_operand_of_two),
        ForgedRun("two reads of a register that share an access", run, forge_tables=shared_access),
        ForgedRun("a lookup counted twice", run, forge_tables=counted("range_table", 1 << 16, 1)),
        ForgedRun("a lookup not counted", run, forge_tables=counted("range_table", 1 << 16, -1)),
        ForgedRun("a count that wraps", run, forge_tables=counted("byte_table", 3, P // 2)),
        ForgedRun(
            "an instruction counted that was not run",
            run,
            forge_tables=counted("program_table", 3, 1),
        ),
    ]


# PANICS


def _panics() -> list[ForgedRun]:
    """Guests that commit and then fail, claimed to have ended well."""
    succeeding, failing, broken = (_ending_with(*end) for end in ((0, True), (3, True), (0, False)))
    run = execute(succeeding, b"")
    (last,) = np.flatnonzero(run.program.rows.pc == succeeding.rows.pc[-1])
    exit_code = {records.RS2_VALUE: 3, records.RD_VALUE: 3}
    row = row_at(run, Chip.ADD_SUB, int(succeeding.rows.pc[-3]))
    failed = with_fields(replace(run, program=failing), Chip.ADD_SUB, row, exit_code)
    admitted = with_fields(failed, Chip.HALT, 0, {records.argument_value(0): 3})
    aborted = replace(run, program=broken, row_counts=np.delete(run.row_counts, last))
    return [
        ForgedRun("a panic that the exit code hides", failed, public_values=(7,)),
        ForgedRun(
            "a panic with its exit code",
            with_register_at_the_end(admitted, A0, 3),
            public_values=(7,),
        ),
        ForgedRun("a panic on an illegal instruction", aborted, public_values=(7,)),
    ]


def _ending_with(exit_code: int, halts: bool) -> Program:
    code = Assembler()
    code.li("t0", 7)
    code.commit(0, "t0")
    code.li("a0", exit_code)
    code.li("a7", 0)
    if halts:
        code.ecall()
    else:
        code.word(EBREAK)
    return load_elf(code.elf())
