"""Cycles are attributed to the functions that the ELF file names."""

import struct

import pytest

from proving.machine.elf import load_elf
from proving.machine.errors import MalformedElfError
from proving.machine.executor import run_only
from proving.machine.profile import UNKNOWN_FUNCTION, cycles_by_function, function_symbols
from tests.support.riscv_assembler import Assembler
from tests.support.riscv_catalogue import words
from tests.support.riscv_toolchain import compile_program, has_compiler

FUNCTION, OBJECT = 2, 1


def with_symbols(elf: bytes, symbols: list[tuple[str, int, int]]) -> bytes:
    """Add a symbol table of (name, address, type)."""
    names, table = b"\0", bytes(16)
    for name, address, kind in symbols:
        table += struct.pack("<IIIBBH", len(names), address, 0, kind, 0, 1)
        names += name.encode() + b"\0"
    table_offset = len(elf)
    names_offset = table_offset + len(table)
    headers = struct.pack("<10I", *[0] * 10)
    headers += struct.pack("<10I", 0, 2, 0, 0, table_offset, len(table), 2, 0, 4, 16)
    headers += struct.pack("<10I", 0, 3, 0, 0, names_offset, len(names), 0, 0, 1, 0)
    changed = bytearray(elf + table + names + headers)
    struct.pack_into("<I", changed, 32, names_offset + len(names))
    struct.pack_into("<HHH", changed, 46, 40, 3, 0)
    return bytes(changed)


def program_with_a_loop() -> tuple[Assembler, dict[str, int]]:
    code = Assembler()
    code.li("t0", 10)
    code.call("count")
    places = {"end": code.pc}
    code.halt()
    code.label("count")
    places["count"] = code.pc
    code.addi("t0", "t0", -1)
    code.bne("t0", "zero", "count")
    code.ret()
    return code, places


def test_each_instruction_belongs_to_the_symbol_before_it():
    code, places = program_with_a_loop()
    symbols = [("count", places["count"], FUNCTION), ("end", places["end"], FUNCTION)]
    elf = with_symbols(code.elf(), [*symbols, ("data", places["end"] + 4, OBJECT)])
    program = load_elf(elf)

    cycles = cycles_by_function(elf, program, run_only(program, b""))

    assert cycles == {UNKNOWN_FUNCTION: 2, "count": 21, "end": 3}


@pytest.mark.parametrize("cut", [10, 60, 130])
def test_a_broken_symbol_table_is_refused(cut):
    code, places = program_with_a_loop()
    elf = with_symbols(code.elf(), [("count", places["count"], FUNCTION)])

    with pytest.raises(MalformedElfError):
        function_symbols(elf[:-cut])


def test_a_file_without_symbols_is_refused():
    with pytest.raises(MalformedElfError):
        function_symbols(Assembler().elf())


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="gcc-riscv64-unknown-elf is not installed")
def test_symbols_of_a_compiler_are_found():
    elf = compile_program("fibonacci", has_symbols=True)
    program = load_elf(elf)

    cycles = cycles_by_function(elf, program, run_only(program, words(10)))

    assert cycles["fibonacci"] > cycles["main"] > cycles["_start"] > 0
    assert UNKNOWN_FUNCTION not in cycles
