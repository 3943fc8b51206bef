"""Messages on a stream: a 4-byte big-endian length, then that many bytes."""

from __future__ import annotations

from collections import deque

from actors.transport.channels import LENGTH_PREFIX_BYTES, ChannelPolicy, Overflow
from actors.transport.errors import FrameViolation


class MessageDecoder:
    """Cuts a stream's bytes into messages.

    Memory follows what has arrived, not what a length announces: the length is checked
    first, and pieces of an unfinished message are joined only when it is complete.
    """

    __slots__ = ("_maximum_bytes", "_missing_bytes", "_pieces", "_prefix")

    def __init__(self, maximum_message_bytes: int) -> None:
        self._maximum_bytes = maximum_message_bytes
        self._prefix = b""
        self._pieces: list[bytes] = []
        self._missing_bytes = 0

    def feed(self, data: memoryview) -> list[bytes]:
        """Return the messages that ``data`` completes.

        Raises
        ------
        FrameViolation
            A length is zero or above the maximum; the stream cannot be read further.
        """
        messages: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            if self._missing_bytes:
                piece = bytes(data[position : position + self._missing_bytes])
                position += len(piece)
                self._missing_bytes -= len(piece)
                if self._missing_bytes:
                    self._pieces.append(piece)
                elif self._pieces:
                    self._pieces.append(piece)
                    messages.append(b"".join(self._pieces))
                    self._pieces.clear()
                else:
                    messages.append(piece)
                continue
            wanted = LENGTH_PREFIX_BYTES - len(self._prefix)
            prefix = self._prefix + data[position : position + wanted]
            position += wanted
            if len(prefix) < LENGTH_PREFIX_BYTES:
                self._prefix = prefix
                break
            self._prefix = b""
            length = int.from_bytes(prefix, "big")
            if not 1 <= length <= self._maximum_bytes:
                raise FrameViolation(length, self._maximum_bytes)
            self._missing_bytes = length
        return messages


class MessageQueue:
    """Bounded outbound queue of one (peer, channel), read as stream bytes.

    Not thread-safe: the owner holds its lock.
    """

    __slots__ = ("_messages", "_offset", "_partial", "_policy", "dropped", "queued_bytes")

    def __init__(self, policy: ChannelPolicy) -> None:
        self._policy = policy
        self._messages: deque[bytes] = deque()
        self._partial: bytes | None = None
        self._offset = 0
        self.queued_bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages) + (self._partial is not None)

    def push(self, payload: bytes) -> None:
        """Append a message; a full queue drops by the channel's policy and counts it."""
        policy = self._policy
        while self._messages and not self._has_room_for(payload):
            if policy.overflow is Overflow.DROP_NEWEST:
                self.dropped += 1
                return
            self.queued_bytes -= len(self._messages.popleft())
            self.dropped += 1
        self._messages.append(payload)
        self.queued_bytes += len(payload)

    def _has_room_for(self, payload: bytes) -> bool:
        has_slot = len(self._messages) < self._policy.queue_messages
        has_bytes = self.queued_bytes + len(payload) <= self._policy.queue_bytes
        return has_slot and has_bytes

    def take(self, maximum_bytes: int) -> tuple[list[bytes | memoryview], int, int]:
        """Remove up to ``maximum_bytes`` of stream bytes.

        Returns
        -------
        tuple
            The pieces in order, their total length, and how many messages they complete.
        """
        pieces: list[bytes | memoryview] = []
        room = maximum_bytes
        completed = 0
        if self._partial is not None:
            rest = memoryview(self._partial)[self._offset :]
            piece = rest[:room]
            pieces.append(piece)
            room -= len(piece)
            if len(piece) < len(rest):
                self._offset += len(piece)
                return pieces, maximum_bytes - room, completed
            self._partial = None
            completed += 1
        while self._messages and room > LENGTH_PREFIX_BYTES:
            payload = self._messages.popleft()
            self.queued_bytes -= len(payload)
            pieces.append(len(payload).to_bytes(LENGTH_PREFIX_BYTES, "big"))
            room -= LENGTH_PREFIX_BYTES
            if len(payload) > room:
                pieces.append(memoryview(payload)[:room])
                self._partial, self._offset = payload, room
                room = 0
                break
            pieces.append(payload)
            room -= len(payload)
            completed += 1
        return pieces, maximum_bytes - room, completed

    def rewind(self) -> None:
        """Put a partly sent message back: its stream is gone, so it goes out whole again."""
        if self._partial is not None:
            self._messages.appendleft(self._partial)
            self.queued_bytes += len(self._partial)
            self._partial = None
