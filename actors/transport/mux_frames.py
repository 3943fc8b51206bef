"""Yamux frames: layout and incremental parsing, without IO.

Source: the yamux specification (hashicorp/yamux, ``spec.md``), version 0 of the framing,
negotiated by libp2p as ``/yamux/1.0.0``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from actors.transport.errors import MuxViolation

HEADER = struct.Struct("!BBHII")
"""Version, type, flags, stream id, length."""

INITIAL_WINDOW_BYTES = 256 * 1024
"""Bytes that may be in flight on a new stream, before any window update."""


class FrameType(IntEnum):
    """What a frame carries; ``length`` means something else in each."""

    DATA = 0
    WINDOW_UPDATE = 1
    PING = 2
    GO_AWAY = 3


class Flag(IntEnum):
    """Stream life cycle, on DATA and WINDOW_UPDATE; SYN asks and ACK answers a PING.

    Bits of the flags field; no IntFlag, whose ``&`` costs as much as decrypting a vote.
    """

    NONE = 0
    SYN = 1
    ACK = 2
    FIN = 4
    RST = 8


@dataclass(slots=True)
class FrameHeader:
    """One parsed header. For DATA, ``length`` counts the body bytes that follow."""

    frame_type: int
    flags: int
    stream_id: int
    length: int


def encode_header(frame_type: FrameType, flags: int, stream_id: int, length: int) -> bytes:
    """Return the 12 header bytes."""
    return HEADER.pack(0, frame_type, flags, stream_id, length)


class FrameParser:
    """Turns plaintext into headers and body pieces as they arrive; buffers no bodies."""

    __slots__ = ("_body_bytes", "_current", "_partial")

    def __init__(self) -> None:
        self._partial = b""
        self._body_bytes = 0
        self._current = FrameHeader(0, 0, 0, 0)

    def parse(self, plaintext: bytes) -> Iterator[tuple[FrameHeader, memoryview | None]]:
        """Yield ``(header, None)`` as each header completes, then its body pieces.

        Raises
        ------
        MuxViolation
            The version or the frame type is unknown.
        """
        if self._partial:
            plaintext = self._partial + plaintext
            self._partial = b""
        view = memoryview(plaintext)
        position, end = 0, len(plaintext)
        while position < end:
            if self._body_bytes:
                piece = view[position : position + self._body_bytes]
                position += len(piece)
                self._body_bytes -= len(piece)
                yield self._current, piece
                continue
            if end - position < HEADER.size:
                self._partial = plaintext[position:]
                return
            version, frame_type, flags, stream_id, length = HEADER.unpack_from(view, position)
            position += HEADER.size
            if version != 0 or frame_type > FrameType.GO_AWAY:
                raise MuxViolation(f"frame of version {version} and type {frame_type}")
            self._current = FrameHeader(frame_type, flags, stream_id, length)
            if frame_type == FrameType.DATA:
                self._body_bytes = length
            yield self._current, None
