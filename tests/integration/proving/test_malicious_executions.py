"""A prover that runs a program otherwise than the machine does, and hides it as well as it can.

Each attack changes one thing in a run and recomputes everything else honestly, including what the
change affects. The named rule or bus is all that stands against it.
"""

from dataclasses import replace

import numpy as np
import pytest

from proving.chips.add_sub import ADD_SUB
from proving.chips.branch import BRANCH
from proving.chips.image_table import IMAGE_TABLE
from proving.chips.memory_boundary import MEMORY_BOUNDARY
from proving.field.koalabear import P
from proving.machine import records as field
from proving.machine.elf import load_elf
from proving.machine.execution import Execution
from proving.machine.executor import execute
from proving.machine.instructions import Chip
from proving.machine.program import Image, Program
from proving.traces.columns import Matrix
from tests.integration.proving.whole_machine import (
    Forge,
    rejections,
    row_at,
    with_fields,
    with_register_at_the_end,
    without_record,
)
from tests.support.chip_attacks import starts_of
from tests.support.riscv_assembler import Assembler

RAM, FRESH = 0x20000, 0x30000
INPUT = 0x40000000
CONSTANT = 0x89ABCDEF
LOADED, LOADED_NUMBER = "t6", 31
"""The register that nothing reads again: whatever it is loaded with stays without consequence."""


def program_under_attack() -> tuple[Assembler, Program]:
    code = Assembler()
    constant = code.place(CONSTANT.to_bytes(4, "little"))
    code.li("s0", RAM)
    code.li("s1", FRESH)
    code.li("s2", constant)
    code.li("s3", INPUT)
    code.li("t0", 1)
    code.label("first store")
    code.sw("t0", 0, "s0")
    code.li("t0", 2)
    code.label("second store")
    code.sw("t0", 0, "s0")
    code.label("load")
    code.lw(LOADED, 0, "s0")
    code.label("load of nothing")
    code.lw(LOADED, 0, "s1")
    code.label("load of the image")
    code.lw(LOADED, 0, "s2")
    code.label("load of the input")
    code.lw(LOADED, 4, "s3")
    code.label("one")
    code.addi("s4", "s4", 1)
    code.label("other")
    code.addi("s5", "s5", 2)
    code.label("twice the same")
    code.add("t1", "t0", "t0")
    code.label("less")
    code.sltu("t2", "t0", "t1")
    code.label("branch")
    code.beq("t0", "t1", 8)
    code.label("after the branch")
    code.xor("t3", "t0", "t1")
    code.commit(0, "t1")
    code.li("a0", 0)
    code.li("a7", 0)
    code.label("x0")
    code.addi("zero", "zero", 5)
    code.label("last")
    code.ecall()
    return code, load_elf(code.elf())


CODE, PROGRAM = program_under_attack()
HONEST = execute(PROGRAM, b"witness")
PREVIOUS_VALUE, PREVIOUS_TIMESTAMP = field.MEMORY_PREVIOUS_VALUE, field.MEMORY_PREVIOUS_TIMESTAMP


def at(label: str, chip: Chip) -> int:
    return row_at(HONEST, chip, CODE.address_of(label))


def loading(label: str, value: int, **fields: int) -> Execution:
    """The run in which a load finds another value, which it leaves in the word and in rd."""
    row = at(label, Chip.LOAD_STORE)
    numbers = {getattr(field, name): number for name, number in fields.items()}
    claimed = dict.fromkeys((field.RD_VALUE, PREVIOUS_VALUE, field.MEMORY_VALUE), value)
    execution = with_fields(HONEST, Chip.LOAD_STORE, row, claimed | numbers)

    # The next load into the register finds this value before it.
    records = execution.records[Chip.LOAD_STORE]
    if row + 1 < len(records):
        later = {field.RD_PREVIOUS_VALUE: value}
        return with_fields(execution, Chip.LOAD_STORE, row + 1, later)
    return with_register_at_the_end(execution, LOADED_NUMBER, value)


def record(label: str, chip: Chip) -> dict[str, int]:
    row = HONEST.records[chip][at(label, chip)]
    return {name: int(row[getattr(field, name)]) for name in ("TIMESTAMP", "PC")}


def touched_word(execution: Execution, byte_address: int) -> int:
    addresses = execution.touched_memory[:, field.TOUCHED_WORD_ADDRESS]
    return int(np.flatnonzero(addresses == byte_address // 4)[0])


def with_touched(execution: Execution, byte_address: int, fields: dict[int, int]) -> Execution:
    touched = execution.touched_memory.copy()
    row = touched_word(execution, byte_address)
    for index, value in fields.items():
        touched[row, index] = value
    return replace(execution, touched_memory=touched)


def test_the_honest_run_is_accepted() -> None:
    assert rejections(HONEST) == set()


# MEMORY


def test_a_stale_read_is_rejected() -> None:
    """The load takes what the first store left, once more."""
    stored = record("first store", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    stale = loading("load", 1, MEMORY_PREVIOUS_TIMESTAMP=stored)
    stale = with_touched(stale, RAM, {field.TOUCHED_FINAL_VALUE: 1})
    assert rejections(stale) == {"bus memory"}


def test_a_stale_read_that_reorders_the_accesses_is_rejected() -> None:
    """The load comes before the second store in the word's history: so it has to be earlier."""
    first = record("first store", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    second = record("second store", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    load = record("load", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    reordered = loading("load", 1, MEMORY_PREVIOUS_TIMESTAMP=first)
    reordered = with_fields(
        reordered, Chip.LOAD_STORE, at("second store", Chip.LOAD_STORE), {PREVIOUS_TIMESTAMP: load}
    )
    final = {field.TOUCHED_FINAL_VALUE: 2, field.TOUCHED_FINAL_TIMESTAMP: second}
    reordered = with_touched(reordered, RAM, final)
    assert rejections(reordered) == {"no entry in range"}


def test_a_wrong_memory_value_is_rejected() -> None:
    wrong = with_touched(loading("load", 7), RAM, {field.TOUCHED_FINAL_VALUE: 7})
    assert rejections(wrong) == {"bus memory"}


def test_ram_that_is_not_zero_at_first_is_rejected() -> None:
    forged = with_touched(
        loading("load of nothing", 7),
        FRESH,
        {field.TOUCHED_INITIAL_VALUE: 7, field.TOUCHED_FINAL_VALUE: 7},
    )
    assert rejections(forged) == {"memory_boundary: limb 0 of RAM is zero at first"}


def test_a_second_first_value_is_rejected() -> None:
    """The last load of a word takes a second first value, which the boundary would have."""
    stale = loading("load", 0, MEMORY_PREVIOUS_TIMESTAMP=0)
    load = record("load", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    second = record("second store", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    final = {field.TOUCHED_FINAL_VALUE: 2, field.TOUCHED_FINAL_TIMESTAMP: second}
    stale = with_touched(stale, RAM, final)
    row = touched_word(stale, RAM) + 1
    again = np.array([[RAM // 4 + 1, 0, 0, load]], np.uint32)
    stale = replace(stale, touched_memory=np.insert(stale.touched_memory, row, again, axis=0))
    assert rejections(stale) == {"bus memory"}
    assert rejections(stale, forge=one_word_below(row)) == {"memory_boundary: addresses ascend"}


def one_word_below(row: int) -> Forge:
    """A row of the boundary that follows the word before it, moved onto that word."""
    address = starts_of(MEMORY_BOUNDARY)["address_low"]

    def forge(traces: dict[str, Matrix]) -> None:
        traces["memory_boundary"][address, row] -= 1

    return forge


def with_image_value(value: int) -> Program:
    values = PROGRAM.image.values.copy()
    values[PROGRAM.image.values == CONSTANT] = value
    return Program(PROGRAM.entry_pc, PROGRAM.rows, Image(PROGRAM.image.word_addresses, values))


def test_a_run_on_another_image_is_rejected() -> None:
    other = execute(with_image_value(5), b"witness")
    assert rejections(other) == set()
    assert rejections(other, PROGRAM) == {"bus memory"}


def test_a_word_of_the_image_given_a_first_value_by_the_boundary_is_rejected() -> None:
    """A zero, as RAM has it; the word's true first value is taken by nobody but the table."""
    other = execute(with_image_value(0), b"witness")
    timestamp = int(other.image_final[0, field.FINAL_TIMESTAMP])
    after_the_image = np.array([[PROGRAM.image_end_word, 0, 0, timestamp]], np.uint32)
    forged = replace(
        other,
        image_final=np.array([[CONSTANT, 0]], np.uint32),
        touched_memory=np.insert(other.touched_memory, 0, after_the_image, axis=0),
    )

    def forge(traces: dict[str, Matrix]) -> None:
        starts = starts_of(MEMORY_BOUNDARY)
        traces["memory_boundary"][starts["address_low"], 0] -= 1
        traces["memory_boundary"][starts["gap"], 1] += 1

    assert rejections(forged, PROGRAM, forge=forge) == {
        "memory_boundary: the first address is after the image"
    }


def test_an_image_that_keeps_its_first_value_unused_does_not_free_the_word() -> None:
    """The final tuple is the prover's, but the image's first value has to be taken by someone."""

    def forge(traces: dict[str, Matrix]) -> None:
        starts = starts_of(IMAGE_TABLE)
        traces["image_table"][starts["final"], 0] ^= 1

    assert rejections(HONEST, forge=forge) == {"bus memory"}


def test_any_input_is_accepted_and_only_with_one_value_for_all_its_reads() -> None:
    assert rejections(execute(PROGRAM, b"another witness")) == set()
    assert rejections(loading("load of the input", 7)) == {"bus memory"}


# REGISTERS


def test_a_written_x0_is_rejected() -> None:
    """A machine that writes x0: its run balances but for the instruction that it claims."""
    rows = PROGRAM.rows
    writes_rd = rows.writes_rd.copy()
    writes_rd[rows.pc == CODE.address_of("x0")] = 1
    machine = Program(PROGRAM.entry_pc, replace(rows, writes_rd=writes_rd), PROGRAM.image)

    row = at("x0", Chip.ADD_SUB)
    now = record("x0", Chip.ADD_SUB)["TIMESTAMP"]
    written = {field.RD_VALUE: 5, field.RD_PREVIOUS_VALUE: 0, field.RD_PREVIOUS_TIMESTAMP: now}
    registers = HONEST.registers_final.copy()
    registers[0] = (5, now + 3)
    forged = replace(
        with_fields(HONEST, Chip.ADD_SUB, row, written), program=machine, registers_final=registers
    )
    assert rejections(forged) == set()
    assert rejections(forged, PROGRAM) == {"bus program"}


def test_two_reads_of_one_register_in_one_instruction_find_one_value() -> None:
    row = at("twice the same", Chip.ADD_SUB)
    honest = HONEST.records[Chip.ADD_SUB][row]
    assert honest[field.RS1_VALUE] == honest[field.RS2_VALUE] == 2
    for fields in (
        {field.RS2_VALUE: 3},
        {field.RS1_VALUE: 1},
        {field.RS1_VALUE: 1, field.RS2_VALUE: 3},
    ):
        assert rejections(with_fields(HONEST, Chip.ADD_SUB, row, fields)) == {"bus register"}


def test_two_reads_of_one_register_do_not_share_a_previous_access() -> None:
    row = at("twice the same", Chip.ADD_SUB)
    before = int(HONEST.records[Chip.ADD_SUB][row, field.RS1_PREVIOUS_TIMESTAMP])
    shared = with_fields(HONEST, Chip.ADD_SUB, row, {field.RS2_PREVIOUS_TIMESTAMP: before})
    assert rejections(shared) == {"bus register"}


def test_registers_start_at_zero() -> None:
    row = at("x0", Chip.ADD_SUB)
    assert rejections(with_fields(HONEST, Chip.ADD_SUB, row, {field.RS1_VALUE: 1})) == {
        "bus register"
    }


# THE ORDER OF EXECUTION


@pytest.mark.parametrize(
    ("label", "chip"),
    [
        ("x0", Chip.ADD_SUB),
        ("second store", Chip.LOAD_STORE),
        ("branch", Chip.BRANCH),
        ("less", Chip.LESS_THAN),
    ],
)
def test_a_skipped_instruction_is_rejected(label: str, chip: Chip) -> None:
    counts = HONEST.row_counts.copy()
    counts[PROGRAM.rows.pc == CODE.address_of(label)] = 0
    skipped = replace(without_record(HONEST, chip, at(label, chip)), row_counts=counts)
    assert "bus execution" in rejections(skipped)


def test_an_instruction_executed_twice_is_rejected() -> None:
    row = at("x0", Chip.ADD_SUB)
    records = HONEST.records[Chip.ADD_SUB]
    twice = np.insert(records, row, records[row], axis=0)
    counts = HONEST.row_counts.copy()
    counts[PROGRAM.rows.pc == CODE.address_of("x0")] += 1
    forged = replace(HONEST, records={**HONEST.records, Chip.ADD_SUB: twice}, row_counts=counts)
    assert "bus execution" in rejections(forged)


def test_instructions_out_of_order_are_rejected() -> None:
    """Two instructions on registers of their own, each at the other's time."""
    rows = at("one", Chip.ADD_SUB), at("other", Chip.ADD_SUB)
    times = [record(label, Chip.ADD_SUB)["TIMESTAMP"] for label in ("one", "other")]
    registers = HONEST.registers_final.copy()
    swapped = HONEST
    for row, register, time in zip(rows, (20, 21), reversed(times), strict=True):
        moved = {field.TIMESTAMP: time, field.RD_PREVIOUS_TIMESTAMP: time}
        swapped = with_fields(swapped, Chip.ADD_SUB, row, moved)
        registers[register, field.FINAL_TIMESTAMP] = time + 3
    assert rejections(replace(swapped, registers_final=registers)) == {"bus execution"}


def test_a_timestamp_of_the_prover_s_choice_is_rejected() -> None:
    """A load that claims a later time, to read what comes after it."""
    row = at("load of nothing", Chip.LOAD_STORE)
    now = record("load of nothing", Chip.LOAD_STORE)["TIMESTAMP"]
    assert "bus execution" in rejections(
        with_fields(HONEST, Chip.LOAD_STORE, row, {field.TIMESTAMP: now + 4})
    )


def test_another_pc_is_rejected() -> None:
    row = at("x0", Chip.ADD_SUB)
    elsewhere = with_fields(HONEST, Chip.ADD_SUB, row, {field.PC: CODE.address_of("last")})
    assert {"bus execution", "bus program"} <= rejections(elsewhere)


def test_a_branch_that_goes_the_other_way_is_rejected() -> None:
    """Both of its ways exist, but only one follows from its operands."""
    starts = starts_of(BRANCH)

    def forge(traces: dict[str, Matrix]) -> None:
        traces["branch"][starts["holds"], 0] = 1
        traces["branch"][starts["detour"], 0] = 4

    counts = HONEST.row_counts.copy()
    counts[PROGRAM.rows.pc == CODE.address_of("after the branch")] = 0
    row = at("after the branch", Chip.BITWISE)
    jumped = replace(without_record(HONEST, Chip.BITWISE, row), row_counts=counts)
    assert "branch: equal limbs do not differ" in rejections(jumped, forge=forge)


def test_another_entry_is_rejected() -> None:
    elsewhere = replace(PROGRAM, entry_pc=CODE.address_of("last"))
    assert rejections(HONEST, elsewhere) == {"bus execution"}


def test_a_run_without_its_end_is_rejected() -> None:
    counts = HONEST.row_counts.copy()
    counts[-1] = 0
    endless = replace(without_record(HONEST, Chip.HALT, 0), row_counts=counts)
    assert "bus execution" in rejections(endless)


def run_that_exits_with(exit_code: int) -> Program:
    code = Assembler()
    code.halt(exit_code)
    return load_elf(code.elf())


def test_a_failed_run_is_not_a_success() -> None:
    """Its exit code is in a0, where HALT reads it."""
    failing, succeeding = run_that_exits_with(3), execute(run_that_exits_with(0), b"")
    assert rejections(succeeding) == set()
    assert rejections(succeeding, failing) == {"bus program"}

    put_into_a0 = {field.RS2_VALUE: 3, field.RD_VALUE: 3}
    honest_until_halt = with_fields(
        replace(succeeding, program=failing), Chip.ADD_SUB, 0, put_into_a0
    )
    assert rejections(honest_until_halt) == {"bus register"}
    registers = honest_until_halt.registers_final.copy()
    registers[10, field.FINAL_VALUE] = 3
    honest = replace(
        with_fields(honest_until_halt, Chip.HALT, 0, {field.argument_value(0): 3}),
        registers_final=registers,
    )
    assert rejections(honest) == {"halt: low limb of the exit code"}


# PROGRAM AND TABLES


def test_an_instruction_of_another_program_is_rejected() -> None:
    other, program = Assembler(), Assembler()
    for code, value in ((other, 6), (program, 5)):
        code.li("t0", value)
        code.commit(0, "t0")
        code.halt()
    run = execute(load_elf(other.elf()), b"")
    assert rejections(run, load_elf(program.elf()), (5,)) == {"bus program", "bus public"}
    assert rejections(run, load_elf(program.elf())) == {"bus program"}


@pytest.mark.parametrize("change", [1, -1, P // 2])
@pytest.mark.parametrize("table", ["program_table", "range_table", "byte_table", "shift_table"])
def test_a_multiplicity_that_is_not_the_number_of_lookups_is_rejected(
    table: str, change: int
) -> None:
    bus = {"program_table": "program", "range_table": "range", "byte_table": "byte and"}
    row = {"program_table": 3, "range_table": (1 << 16) + 5}.get(table, 7)

    def forge(traces: dict[str, Matrix]) -> None:
        traces[table][0, row] = (int(traces[table][0, row]) + change) % P

    assert rejections(HONEST, forge_tables=forge) == {f"bus {bus.get(table, 'shift')}"}


def test_a_lookup_counted_for_another_entry_is_rejected() -> None:
    def forge(traces: dict[str, Matrix]) -> None:
        counts = traces["range_table"][0]
        used = int(np.flatnonzero(counts)[0])
        counts[used] -= 1
        counts[used + 1] += 1

    assert rejections(HONEST, forge_tables=forge) == {"bus range"}


def test_a_wrapped_range_is_rejected() -> None:
    """A sum whose limb is 2^16 too large, with its carry left out."""
    row = at("twice the same", Chip.ADD_SUB)
    starts = starts_of(ADD_SUB)

    def forge(traces: dict[str, Matrix]) -> None:
        result = traces["add_sub"][starts["result"] : starts["result"] + 2, row]
        result[0] += 0x10000
        traces["add_sub"][starts["result"] + 1, row] = P - 1

    assert rejections(HONEST, forge=forge) == {"no entry in range"}


# PUBLIC VALUES


@pytest.mark.parametrize("claimed", [(5,), (), (4, 0), (4, 4), (4 + (1 << 16),)])
def test_other_public_values_are_rejected(claimed: tuple[int, ...]) -> None:
    assert HONEST.public_values == (4,)
    assert rejections(HONEST, public_values=claimed) == {"bus public"}
