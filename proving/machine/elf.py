"""Strict loader of ELF files: static little-endian RV32IM executables, and hostile ones.

Source: Tool Interface Standard, ELF specification 1.2, book I; RISC-V ELF psABI for e_flags.
Only the file header and the program headers are read. Sections are of no meaning here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from proving.machine.errors import (
    ElfTooLargeError,
    InvalidSegmentError,
    MalformedElfError,
    UnsupportedElfError,
)
from proving.machine.instructions import Instruction, decode
from proving.machine.layout import CODE_END, RAM_END, WORD_BYTES
from proving.machine.program import Image, Program, ProgramRows, Words

MAXIMUM_FILE_BYTES = 64 << 20
MAXIMUM_SEGMENTS = 32
MAXIMUM_CODE_BYTES = 8 << 20
MAXIMUM_CODE_SPAN_BYTES = 64 << 20
"""From the first to the last instruction."""
MAXIMUM_IMAGE_BYTES = 64 << 20

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIIIIIII")
_IDENTIFICATION = b"\x7fELF" + bytes([1, 1, 1])
"""Magic, 32 bits, little endian, version 1."""
_EXECUTABLE, _RISC_V, _VERSION = 2, 243, 1
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_EXECUTE, _READ = 1, 4
_COMPRESSED_FLAG, _FLOAT_FLAGS, _EMBEDDED_FLAG = 0x1, 0x6, 0x8


@dataclass(frozen=True, slots=True)
class _Segment:
    address: int
    file_bytes: bytes
    memory_size: int
    is_readable: bool
    is_executable: bool

    @property
    def end(self) -> int:
        return self.address + self.memory_size

    @property
    def file_end(self) -> int:
        return self.address + len(self.file_bytes)


def load_elf(file: bytes) -> Program:
    """Program of an ELF file.

    The image is the words of all readable segments: what the file holds of them, and their
    zero-filled rest (BSS) as far as it lies below the last word that comes from a file. What
    lies between the segments is no memory. Words of executable segments that are no instruction
    are left out of the program table: constants live there too.

    Raises
    ------
    ElfError
        One of its kinds, for any file that is not a program of this machine.
    """
    if len(file) > MAXIMUM_FILE_BYTES:
        raise ElfTooLargeError(f"{len(file)} bytes, at most {MAXIMUM_FILE_BYTES}")
    entry, segments = _read_headers(file)
    _check_layout(segments)
    rows = _program_rows(segments)
    if entry % WORD_BYTES or entry >= CODE_END or entry not in rows.pc:
        raise MalformedElfError(f"no instruction at the entry {entry:#x}")
    return Program(entry, rows, _image(segments))


def _read_headers(file: bytes) -> tuple[int, list[_Segment]]:
    if len(file) < _HEADER.size:
        raise MalformedElfError("shorter than an ELF header")
    (
        identification,
        kind,
        machine,
        version,
        entry,
        headers_start,
        _,
        flags,
        header_size,
        entry_size,
        header_count,
        *_,
    ) = _HEADER.unpack_from(file)
    if not identification.startswith(_IDENTIFICATION):
        raise UnsupportedElfError("no 32-bit little-endian ELF file")
    if (kind, machine, version) != (_EXECUTABLE, _RISC_V, _VERSION):
        raise UnsupportedElfError("no RISC-V executable")
    if flags & (_COMPRESSED_FLAG | _FLOAT_FLAGS | _EMBEDDED_FLAG):
        raise UnsupportedElfError(f"flags {flags:#x}: compressed, floating-point or RV32E code")
    if header_size != _HEADER.size or entry_size != _PROGRAM_HEADER.size:
        raise MalformedElfError("headers of another size")
    if not 0 < header_count <= MAXIMUM_SEGMENTS:
        raise ElfTooLargeError(f"{header_count} program headers, 1 to {MAXIMUM_SEGMENTS} allowed")
    if headers_start + header_count * _PROGRAM_HEADER.size > len(file):
        raise MalformedElfError("program headers beyond the file's end")
    headers = [
        _PROGRAM_HEADER.unpack_from(file, headers_start + position * _PROGRAM_HEADER.size)
        for position in range(header_count)
    ]
    if any(header[0] in (_DYNAMIC, _INTERPRETER) for header in headers):
        raise UnsupportedElfError("dynamically linked")
    segments = [_segment(file, header) for header in headers if header[0] == _LOAD]
    return entry, sorted(
        (segment for segment in segments if segment.memory_size),
        key=lambda segment: segment.address,
    )


def _segment(file: bytes, header: tuple[int, ...]) -> _Segment:
    _, offset, address, _, file_size, memory_size, flags, _ = header
    if offset + file_size > len(file):
        raise MalformedElfError(f"segment at {address:#x}: bytes beyond the file's end")
    if file_size > memory_size:
        raise MalformedElfError(f"segment at {address:#x}: more bytes in the file than in memory")
    if address + memory_size > RAM_END:
        raise InvalidSegmentError(f"segment at {address:#x}: ends beyond RAM")
    return _Segment(
        address=address,
        file_bytes=file[offset : offset + file_size],
        memory_size=memory_size,
        is_readable=bool(flags & _READ),
        is_executable=bool(flags & _EXECUTE),
    )


def _check_layout(segments: list[_Segment]) -> None:
    """No two segments share a word; code is aligned and within its limits."""
    for before, after in pairwise(segments):
        if _word_end(before.end) > after.address // WORD_BYTES:
            raise InvalidSegmentError(
                f"segments at {before.address:#x} and {after.address:#x} overlap"
            )
    code = [segment for segment in segments if segment.is_executable]
    if any(segment.address % WORD_BYTES for segment in code):
        raise InvalidSegmentError("code that does not start at a multiple of 4")
    if sum(len(segment.file_bytes) for segment in code) > MAXIMUM_CODE_BYTES:
        raise ElfTooLargeError(f"more than {MAXIMUM_CODE_BYTES} bytes of code")
    if code and code[-1].file_end - code[0].address > MAXIMUM_CODE_SPAN_BYTES:
        raise ElfTooLargeError(f"code that spans more than {MAXIMUM_CODE_SPAN_BYTES} bytes")


def _program_rows(segments: list[_Segment]) -> ProgramRows:
    instructions = []
    for segment in segments:
        if not segment.is_executable:
            continue
        whole_words = len(segment.file_bytes) // WORD_BYTES
        words = np.frombuffer(segment.file_bytes, "<u4", whole_words).tolist()
        for position, word in enumerate(words):
            decoded = decode(word, segment.address + WORD_BYTES * position)
            if isinstance(decoded, Instruction):
                instructions.append(decoded)
    return ProgramRows.of(instructions)


def _image(segments: list[_Segment]) -> Image:
    readable = [segment for segment in segments if segment.is_readable]
    end_word = max((_word_end(s.file_end) for s in readable if s.file_bytes), default=0)
    pieces = [(_first_word(s), min(_word_end(s.end), end_word), s) for s in readable]
    pieces = [(start, end, segment) for start, end, segment in pieces if start < end]
    if sum(end - start for start, end, _ in pieces) * WORD_BYTES > MAXIMUM_IMAGE_BYTES:
        raise ElfTooLargeError(f"an image of more than {MAXIMUM_IMAGE_BYTES} bytes")
    if not pieces:
        return Image(np.zeros(0, np.uint32), np.zeros(0, np.uint32))
    addresses = np.concatenate([np.arange(start, end, dtype=np.uint32) for start, end, _ in pieces])
    values = np.concatenate([_words(start, end, segment) for start, end, segment in pieces])
    return Image(addresses, values)


def _words(start: int, end: int, segment: _Segment) -> Words:
    """Words [start, end) of a segment, zero where the file has nothing."""
    lead = bytes(segment.address - start * WORD_BYTES)
    content = lead + segment.file_bytes
    return np.frombuffer(content.ljust((end - start) * WORD_BYTES, b"\0"), "<u4").astype(np.uint32)


def _first_word(segment: _Segment) -> int:
    return segment.address // WORD_BYTES


def _word_end(byte_end: int) -> int:
    """First word address after a byte address."""
    return -(-byte_end // WORD_BYTES)
