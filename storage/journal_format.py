"""Layout of a journal segment, without IO.

::

    segment := header record*
    header  := magic (8) | first sequence (8) | crc32 (4)
    record  := magic (4) | length (4) | crc32 (4) | sequence (8) | synced below (8) | payload

Numbers are big-endian. A record's CRC covers everything after it and the length before it,
so a record is valid at its own sequence only. ``synced below`` tells what was durable
when the record was written: if a damaged record is followed by a valid one that says the
damaged one was synced, the damage is corruption; otherwise it is the torn end of a
write that a crash interrupted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SEGMENT_MAGIC = b"BRAIDJ\x00\x01"
RECORD_MAGIC = b"\xb7R\x1dJ"
MAXIMUM_RECORD_BYTES = 8 * 1024 * 1024

_SEGMENT_HEADER = struct.Struct("!8sQI")
_RECORD_HEADER = struct.Struct("!4sIIQQ")
_CHECKED_NUMBERS = struct.Struct("!IQQ")

SEGMENT_HEADER_BYTES = _SEGMENT_HEADER.size
RECORD_HEADER_BYTES = _RECORD_HEADER.size


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One replayed record.

    Parameters
    ----------
    sequence
        Position in the journal, counted from 0 since its creation.
    payload
        What was appended.
    """

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ScannedRecord:
    """A valid record and where it ends in its segment."""

    record: JournalRecord
    synced_below: int
    end_offset: int


def encode_segment_header(first_sequence: int) -> bytes:
    """Return the header of a segment whose first record will be ``first_sequence``."""
    checksum = zlib.crc32(SEGMENT_MAGIC + first_sequence.to_bytes(8, "big"))
    return _SEGMENT_HEADER.pack(SEGMENT_MAGIC, first_sequence, checksum)


def is_segment_header(data: bytes, first_sequence: int) -> bool:
    """Tell whether a segment begins with its intact header."""
    return data[:SEGMENT_HEADER_BYTES] == encode_segment_header(first_sequence)


def encode_record(sequence: int, synced_below: int, payload: bytes) -> bytes:
    """Return one record."""
    length = len(payload)
    checksum = zlib.crc32(
        payload, zlib.crc32(_CHECKED_NUMBERS.pack(length, sequence, synced_below))
    )
    header = _RECORD_HEADER.pack(RECORD_MAGIC, length, checksum, sequence, synced_below)
    return header + payload


def scan_records(data: bytes, first_sequence: int) -> Iterator[ScannedRecord]:
    """Yield a segment's valid records in order, up to the first invalid one."""
    offset, sequence = SEGMENT_HEADER_BYTES, first_sequence
    while (found := _record_at(data, offset)) is not None:
        if found.record.sequence != sequence:
            return
        yield found
        offset, sequence = found.end_offset, sequence + 1


def find_proof_of_sync(data: bytes, offset: int, sequence: int) -> int | None:
    """Find a later record that proves ``sequence`` had been synced.

    Parameters
    ----------
    data
        The whole segment.
    offset
        Where the damage begins: the record ``sequence`` should be there.

    Returns
    -------
    int or None
        Offset of the proof, None where the damage may be a torn write.
    """
    position = data.find(RECORD_MAGIC, offset)
    while position >= 0:
        found = _record_at(data, position)
        is_later = found is not None and found.record.sequence > sequence
        if found is not None and is_later and found.synced_below > sequence:
            return position
        position = data.find(RECORD_MAGIC, position + 1)
    return None


def _record_at(data: bytes, offset: int) -> ScannedRecord | None:
    if offset + RECORD_HEADER_BYTES > len(data):
        return None
    magic, length, checksum, sequence, synced_below = _RECORD_HEADER.unpack_from(data, offset)
    start = offset + RECORD_HEADER_BYTES
    end = start + length
    if magic != RECORD_MAGIC or not 1 <= length <= MAXIMUM_RECORD_BYTES or end > len(data):
        return None
    payload = data[start:end]
    numbers = _CHECKED_NUMBERS.pack(length, sequence, synced_below)
    if zlib.crc32(payload, zlib.crc32(numbers)) != checksum:
        return None
    return ScannedRecord(JournalRecord(sequence, payload), synced_below, end)
