"""Records hold what the chips need: values, previous timestamps, and nothing where nothing is."""

import numpy as np
import pytest

from proving.machine import records as field
from proving.machine.elf import load_elf
from proving.machine.execution import Execution
from proving.machine.executor import execute
from proving.machine.instructions import INSTRUCTION_CHIPS, Chip
from tests.support.record_replay import ReplayError, check_records
from tests.support.riscv_assembler import CODE_START, Assembler
from tests.support.riscv_catalogue import CATALOGUE

RAM = 0x100000


def execution_of(code: Assembler, input_bytes: bytes = b"") -> Execution:
    return execute(load_elf(code.elf()), input_bytes)


def row(execution: Execution, chip: Chip, position: int = -1) -> dict[str, int]:
    """One record by the names of its fields."""
    names = [
        "pc", "timestamp", "rs1", "rs1_before", "rs2", "rs2_before", "rd", "rd_previous",
        "rd_before", "address", "word_previous", "word", "word_before", "next_pc",
    ]  # fmt: skip
    return dict(zip(names, execution.records[chip][position].tolist(), strict=True))


def test_two_reads_and_a_write_of_one_register_are_three_accesses():
    code = Assembler()
    code.li("a0", 7)
    code.mul("a0", "a0", "a0")
    code.li("a0", 0)
    code.ecall()

    assert row(execution_of(code), Chip.MULTIPLY) == {
        "pc": CODE_START + 4,
        "timestamp": 8,
        "rs1": 7,
        "rs1_before": 7,  # written by the first instruction: 4 + 3
        "rs2": 7,
        "rs2_before": 8,  # this instruction's read of rs1
        "rd": 49,
        "rd_previous": 7,
        "rd_before": 9,  # this instruction's read of rs2
        "address": 0,
        "word_previous": 0,
        "word": 0,
        "word_before": 0,
        "next_pc": CODE_START + 8,
    }


def test_an_immediate_stands_in_the_second_operands_place():
    code = Assembler()
    code.addi("t0", "zero", -3)
    code.ecall()
    record = row(execution_of(code), Chip.ADD_SUB)

    assert (record["rs2"], record["rs2_before"]) == (0xFFFFFFFD, 0)
    assert record["rd"] == 0xFFFFFFFD


def test_a_register_that_is_not_written_leaves_no_trace():
    code = Assembler()
    code.addi("zero", "zero", 5)
    code.ecall()
    record = row(execution_of(code), Chip.ADD_SUB)

    assert (record["rd"], record["rd_previous"], record["rd_before"]) == (0, 0, 0)


def test_a_store_of_a_byte_records_the_whole_word_and_a_load_leaves_it():
    code = Assembler()
    code.li("t0", RAM)  # one instruction
    code.li("t1", 0x5A)
    code.sb("t1", 2, "t0")
    code.lh("t2", 2, "t0")
    code.ecall()
    execution = execution_of(code)
    store, load = (row(execution, Chip.LOAD_STORE, position) for position in (0, 1))

    assert (store["address"], store["word_previous"], store["word"]) == (RAM + 2, 0, 0x5A0000)
    assert (store["rs2"], store["rd"], store["word_before"]) == (0x5A, 0, 0)
    assert (load["word_previous"], load["word"], load["word_before"]) == (0x5A0000, 0x5A0000, 14)
    assert (load["rs2"], load["rs2_before"], load["rd"]) == (0, 0, 0x5A)


def test_jumps_record_their_target_and_their_link():
    code = Assembler()
    code.jal("ra", 8)
    code.nop()
    code.jalr("t0", 12, "ra")
    code.nop()
    code.ecall()
    execution = execution_of(code)
    direct, indirect = (row(execution, Chip.JUMP, position) for position in (0, 1))

    assert (direct["rs1"], direct["rs1_before"], direct["rd"]) == (0, 0, CODE_START + 4)
    assert direct["next_pc"] == CODE_START + 8
    assert (indirect["rs1"], indirect["rs2"], indirect["rs2_before"]) == (CODE_START + 4, 0, 0)
    assert (indirect["rd"], indirect["next_pc"]) == (CODE_START + 12, CODE_START + 16)


def test_an_ecall_reads_its_number_and_its_arguments_at_once():
    code = Assembler()
    code.li("a0", 0)
    code.li("a1", 0xABCD1234)  # two instructions
    code.li("a7", 1)
    code.ecall()
    code.li("a7", 0)
    code.ecall()
    execution = execution_of(code)
    (commit,) = execution.records[Chip.COMMIT].tolist()
    (halt,) = execution.records[Chip.HALT].tolist()

    assert commit == [CODE_START + 16, 20, 1, 19, 0, 7, 0xABCD1234, 15]
    assert halt == [CODE_START + 24, 28, 0, 27, 0, 20]


def test_a_doubling_has_no_second_point():
    entry = CATALOGUE["points added and doubled"]
    records = execute(entry.program, entry.input_bytes).records[Chip.SECP256K1]
    doubling, addition, _ = records

    assert doubling[field.ECALL_NUMBER_VALUE] == 5
    assert not doubling[[field.argument_value(1), field.argument_previous_timestamp(1)]].any()
    assert not doubling[field.SECP256K1_Q.start :].any()
    assert addition[field.ECALL_NUMBER_VALUE] == 4
    assert addition[field.SECP256K1_Q.previous_values].any()
    assert np.array_equal(
        addition[field.SECP256K1_P.previous_values], doubling[field.SECP256K1_P.new_values]
    )


def test_spans_cover_a_record_without_overlap():
    for spans, start, end in [
        ([field.KECCAK_STATE], field.fields_before_memory(1), field.KECCAK_FIELD_COUNT),
        (
            [field.MULMOD_LEFT, field.MULMOD_RIGHT, field.MULMOD_MODULUS, field.MULMOD_RESULT],
            field.fields_before_memory(4),
            field.MULMOD_FIELD_COUNT,
        ),
        (
            [field.SECP256K1_P, field.SECP256K1_Q],
            field.fields_before_memory(2),
            field.SECP256K1_FIELD_COUNT,
        ),
    ]:
        covered = []
        for span in spans:
            slices = [span.previous_values, span.previous_timestamps]
            slices += [span.new_values] if span.is_written else []
            covered += [index for part in slices for index in range(end)[part]]
        assert sorted(covered) == list(range(start, end))


def test_words_that_are_only_read_have_no_new_values():
    with pytest.raises(ValueError, match="no new value"):
        _ = field.MULMOD_LEFT.new_values


def test_every_cycle_has_one_record_and_counts_its_row():
    for entry in CATALOGUE.values():
        execution = execute(entry.program, entry.input_bytes)
        timestamps = np.concatenate(
            [records[:, field.TIMESTAMP] for records in execution.records.values()]
        )

        assert sorted(timestamps.tolist()) == [4 * (k + 1) for k in range(execution.cycles)]
        assert execution.row_counts.sum() == execution.cycles


def test_touched_words_are_outside_the_image_ascending_and_have_their_initial_values():
    entry = CATALOGUE["image, ram and input"]
    execution = execute(entry.program, entry.input_bytes)
    touched = execution.touched_memory.tolist()

    assert [word[:2] for word in touched] == [
        [0x0FFFFFF8 // 4, 0],
        [0x0FFFFFFC // 4, 0],
        [0x40000000 // 4, 6],
        [0x40000004 // 4, int.from_bytes(b"abcd", "little")],
        [0x40000040 // 4, 0],
    ]
    assert touched[1][2] == 0x08070605
    assert all(timestamp % 4 == 2 for *_, timestamp in touched)
    assert execution.image_final[0].tolist() == [0, 4 * (14 + 1) + 2]


def test_records_of_a_run_are_deterministic():
    entry = CATALOGUE["quicksort"]
    one, other = (execute(entry.program, entry.input_bytes) for _ in range(2))

    for chip in Chip:
        assert np.array_equal(one.records[chip], other.records[chip])
    assert np.array_equal(one.touched_memory, other.touched_memory)


# The replay itself: it accepts honest records and rejects changed ones


def test_the_replay_counts_all_accesses():
    code = Assembler()
    code.add("t0", "t1", "t2")  # state and three registers
    code.ecall()  # a7 and a0

    assert check_records(execution_of(code)) == 4 + 2


@pytest.mark.parametrize("chip", [*INSTRUCTION_CHIPS, Chip.COMMIT, Chip.KECCAK])
def test_the_replay_rejects_a_change_of_any_field_that_an_access_has(chip):
    entry = CATALOGUE["keccak256"]
    if chip is Chip.SHIFT or chip in (Chip.MULTIPLY, Chip.DIVIDE):
        entry = CATALOGUE["long loop"]
    elif chip is Chip.LESS_THAN:
        entry = CATALOGUE["comparisons"]
    execution = execute(entry.program, entry.input_bytes)
    check_records(execution)
    records = execution.records[chip]
    last = len(records) - 1
    used = [index for index in range(records.shape[1]) if records[last, index]]
    assert len(used) >= 4
    for index in used:
        is_immediate = index == field.RS2_VALUE and not records[last, field.RS2_PREVIOUS_TIMESTAMP]
        if chip in INSTRUCTION_CHIPS and is_immediate:
            continue
        honest = records[last, index]
        records[last, index] ^= 4
        with pytest.raises((ReplayError, KeyError)):
            check_records(execution)
        records[last, index] = honest
    check_records(execution)
