"""ELF files of the machine are loaded as the specification says; all others are refused."""

import random
import struct

import numpy as np
import pytest

from proving.machine import elf as elf_module
from proving.machine.elf import load_elf
from proving.machine.errors import (
    ElfError,
    ElfTooLargeError,
    InvalidSegmentError,
    MalformedElfError,
    UnsupportedElfError,
)
from proving.machine.instructions import Opcode
from proving.machine.program import Program
from tests.support.riscv_assembler import (
    EXECUTABLE,
    READABLE,
    WRITABLE,
    Assembler,
    Segment,
    elf_file,
)

ECALL = b"\x73\0\0\0"
CODE = Segment(0x1000, ECALL, EXECUTABLE)
DATA = READABLE | WRITABLE


def load(*segments: Segment, entry: int = 0x1000) -> Program:
    return load_elf(elf_file(entry, [CODE, *segments]))


def image_of(program: Program) -> dict[int, int]:
    """Value by byte address."""
    addresses = (program.image.word_addresses * 4).tolist()
    return dict(zip(addresses, program.image.values.tolist(), strict=True))


def with_field(file: bytes, offset: int, layout: str, value: int) -> bytes:
    changed = bytearray(file)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


GOOD = elf_file(0x1000, [CODE, Segment(0x2000, b"abcdefgh", DATA)])
FIRST_SEGMENT, SECOND_SEGMENT = 52, 52 + 32


def test_a_proper_file_is_loaded():
    program = load_elf(GOOD)

    assert program.entry_pc == 0x1000
    assert program.rows.pc.tolist() == [0x1000]
    assert program.rows.opcode.tolist() == [Opcode.ECALL]
    assert image_of(program) == {0x2000: 0x64636261, 0x2004: 0x68676665}
    assert program.image_end_word == 0x2008 // 4


def test_code_that_is_only_executable_is_not_in_the_image():
    assert len(load().image) == 0


def test_code_that_is_readable_is():
    file = elf_file(0x1000, [Segment(0x1000, ECALL, EXECUTABLE | READABLE)])

    assert image_of(load_elf(file)) == {0x1000: 0x73}


def test_zero_filled_memory_is_in_the_image_only_below_its_last_word_from_the_file():
    program = load(
        Segment(0x2000, b"\1\2\3\4", DATA, memory_size=16), Segment(0x3000, b"\5", DATA, 400)
    )

    assert image_of(program) == {
        0x2000: 0x04030201,
        0x2004: 0,
        0x2008: 0,
        0x200C: 0,
        0x3000: 5,
    }
    assert program.image_end_word == 0x3004 // 4


def test_a_segment_may_start_and_end_within_a_word():
    program = load(Segment(0x2002, b"\1\2\3", DATA))

    assert image_of(program) == {0x2000: 0x02010000, 0x2004: 0x03}


def test_words_that_are_no_instruction_are_left_out_of_the_program_table():
    code = Segment(0x1000, ECALL + b"\xff\xff\xff\xff" + ECALL + b"\x13", EXECUTABLE)

    assert load_elf(elf_file(0x1000, [code])).rows.pc.tolist() == [0x1000, 0x1008]


def test_code_segments_are_joined_in_the_order_of_their_addresses():
    segments = [Segment(0x3000, ECALL, EXECUTABLE), CODE]

    assert load_elf(elf_file(0x1000, segments)).rows.pc.tolist() == [0x1000, 0x3000]


def test_the_digest_binds_entry_code_and_image():
    def program(entry: int = 0, code: bytes = ECALL * 2, data: bytes = b"data") -> bytes:
        segments = [Segment(0, code, EXECUTABLE), Segment(0x2000, data, DATA)]
        return load_elf(elf_file(entry, segments)).digest

    others = [
        program(entry=4),
        program(code=ECALL * 3),
        program(code=ECALL + b"\x13\0\0\0"),
        program(data=b"dat_"),
        program(data=b"data\0\0\0\0"),
    ]

    assert program() == program()
    assert len({program(), *others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (b"", MalformedElfError),
        (GOOD[:51], MalformedElfError),
        (GOOD[:60], MalformedElfError),
        (GOOD[:-1], MalformedElfError),
        (with_field(GOOD, 0, "<I", 0), UnsupportedElfError),
        (with_field(GOOD, 4, "<B", 2), UnsupportedElfError),  # 64 bits
        (with_field(GOOD, 5, "<B", 2), UnsupportedElfError),  # big endian
        (with_field(GOOD, 16, "<H", 3), UnsupportedElfError),  # position independent
        (with_field(GOOD, 18, "<H", 62), UnsupportedElfError),  # x86
        (with_field(GOOD, 20, "<I", 2), UnsupportedElfError),
        (with_field(GOOD, 24, "<I", 0x1004), MalformedElfError),  # entry
        (with_field(GOOD, 24, "<I", 0x1002), MalformedElfError),
        (with_field(GOOD, 24, "<I", 0x2000), MalformedElfError),
        (with_field(GOOD, 24, "<I", 0x80001000), MalformedElfError),
        (with_field(GOOD, 28, "<I", len(GOOD)), MalformedElfError),  # program headers
        (with_field(GOOD, 28, "<I", 0xFFFFFFFF), MalformedElfError),
        (with_field(GOOD, 36, "<I", 1), UnsupportedElfError),  # compressed
        (with_field(GOOD, 36, "<I", 2), UnsupportedElfError),  # floating point
        (with_field(GOOD, 36, "<I", 8), UnsupportedElfError),  # RV32E
        (with_field(GOOD, 40, "<H", 64), MalformedElfError),
        (with_field(GOOD, 42, "<H", 56), MalformedElfError),
        (with_field(GOOD, 44, "<H", 0), ElfTooLargeError),
        (with_field(GOOD, 44, "<H", 33), ElfTooLargeError),
        (with_field(GOOD, 44, "<H", 0xFFFF), ElfTooLargeError),
        (with_field(GOOD, SECOND_SEGMENT, "<I", 2), UnsupportedElfError),  # dynamic
        (with_field(GOOD, SECOND_SEGMENT, "<I", 3), UnsupportedElfError),  # interpreter
        (with_field(GOOD, SECOND_SEGMENT + 4, "<I", 0xFFFFFFFF), MalformedElfError),
        (with_field(GOOD, SECOND_SEGMENT + 16, "<I", 9), MalformedElfError),
        (with_field(GOOD, SECOND_SEGMENT + 20, "<I", 7), MalformedElfError),
        (with_field(GOOD, FIRST_SEGMENT + 24, "<I", READABLE), MalformedElfError),  # no code
    ],
)
def test_a_file_that_is_broken_or_of_another_machine_is_refused(changed, expected):
    with pytest.raises(ElfError) as caught:
        load_elf(changed)

    assert type(caught.value) is expected


def test_segments_next_to_each_other_are_accepted():
    assert len(load(Segment(0x2000, b"1234", DATA), Segment(0x2004, b"5678", DATA)).image) == 2


@pytest.mark.parametrize(
    "segments",
    [
        [Segment(0x2000, b"1234", DATA), Segment(0x2000, b"5678", DATA)],
        [Segment(0x2000, b"12345", DATA), Segment(0x2005, b"678", DATA)],  # share a word
        [Segment(0x2000, b"1", DATA, memory_size=0x1001), Segment(0x3000, b"2", DATA)],
        [Segment(0x0FFF, b"123", DATA)],  # over the code
        [Segment(0x0F00, b"1", DATA, memory_size=0x1000)],
        [Segment(0x2002, ECALL, EXECUTABLE)],  # misaligned code
        [Segment(0x3FFFFFFC, b"12345", DATA)],  # beyond RAM
        [Segment(0x40000000, b"1", DATA)],
        [Segment(0xFFFFFFF0, b"1", DATA, memory_size=0x20)],  # wraps around
        [Segment(0x2000, b"1", DATA, memory_size=0xFFFFFFFF)],
    ],
)
def test_segments_that_overlap_are_misaligned_or_out_of_range_are_refused(segments):
    with pytest.raises(InvalidSegmentError):
        load(*segments)


def test_the_last_word_of_ram_may_be_in_the_image():
    assert image_of(load(Segment(0x3FFFFFFC, b"1234", DATA))) == {0x3FFFFFFC: 0x34333231}


def test_a_large_zero_filled_segment_costs_nothing():
    assert len(load(Segment(0x2000, b"1234", DATA, memory_size=0x3F000000)).image) == 1


def test_a_zero_filled_image_beyond_the_limit_is_refused_before_it_is_built():
    huge = Segment(0x2000, b"", DATA, memory_size=elf_module.MAXIMUM_IMAGE_BYTES + 4)
    last = Segment(0x3FFFFFFC, b"1234", DATA)

    with pytest.raises(ElfTooLargeError):
        load(huge, last)


def test_code_that_spans_too_much_is_refused():
    far = 0x1000 + elf_module.MAXIMUM_CODE_SPAN_BYTES

    assert len(load(Segment(far - 4, ECALL, EXECUTABLE)).rows) == 2
    with pytest.raises(ElfTooLargeError):
        load(Segment(far, ECALL, EXECUTABLE))


def test_sizes_beyond_the_limits_are_refused(monkeypatch):
    monkeypatch.setattr(elf_module, "MAXIMUM_CODE_BYTES", 8)
    assert len(load(Segment(0x2000, ECALL, EXECUTABLE)).rows) == 2
    with pytest.raises(ElfTooLargeError):
        load(Segment(0x2000, ECALL * 2, EXECUTABLE))
    monkeypatch.setattr(elf_module, "MAXIMUM_FILE_BYTES", len(GOOD) - 1)
    with pytest.raises(ElfTooLargeError):
        load_elf(GOOD)


def test_random_changes_to_a_file_give_a_program_or_an_elf_error():
    code = Assembler()
    code.place(bytes(range(64)))
    code.nop()
    code.halt()
    original = code.elf()
    generator = random.Random(1)
    refused = 0
    for _ in range(2000):
        changed = bytearray(original)
        for _ in range(generator.randrange(1, 4)):
            changed[generator.randrange(min(len(changed), 52 + 64))] = generator.randrange(256)
        try:
            program = load_elf(bytes(changed))
        except ElfError:
            refused += 1
        else:
            assert np.all(np.diff(program.image.word_addresses.astype(np.int64)) > 0)
            assert np.all(np.diff(program.rows.pc.astype(np.int64)) > 0)
            assert program.entry_pc in program.rows.pc
    assert refused > 500
