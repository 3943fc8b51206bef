"""Everything about one peer that outlives a connection: queues, counters, state."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from actors.transport.channels import LENGTH_PREFIX_BYTES, POLICIES
from actors.transport.errors import MuxViolation
from actors.transport.framing import MessageDecoder, MessageQueue
from actors.transport.inbox import Inbox
from actors.transport.interface import (
    Channel,
    ChannelCounters,
    ConnectionState,
    PeerStatus,
)
from actors.transport.mux_frames import HEADER, Flag, FrameType, encode_header
from actors.transport.mux_stream import MuxStream
from actors.transport.muxer import Muxer

BATCH_BYTES = 60 * 1024
"""Plaintext per write: one Noise record, and the longest that a vote waits behind bulk."""


@dataclass(slots=True)
class _Traffic:
    """Mutable counters of one channel; each field has one writing thread."""

    sent_messages: int = 0
    sent_bytes: int = 0
    received_messages: int = 0
    received_bytes: int = 0


class PeerLink:
    """One peer's outbound queues and the connection that currently serves them.

    The event loop's thread queues and pumps; the network thread attaches connections,
    delivers, and pumps what the kernel refused. ``_lock`` guards queues and connection;
    it is always taken before the muxer's.
    """

    def __init__(self, index: int, peer_id: str, inbox: Inbox) -> None:
        self.index = index
        self.peer_id = peer_id
        self.state = ConnectionState.DISCONNECTED
        self.last_disconnect_reason: str | None = None
        self.refusal: str | None = None
        self.connections = 0
        self.violations = 0
        self._throttled_before = 0
        self._inbox = inbox
        self._lock = threading.RLock()
        self._queues = {channel: MessageQueue(POLICIES[channel]) for channel in Channel}
        self._traffic = {channel: _Traffic() for channel in Channel}
        self._muxer: Muxer | None = None
        self._streams: dict[Channel, MuxStream] = {}
        self._stale_bytes = dict.fromkeys(Channel, 0)

    # CALLED FROM THE EVENT LOOP

    def queue(self, channel: Channel, payload: bytes) -> None:
        """Queue a message; overflow drops by the channel's policy."""
        with self._lock:
            self._queues[channel].push(payload)

    def pump(self, maximum_bytes: int) -> bool:
        """Write queued messages, urgent channels first, until blocked or ``maximum_bytes``.

        Returns
        -------
        bool
            Whether sendable messages may be left.
        """
        with self._lock:
            muxer = self._muxer
            is_connected = self.state is ConnectionState.CONNECTED
            if muxer is None or not is_connected or muxer.reason is not None:
                return False
            written_bytes = 0
            while written_bytes < maximum_bytes:
                if muxer.has_unsent_bytes:
                    return True
                with muxer.lock:
                    batch = self._take_batch()
                    if not batch:
                        return False
                    written_bytes += muxer.write(batch)
            return True

    def pump_or_wake(self, maximum_bytes: int) -> None:
        """Pump from the event loop and leave the rest to the writer task."""
        if self.pump(maximum_bytes):
            muxer = self._muxer
            if muxer is not None:
                muxer.wake_writer()

    def return_credit(self, channel: Channel, consumed_bytes: int) -> None:
        """Let the peer send as many stream bytes again."""
        with self._lock:
            stale = min(self._stale_bytes[channel], consumed_bytes)
            self._stale_bytes[channel] -= stale
            stream = self._streams.get(channel)
        if stream is not None and consumed_bytes > stale:
            stream.return_credit(consumed_bytes - stale)

    def status(self) -> PeerStatus:
        """Return a snapshot."""
        muxer = self._muxer
        return PeerStatus(
            state=self.state,
            peer_id=self.peer_id,
            round_trip_seconds=muxer.round_trip_seconds if muxer is not None else None,
            connections=self.connections,
            violations=self.violations,
            throttled=self._throttled_before + (muxer.throttled if muxer is not None else 0),
            last_disconnect_reason=self.last_disconnect_reason,
            channels={channel: self._channel_counters(channel) for channel in Channel},
            refusal=self.refusal,
        )

    def _channel_counters(self, channel: Channel) -> ChannelCounters:
        traffic = self._traffic[channel]
        return ChannelCounters(
            sent_messages=traffic.sent_messages,
            sent_bytes=traffic.sent_bytes,
            received_messages=traffic.received_messages,
            received_bytes=traffic.received_bytes,
            dropped_outbound=self._queues[channel].dropped,
            dropped_inbound=self._inbox.dropped[self.index, channel],
        )

    def _take_batch(self) -> list[bytes | memoryview]:
        batch: list[bytes | memoryview] = []
        room = BATCH_BYTES
        for channel, queue in self._queues.items():
            if not queue:
                continue
            stream = self._streams[channel]
            body_room = min(room - HEADER.size, stream.send_credit_bytes)
            if body_room <= LENGTH_PREFIX_BYTES:
                continue
            pieces, size, completed = queue.take(body_room)
            stream.send_credit_bytes -= size
            batch.append(encode_header(FrameType.DATA, Flag.NONE, stream.stream_id, size))
            batch += pieces
            room -= HEADER.size + size
            traffic = self._traffic[channel]
            traffic.sent_messages += completed
            traffic.sent_bytes += size
        return batch

    # CALLED FROM THE NETWORK THREAD

    @property
    def muxer(self) -> Muxer | None:
        """The current connection, if any."""
        return self._muxer

    def begin(self, muxer: Muxer) -> None:
        """Make ``muxer`` the peer's connection; an older one is given up."""
        with self._lock:
            replaced = self._muxer
            if replaced is not None and replaced.serial > muxer.serial:
                muxer.fail("replaced by a newer connection")
                return
            if replaced is not None:
                replaced.fail("replaced by a newer connection")
                self.end(replaced)
            self._muxer = muxer
            self.state = ConnectionState.HANDSHAKING

    def attach(self, muxer: Muxer, channel: Channel, stream: MuxStream) -> None:
        """Use ``stream`` for a channel; with the last one the peer is connected.

        Raises
        ------
        MuxViolation
            The channel has a stream already.
        """
        policy = POLICIES[channel]
        decoder = MessageDecoder(policy.maximum_message_bytes)
        traffic = self._traffic[channel]

        def consume(data: memoryview) -> int:
            messages = decoder.feed(data)
            traffic.received_bytes += len(data)
            if messages:
                traffic.received_messages += len(messages)
                dropped_bytes = self._inbox.put(self.index, channel, messages)
                if dropped_bytes:
                    self.return_credit(channel, dropped_bytes)
            return len(messages)

        with self._lock:
            if self._muxer is not muxer:
                return
            if channel in self._streams:
                raise MuxViolation(f"a second {channel.name} stream")
            self._streams[channel] = stream
            self._stale_bytes[channel] = self._inbox.queued_bytes(self.index, channel)
        stream.push_to(consume, policy.receive_window_bytes, policy.credit_threshold_bytes)
        with self._lock:
            if self._muxer is muxer and len(self._streams) == len(Channel):
                self.state = ConnectionState.CONNECTED
                self.refusal = None
                self.connections += 1
                muxer.on_writable = self._pump_batch
                muxer.wake_writer()
                muxer.settled.set()

    def refuse(self, reason: str) -> bool:
        """Note that the peer belongs to another network; tells whether that is news."""
        is_news = self.refusal != reason
        self.refusal = reason
        return is_news

    def end(self, muxer: Muxer) -> None:
        """Note that a connection ended; does nothing for one that was replaced."""
        with self._lock:
            if self._muxer is not muxer:
                return
            self._muxer = None
            self._streams.clear()
            self._throttled_before += muxer.throttled
            self.state = ConnectionState.DISCONNECTED
            self.last_disconnect_reason = muxer.reason
            self.violations += muxer.is_violation
            for queue in self._queues.values():
                queue.rewind()

    def _pump_batch(self) -> bool:
        return self.pump(BATCH_BYTES)
