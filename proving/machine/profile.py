"""Where a program spends its cycles: by function, for those who write guests.

Source of the symbol table's format: ELF specification 1.2, book I, "Symbol Table". The file may be
hostile here too; a file without symbols, or with broken ones, is an error of its own.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import numpy as np

from proving.machine.errors import MalformedElfError
from proving.machine.executor import CycleCount
from proving.machine.program import Program

UNKNOWN_FUNCTION = "(unknown)"
MAXIMUM_SECTIONS = 1024
MAXIMUM_SYMBOLS = 1 << 20

_SECTION_HEADERS_OFFSET = struct.Struct("<I")
_SECTION_HEADER = struct.Struct("<10I")
_SYMBOL = struct.Struct("<IIIBBH")
_SYMBOL_TABLE = 2
_FUNCTION, _UNTYPED = 2, 0


@dataclass(frozen=True, slots=True)
class FunctionSymbol:
    """A name and where its code starts."""

    address: int
    name: str


def cycles_by_function(elf: bytes, program: Program, count: CycleCount) -> Counter[str]:
    """Cycles of a run by function, those of its callees not included.

    Instructions before the first symbol belong to UNKNOWN_FUNCTION.

    Raises
    ------
    MalformedElfError
        The file has no proper symbol table.
    """
    symbols = function_symbols(elf)
    starts = np.array([symbol.address for symbol in symbols], np.int64)
    positions = np.searchsorted(starts, program.rows.pc.astype(np.int64), side="right")
    cycles: Counter[str] = Counter()
    for position, spent in zip(positions.tolist(), count.cycles_by_row.tolist(), strict=True):
        if spent:
            cycles[symbols[position - 1].name if position else UNKNOWN_FUNCTION] += spent
    return cycles


def function_symbols(elf: bytes) -> list[FunctionSymbol]:
    """Functions and untyped code labels of an ELF file, ascending, one per address."""
    sections = _sections(elf)
    for kind, offset, size, link in sections:
        if kind != _SYMBOL_TABLE:
            continue
        if link >= len(sections):
            raise MalformedElfError("symbols without names")
        _, names_offset, names_size, _ = sections[link]
        names = _part(elf, names_offset, names_size)
        table = _part(elf, offset, size - size % _SYMBOL.size)
        if len(table) > MAXIMUM_SYMBOLS * _SYMBOL.size:
            raise MalformedElfError(f"more than {MAXIMUM_SYMBOLS} symbols")
        return _functions(table, names)
    raise MalformedElfError("no symbol table")


def _functions(table: bytes, names: bytes) -> list[FunctionSymbol]:
    found: dict[int, tuple[bool, str]] = {}
    for name_offset, address, _, info, _, section in _SYMBOL.iter_unpack(table):
        kind = info & 0xF
        is_code = section != 0 and kind in (_FUNCTION, _UNTYPED)
        end = names.find(b"\0", name_offset)
        if not is_code or end <= name_offset or names[name_offset : name_offset + 1] in b"$.":
            continue
        candidate = (kind == _FUNCTION, names[name_offset:end].decode("utf-8", "replace"))
        found[address] = max(candidate, found.get(address, (False, "")))
    return [FunctionSymbol(address, found[address][1]) for address in sorted(found)]


def _sections(elf: bytes) -> list[tuple[int, int, int, int]]:
    """(kind, offset, size, link) of each section."""
    header = _part(elf, 0, 52)
    (start,) = _SECTION_HEADERS_OFFSET.unpack_from(header, 32)
    entry_size, count = struct.unpack_from("<HH", header, 46)
    if entry_size != _SECTION_HEADER.size or count > MAXIMUM_SECTIONS:
        raise MalformedElfError("section headers of another size or number")
    table = _part(elf, start, count * entry_size)
    return [(fields[1], *fields[4:7]) for fields in _SECTION_HEADER.iter_unpack(table)]


def _part(elf: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(elf):
        raise MalformedElfError("a section beyond the file's end")
    return elf[offset : offset + size]
