"""One stream of a muxed connection: pulled while it is negotiated, pushed afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from actors.transport.errors import MuxViolation
from actors.transport.mux_frames import INITIAL_WINDOW_BYTES, Flag, FrameType, encode_header

if TYPE_CHECKING:
    from actors.transport.muxer import Muxer

MAXIMUM_SEND_CREDIT_BYTES = 2**32 - 1
MAXIMUM_DATA_FRAME_BYTES = 60 * 1024
"""Longest DATA body that we send: with its header it fits into one Noise record."""


class StreamEndedError(Exception):
    """The stream is closed or reset, or its connection ended."""


class MuxStream:
    """A bidirectional byte stream with credit-based flow control."""

    def __init__(self, stream_id: int, muxer: Muxer) -> None:
        self.stream_id = stream_id
        self.muxer = muxer
        self.send_credit_bytes = INITIAL_WINDOW_BYTES
        self.ended = trio.Event()
        self.end_reason: str | None = None
        # Its own lock: the reader must not wait while another thread is in a system call.
        self._window_lock = threading.Lock()
        self._window_bytes = INITIAL_WINDOW_BYTES
        self._consumed_bytes = 0
        self._credit_threshold_bytes = INITIAL_WINDOW_BYTES // 2
        self._buffer = bytearray()
        self._changed = trio.Event()
        self._consumer: Callable[[memoryview], int] | None = None
        self._is_remote_finished = False

    # PULLED: protocol negotiation and hello

    async def read(self, maximum_bytes: int | None = None) -> bytes:
        """Return 1 to ``maximum_bytes`` bytes, or all that wait; empty at the peer's end.

        Raises
        ------
        StreamEndedError
            The stream or its connection ended otherwise.
        """
        if maximum_bytes == 0:
            return b""
        while not self._buffer:
            if self._is_remote_finished:
                return b""
            if self.ended.is_set():
                raise StreamEndedError(self.end_reason)
            await self._wait_changed()
        data = bytes(self._buffer[:maximum_bytes])
        del self._buffer[: len(data)]
        self.return_credit(len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Write all of ``data``, waiting for credit where needed.

        Raises
        ------
        StreamEndedError
            The stream or its connection ended.
        """
        view = memoryview(data)
        while view:
            if self.ended.is_set():
                raise StreamEndedError(self.end_reason)
            with self.muxer.lock:
                length = min(len(view), self.send_credit_bytes, MAXIMUM_DATA_FRAME_BYTES)
                if length:
                    self.send_credit_bytes -= length
                    header = encode_header(FrameType.DATA, Flag.NONE, self.stream_id, length)
                    self.muxer.write((header, view[:length]))
            if length:
                view = view[length:]
                await trio.lowlevel.checkpoint()
            else:
                await self._wait_changed()

    async def _wait_changed(self) -> None:
        if self._changed.is_set():
            self._changed = trio.Event()
        await self._changed.wait()

    # PUSHED: messages

    def push_to(
        self,
        consumer: Callable[[memoryview], int],
        window_bytes: int,
        credit_threshold_bytes: int,
    ) -> None:
        """Hand every byte to ``consumer`` from now on, beginning with what waits.

        Parameters
        ----------
        consumer
            Called in the network thread; returns how many messages the bytes completed.
            May raise ProtocolViolation.
        window_bytes
            New receive window, at least the initial one.
        credit_threshold_bytes
            Bytes returned by ``return_credit`` before the peer hears of them.
        """
        growth = window_bytes - INITIAL_WINDOW_BYTES
        with self._window_lock:
            self._credit_threshold_bytes = credit_threshold_bytes
            self._window_bytes += growth
        if growth > 0:
            self.muxer.send_window_update(self.stream_id, growth)
        self._consumer = consumer
        if self._buffer:
            waiting = bytes(self._buffer)
            self._buffer.clear()
            consumer(memoryview(waiting))

    def return_credit(self, consumed_bytes: int) -> None:
        """Allow the peer as many bytes again, from any thread."""
        with self._window_lock:
            self._consumed_bytes += consumed_bytes
            if self._consumed_bytes < self._credit_threshold_bytes or self.ended.is_set():
                return
            increment = self._consumed_bytes
            self._consumed_bytes = 0
            self._window_bytes += increment
        self.muxer.send_window_update(self.stream_id, increment)

    # CALLED BY THE MUXER, in the network thread

    def charge_window(self, body_bytes: int) -> None:
        """Take an announced body from the receive window.

        Raises
        ------
        MuxViolation
            The peer sends more than the window allows.
        """
        with self._window_lock:
            if body_bytes > self._window_bytes:
                raise MuxViolation(
                    f"{body_bytes} bytes exceed the window of {self._window_bytes} bytes"
                )
            self._window_bytes -= body_bytes

    def accept_bytes(self, body: memoryview) -> int:
        """Take body bytes; return how many messages they completed."""
        if self._consumer is not None:
            return self._consumer(body)
        self._buffer += body
        self._changed.set()
        return 0

    def grow_send_credit(self, increment_bytes: int) -> None:
        """Add credit that the peer granted.

        Raises
        ------
        MuxViolation
            The credit overflows 32 bits.
        """
        self.send_credit_bytes += increment_bytes
        if self.send_credit_bytes > MAXIMUM_SEND_CREDIT_BYTES:
            raise MuxViolation("the granted window overflows 32 bits")
        self._changed.set()

    def mark_remote_finished(self) -> None:
        """Note the peer's FIN: reading ends after what is buffered."""
        self._is_remote_finished = True
        if self._consumer is not None:
            self.mark_ended("finished by the peer")
        self._changed.set()

    def mark_ended(self, reason: str | None) -> None:
        """Note that nothing will come or go any more."""
        if self.end_reason is None:
            self.end_reason = reason
        self.ended.set()
        self._changed.set()

    # ENDING, by us

    async def close(self) -> None:
        """Finish the stream in both directions."""
        self._end(Flag.FIN)
        await trio.lowlevel.checkpoint()

    async def reset(self) -> None:
        """Abort the stream in both directions."""
        self._end(Flag.RST)
        await trio.lowlevel.checkpoint()

    def _end(self, flag: Flag) -> None:
        if not self.ended.is_set():
            self.muxer.end_stream(self.stream_id, flag)
            self.muxer.forget_stream(self.stream_id)
            self.mark_ended("closed by us")
