"""Our yamux engine: one reader task and one writer task per connection.

It speaks ``/yamux/1.0.0`` like any libp2p host. It differs from the library's own engine in
what it costs and what it tolerates:

- one system call reads all that waits; its records and frames are then handled without
  switching tasks, and a stream may push its bytes straight into a consumer;
- any thread may write: the bytes are sealed and given to the kernel at once, and only
  what the kernel refuses waits for the writer task;
- the receive window is enforced (a peer that exceeds it loses the connection), and
  credit returns only when the consumer says so: back-pressure reaches the sender.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence

import trio

from actors.transport.errors import MuxViolation, ProtocolViolation
from actors.transport.mux_frames import (
    Flag,
    FrameHeader,
    FrameParser,
    FrameType,
    encode_header,
)
from actors.transport.mux_stream import MuxStream
from actors.transport.rate_limit import RateLimit
from actors.transport.records import RecordOpener, RecordSealer

READ_BYTES = 256 * 1024
MAXIMUM_UNSENT_BYTES = 1024 * 1024
"""Sealed bytes that the kernel refused; more means that the peer does not read."""
MAXIMUM_STREAMS = 32
"""Streams that either side may open during a connection's whole life: ours are long-lived."""
PING_COST_FRAMES = 50
"""What a ping counts against the rate: each one costs a sealed answer."""

_serials = itertools.count()


class Muxer:
    """The streams of one secured connection.

    Parameters
    ----------
    stream_socket
        Connected non-blocking TCP socket; the muxer owns and closes it.
    sealer, opener
        The connection's Noise record state.
    is_dialer
        The dialer's streams have odd ids, the listener's even ones.
    early_plaintext
        Plaintext that arrived before the muxer took over.
    rate_limit
        Bounds what is read per second; None for no bound.
    write_timeout_seconds
        How long the kernel may refuse bytes before the connection is given up.

    Attributes
    ----------
    serial
        Grows with every muxer of the process: tells the newer of two connections.
    reason, is_violation
        Why the connection ended, None while it lasts; whether the peer is to blame.
    settled
        Set by the owner when all channels are open, and at the end.
    closed
        Set when reader and writer have stopped and the socket is closed.
    """

    def __init__(
        self,
        stream_socket: socket.socket,
        sealer: RecordSealer,
        opener: RecordOpener,
        *,
        is_dialer: bool,
        early_plaintext: bytes = b"",
        rate_limit: RateLimit | None = None,
        write_timeout_seconds: float = 2.0,
    ) -> None:
        self.serial = next(_serials)
        self.lock = threading.RLock()
        self.is_dialer = is_dialer
        self.reason: str | None = None
        self.is_violation = False
        self.closed = trio.Event()
        self.settled = trio.Event()
        self.last_received_seconds = trio.current_time()
        self.round_trip_seconds: float | None = None
        self.throttled = 0
        self.on_writable: Callable[[], bool] | None = None

        self._socket = stream_socket
        self._sealer = sealer
        self._opener = opener
        self._parser = FrameParser()
        self._early_plaintext = early_plaintext
        self._rate_limit = rate_limit
        self._write_timeout_seconds = write_timeout_seconds
        self._streams: dict[int, MuxStream] = {}
        self._next_stream_id = 1 if is_dialer else 2
        self._last_remote_stream_id = 0
        self._accept_send, self._accept_receive = trio.open_memory_channel[MuxStream](
            MAXIMUM_STREAMS
        )
        self._unsent: deque[memoryview] = deque()
        self._unsent_bytes = 0
        self._writer_wake = trio.Event()
        self._trio_token = trio.lowlevel.current_trio_token()
        self._trio_thread = threading.get_ident()
        self._ping_value = 0
        self._ping_sent_seconds: float | None = None

    # LIFE CYCLE

    async def run(self) -> None:
        """Read and write until the connection ends; ``reason`` then says why."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write_refused_bytes)
                await self._read_until_end()
                nursery.cancel_scope.cancel()
        finally:
            self._release()

    def fail(self, reason: str, *, is_violation: bool = False) -> None:
        """End the connection, from any thread. The first reason given is kept."""
        with self.lock:
            if self.reason is None:
                self.reason = reason
                self.is_violation = is_violation
            if self._socket.fileno() >= 0:
                # Wakes the reader with end-of-file; fails where the peer closed first.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def say_goodbye(self) -> None:
        """Tell the peer that the end is orderly, then end the connection."""
        self._write_frame(FrameType.GO_AWAY, Flag.NONE, 0, 0)
        self.fail("closed by us")

    def _release(self) -> None:
        with self.lock:
            if self.reason is None:
                self.reason = "cancelled"
            self._socket.close()
            self._unsent.clear()
            streams = list(self._streams.values())
            self._streams.clear()
        for stream in streams:
            stream.mark_ended(self.reason)
        self._accept_send.close()
        self.settled.set()
        self.closed.set()

    # READING

    async def _read_until_end(self) -> None:
        try:
            if self._early_plaintext:
                self._handle_plaintext(self._early_plaintext)
            while True:
                await trio.lowlevel.wait_readable(self._socket.fileno())
                try:
                    data = self._socket.recv(READ_BYTES)
                except BlockingIOError:
                    continue
                if not data:
                    self.fail("closed by the peer")
                    return
                self.last_received_seconds = trio.current_time()
                frames = 0
                for plaintext in self._opener.open(data):
                    frames += self._handle_plaintext(plaintext)
                await self._pause_for_rate(len(data), frames)
        except ProtocolViolation as violation:
            self.fail(f"{type(violation).__name__}: {violation}", is_violation=True)
        except (OSError, trio.ClosedResourceError) as error:
            self.fail(f"read failed: {error}")

    async def _pause_for_rate(self, received_bytes: int, frames: int) -> None:
        if self._rate_limit is None:
            return
        pause_seconds = self._rate_limit.charge(trio.current_time(), received_bytes, frames)
        if pause_seconds > 0:
            self.throttled += 1
            await trio.sleep(pause_seconds)
            self.last_received_seconds = trio.current_time()

    def _handle_plaintext(self, plaintext: bytes) -> int:
        frames = 0
        for header, body in self._parser.parse(plaintext):
            if body is not None:
                stream = self._streams.get(header.stream_id)
                if stream is not None:
                    frames += stream.accept_bytes(body)
                continue
            frames += 1
            if header.frame_type == FrameType.PING:
                frames += PING_COST_FRAMES
                self._handle_ping(header)
            elif header.frame_type == FrameType.GO_AWAY:
                self.fail("closed by the peer: go away")
            else:
                self._handle_stream_frame(header)
        return frames

    def _handle_ping(self, header: FrameHeader) -> None:
        if header.flags & Flag.SYN:
            if not self._unsent_bytes:  # a peer that does not read gets no answers
                self._write_frame(FrameType.PING, Flag.ACK, 0, header.length)
            return
        is_answer = self._ping_sent_seconds is not None and header.length == self._ping_value
        if is_answer and self._ping_sent_seconds is not None:
            sample = trio.current_time() - self._ping_sent_seconds
            self._ping_sent_seconds = None
            smoothed = self.round_trip_seconds
            self.round_trip_seconds = sample if smoothed is None else (smoothed * 7 + sample) / 8

    def _handle_stream_frame(self, header: FrameHeader) -> None:
        if header.flags & Flag.SYN:
            self._admit_stream(header.stream_id)
        stream = self._streams.get(header.stream_id)
        if stream is None:
            return  # a stream that we closed: what was in flight is skipped
        if header.frame_type == FrameType.WINDOW_UPDATE:
            with self.lock:
                stream.grow_send_credit(header.length)
            self.wake_writer()
        else:
            stream.charge_window(header.length)
        if header.flags & Flag.RST:
            self.forget_stream(stream.stream_id)
            stream.mark_ended("reset by the peer")
        elif header.flags & Flag.FIN:
            # Ours are long-lived: whoever half-closes is done. Bytes before it were delivered.
            stream.mark_remote_finished()

    def _admit_stream(self, stream_id: int) -> None:
        is_remote_id = stream_id % 2 == (0 if self.is_dialer else 1)
        if not is_remote_id or stream_id <= self._last_remote_stream_id:
            raise MuxViolation(f"stream id {stream_id} cannot be opened by the peer")
        if stream_id > 2 * MAXIMUM_STREAMS:
            raise MuxViolation(f"more than {MAXIMUM_STREAMS} streams on one connection")
        self._last_remote_stream_id = stream_id
        stream = MuxStream(stream_id, self)
        with self.lock:
            self._streams[stream_id] = stream
        self._accept_send.send_nowait(stream)  # has room for MAXIMUM_STREAMS
        self._write_frame(FrameType.WINDOW_UPDATE, Flag.ACK, stream_id, 0)

    # STREAMS

    def open_stream(self) -> MuxStream:
        """Open a stream to the peer."""
        with self.lock:
            stream_id = self._next_stream_id
            if stream_id > 2 * MAXIMUM_STREAMS:
                raise MuxViolation(f"more than {MAXIMUM_STREAMS} streams on one connection")
            self._next_stream_id += 2
            stream = self._streams[stream_id] = MuxStream(stream_id, self)
            self._write_frame(FrameType.WINDOW_UPDATE, Flag.SYN, stream_id, 0)
        return stream

    async def accept_stream(self) -> MuxStream:
        """Wait for a stream from the peer.

        Raises
        ------
        trio.EndOfChannel
            The connection ended.
        """
        return await self._accept_receive.receive()

    def forget_stream(self, stream_id: int) -> None:
        """Drop a closed stream's bookkeeping."""
        with self.lock:
            self._streams.pop(stream_id, None)

    # WRITING

    @property
    def has_unsent_bytes(self) -> bool:
        """Whether the kernel refused bytes that still wait."""
        return self._unsent_bytes > 0

    def write(self, pieces: Sequence[bytes | memoryview]) -> int:
        """Seal frames and hand them to the kernel, from any thread; return their size."""
        plaintext = b"".join(pieces)
        with self.lock:
            if self.reason is None:
                self._send(self._sealer.seal(plaintext))
        return len(plaintext)

    def send_window_update(self, stream_id: int, increment_bytes: int) -> None:
        """Allow the peer more bytes on a stream."""
        self._write_frame(FrameType.WINDOW_UPDATE, Flag.NONE, stream_id, increment_bytes)

    def end_stream(self, stream_id: int, flag: Flag) -> None:
        """Send FIN or RST for a stream."""
        self._write_frame(FrameType.WINDOW_UPDATE, flag, stream_id, 0)

    def send_ping(self) -> None:
        """Ask for a heartbeat answer; an unanswered earlier one keeps its start time."""
        if self._unsent_bytes:
            return
        if self._ping_sent_seconds is None:
            self._ping_value = (self._ping_value + 1) % 2**32
            self._ping_sent_seconds = trio.current_time()
        self._write_frame(FrameType.PING, Flag.SYN, 0, self._ping_value)

    def wake_writer(self) -> None:
        """Let the writer task look for work, from any thread."""
        if threading.get_ident() == self._trio_thread:
            self._writer_wake.set()
            return
        with contextlib.suppress(trio.RunFinishedError):  # stopped: nothing is written any more
            self._trio_token.run_sync_soon(self._set_writer_wake, idempotent=True)

    def _set_writer_wake(self) -> None:
        self._writer_wake.set()

    def _write_frame(self, frame_type: FrameType, flags: int, stream_id: int, length: int) -> None:
        self.write((encode_header(frame_type, flags, stream_id, length),))

    def _send(self, record: bytes) -> None:
        """Send or keep a record; the caller holds the lock."""
        sent = 0
        if not self._unsent:
            try:
                sent = self._socket.send(record)
            except BlockingIOError:
                pass
            except OSError as error:
                self.fail(f"write failed: {error}")
                return
        if sent == len(record):
            return
        self._unsent.append(memoryview(record)[sent:])
        self._unsent_bytes += len(record) - sent
        if self._unsent_bytes > MAXIMUM_UNSENT_BYTES:
            self.fail("the peer does not read")
        self.wake_writer()

    def _send_unsent(self) -> bool:
        """Give refused bytes to the kernel; True when none are left."""
        with self.lock:
            while self._unsent:
                piece = self._unsent[0]
                try:
                    sent = self._socket.send(piece)
                except BlockingIOError:
                    return False
                except OSError as error:
                    self.fail(f"write failed: {error}")
                    self._unsent.clear()
                    self._unsent_bytes = 0
                    return True
                self._unsent_bytes -= sent
                if sent == len(piece):
                    self._unsent.popleft()
                else:
                    self._unsent[0] = piece[sent:]
        return True

    async def _write_refused_bytes(self) -> None:
        while True:
            await self._writer_wake.wait()
            self._writer_wake = trio.Event()
            may_have_more = True
            while may_have_more:
                if not self._send_unsent():
                    with trio.move_on_after(self._write_timeout_seconds) as timeout:
                        await trio.lowlevel.wait_writable(self._socket.fileno())
                    if timeout.cancelled_caught:
                        self.fail(f"write timeout after {self._write_timeout_seconds} s")
                        return
                    continue
                may_have_more = self.on_writable is not None and self.on_writable()
                await trio.lowlevel.checkpoint()
