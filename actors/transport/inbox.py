"""The bounded inbound queue between the network thread and the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Sequence

from actors.transport.channels import LENGTH_PREFIX_BYTES, POLICIES, Overflow
from actors.transport.errors import NotRunningError
from actors.transport.interface import Channel, Received

MESSAGES_PER_TURN = 256
"""Most messages of one (peer, channel) in one ``receive``: a flooder gets no more."""


class Inbox:
    """Messages per (peer, channel), taken fairly: channels by priority, peers in turn.

    ``put`` may be called from any thread; everything else from the event loop's.
    Each (peer, channel) holds at most the channel's ``queue_messages`` messages and
    ``receive_window_bytes`` bytes, prefixes included.
    """

    def __init__(self, peers: Iterable[int]) -> None:
        self._peers = tuple(peers)
        self._queues = {
            channel: {peer: deque[bytes]() for peer in self._peers} for channel in Channel
        }
        keys = [(peer, channel) for peer in self._peers for channel in Channel]
        self._queued_bytes = dict.fromkeys(keys, 0)
        self._lock = threading.Lock()
        self._waiting = 0
        self._first_peer = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._wake_is_due = False
        self._closed = False
        self.dropped = dict.fromkeys(keys, 0)

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Make a pending and every later ``receive`` raise NotRunningError."""
        self._closed = True
        self._wake.set()

    def queued_bytes(self, peer: int, channel: Channel) -> int:
        """Return the stream bytes (with prefixes) of the messages that wait."""
        return self._queued_bytes[peer, channel]

    def put(self, peer: int, channel: Channel, payloads: Sequence[bytes]) -> int:
        """Queue messages in order; return the stream bytes of those dropped."""
        policy = POLICIES[channel]
        key = (peer, channel)
        queue = self._queues[channel][peer]
        dropped_bytes = 0
        with self._lock:
            for payload in payloads:
                size = len(payload) + LENGTH_PREFIX_BYTES
                while queue and (
                    len(queue) >= policy.queue_messages
                    or self._queued_bytes[key] + size > policy.receive_window_bytes
                ):
                    self.dropped[key] += 1
                    if policy.overflow is Overflow.DROP_NEWEST:
                        dropped_bytes += size
                        break
                    oldest_size = len(queue.popleft()) + LENGTH_PREFIX_BYTES
                    dropped_bytes += oldest_size
                    self._queued_bytes[key] -= oldest_size
                    self._waiting -= 1
                else:
                    queue.append(payload)
                    self._queued_bytes[key] += size
                    self._waiting += 1
            must_wake = not self._wake_is_due and self._waiting > 0
            self._wake_is_due = self._wake_is_due or must_wake
        if must_wake and self._loop is not None and not self._closed:
            try:
                self._loop.call_soon_threadsafe(self._wake.set)
            except RuntimeError:  # the loop closed between the check and the call
                self._closed = True
        return dropped_bytes

    async def receive(self) -> list[Received]:
        """Wait until something is there, then take a fair share of all of it.

        Raises
        ------
        NotRunningError
            The inbox is closed.
        """
        while not self._waiting and not self._closed:
            self._wake.clear()
            with self._lock:
                self._wake_is_due = self._waiting > 0
            if not self._wake_is_due:
                await self._wake.wait()
        if self._closed:
            raise NotRunningError("the transport is closed")
        return self._take()

    def _take(self) -> list[Received]:
        received: list[Received] = []
        start = self._first_peer
        self._first_peer = (start + 1) % len(self._peers)
        turn = self._peers[start:] + self._peers[:start]
        with self._lock:
            for channel, queues in self._queues.items():
                waiting = [(peer, queues[peer]) for peer in turn if queues[peer]]
                for _ in range(MESSAGES_PER_TURN):
                    if not waiting:
                        break
                    for peer, queue in waiting:
                        payload = queue.popleft()
                        self._queued_bytes[peer, channel] -= len(payload) + LENGTH_PREFIX_BYTES
                        received.append(Received(peer, channel, payload))
                    waiting = [entry for entry in waiting if entry[1]]
            self._waiting -= len(received)
            self._wake_is_due = True  # nobody waits now: put() need not wake
        return received
