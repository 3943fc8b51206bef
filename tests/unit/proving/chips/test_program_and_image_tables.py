"""The tables that the program fills: each instruction and each first value, once."""

import numpy as np
import pytest

from proving.air.check import Table, imbalance, violations
from proving.air.chip import compile_chip
from proving.chips.image_table import IMAGE_TABLE
from proving.chips.program_table import PROGRAM_TABLE
from proving.machine.instructions import Instruction, Opcode
from proving.machine.layout import INPUT_START_WORD
from proving.machine.program import Image, ProgramRows
from proving.traces import image_table, program_table

PROGRAM_AIR, IMAGE_AIR = compile_chip(PROGRAM_TABLE), compile_chip(IMAGE_TABLE)

INSTRUCTIONS = [
    Instruction(0x1000, Opcode.ADD, rd=5, rs1=0, immediate=0xFFFFFFFF, uses_immediate=True),
    Instruction(0x1004, Opcode.ADD, rd=0, rs1=5, rs2=6),
    Instruction(0x1008, Opcode.JAL, rd=1, immediate=0x1000),
    Instruction(0x100C, Opcode.ECALL),
]
ROWS = ProgramRows.of(INSTRUCTIONS)


def program_table_of(counts: list[int]) -> Table:
    main = program_table.trace(np.array(counts, np.uint32))
    return Table(PROGRAM_AIR, main, program_table.preprocessed(ROWS))


def image_of(addresses: list[int], values: list[int]) -> Image:
    return Image(np.array(addresses, np.uint32), np.array(values, np.uint32))


def image_table_of(image: Image, final: list[tuple[int, int]]) -> Table:
    main = image_table.trace(np.array(final, np.uint32).reshape(len(final), 2))
    return Table(IMAGE_AIR, main, image_table.preprocessed(image))


def test_the_program_sends_every_instruction_as_often_as_it_was_executed() -> None:
    assert imbalance([program_table_of([3, 0, 2, 1])]) == {
        ("program", (0x1000, 1 + 64, 5, 0, 0, 0xFFFF, 0xFFFF, 1)): 3,
        ("program", (0x1008, 17, 1, 0, 0, 0x1000, 0, 1)): 2,
        ("program", (0x100C, 35, 0, 0, 0, 0, 0, 0)): 1,
    }


def test_no_instruction_writes_x0() -> None:
    sent = imbalance([program_table_of([1, 1, 1, 1])])
    assert ("program", (0x1004, 1, 0, 5, 6, 0, 0, 0)) in sent


def test_padding_rows_offer_nothing_but_the_first_instruction() -> None:
    table = program_table_of([0, 0, 0, 0])
    table.main[0, 4:] = 1
    first = ("program", (0x1000, 65, 5, 0, 0, 0xFFFF, 0xFFFF, 1))
    assert imbalance([table]) == {first: 32 - 4}


def test_a_program_without_instructions_is_refused() -> None:
    with pytest.raises(ValueError, match="without instructions"):
        program_table.preprocessed(ProgramRows.of([]))


def test_the_image_sends_each_first_value_once_and_takes_the_last_one() -> None:
    image = image_of([5, 6, 9], [1, 0x20003, 0xFFFFFFFF])
    table = image_table_of(image, [(1, 0), (0x40005, 42), (0, 43)])
    assert violations(table) == []
    assert imbalance([table]) == {
        ("memory", (6, 3, 2, 0)): 1,
        ("memory", (6, 5, 4, 42)): -1,
        ("memory", (9, 0xFFFF, 0xFFFF, 0)): 1,
        ("memory", (9, 0, 0, 43)): -1,
    }


def test_image_rows_that_pad_exchange_nothing_whatever_the_prover_writes() -> None:
    table = image_table_of(image_of([5], [1]), [(1, 0)])
    table.main[:, 1:] = 7
    assert imbalance([table]) == {}


def test_an_empty_image_is_a_table_of_padding() -> None:
    table = image_table_of(image_of([], []), [])
    assert imbalance([table]) == {}


@pytest.mark.parametrize(
    "addresses", [[5, 5], [6, 5], [5, 7, 6], [INPUT_START_WORD], [0, INPUT_START_WORD + 3]]
)
def test_an_image_with_two_first_values_or_words_of_input_is_refused(addresses: list[int]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        image_table.preprocessed(image_of(addresses, [1] * len(addresses)))


def test_an_image_may_end_where_the_input_begins() -> None:
    image_table.preprocessed(image_of([INPUT_START_WORD - 1], [1]))
