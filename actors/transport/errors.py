"""Errors of the transport package.

::

    TransportError
    ├── ConfigurationError      the caller's configuration cannot work
    ├── StartError              the host could not start (address in use, ...)
    ├── NotRunningError         used before start() or after close()
    ├── MessageTooLargeError    a message to send exceeds its channel's limit
    └── ProtocolViolation       a peer broke the protocol; its connection is closed
        ├── FrameViolation      message framing: empty or oversized message
        ├── MuxViolation        stream multiplexer: unknown frame, window exceeded, ...
        ├── RecordViolation     a secured record is empty or fails authentication
        └── HelloViolation      a hello that is malformed or does not come
            ├── OtherProtocolVersion
            └── OtherGenesis
"""

from __future__ import annotations


class TransportError(Exception):
    """Base of all transport errors."""


class ConfigurationError(TransportError):
    """The configuration is inconsistent; the message says what to change."""


class StartError(TransportError):
    """The transport could not start."""


class NotRunningError(TransportError):
    """The transport was used before ``start()`` or after ``close()``."""


class MessageTooLargeError(TransportError):
    """A message to send is empty or longer than its channel allows."""

    def __init__(self, channel: str, got_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"a {channel} message has 1 to {limit_bytes} bytes, this one has {got_bytes}"
        )
        self.channel = channel
        self.got_bytes = got_bytes
        self.limit_bytes = limit_bytes


class ProtocolViolation(TransportError):
    """A peer broke the protocol. A value to handle: the connection is closed and counted."""


class FrameViolation(ProtocolViolation):
    """A message frame is empty or longer than its channel allows."""

    def __init__(self, got_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"message length {got_bytes} is outside 1..{limit_bytes} bytes")
        self.got_bytes = got_bytes
        self.limit_bytes = limit_bytes


class MuxViolation(ProtocolViolation):
    """A multiplexer frame that the specification or our limits do not allow."""


class RecordViolation(ProtocolViolation):
    """A Noise record that is too short or fails authentication."""


class HelloViolation(ProtocolViolation):
    """The peer does not say in time, or not in our words, which network it belongs to."""


class OtherProtocolVersion(HelloViolation):
    """The peer's network has another protocol version than ours."""

    def __init__(self, got: int, expected: int) -> None:
        super().__init__(
            f"it speaks protocol version {got}, this node {expected}: one of the two has to change"
        )
        self.got = got
        self.expected = expected


class OtherGenesis(HelloViolation):
    """The peer belongs to another network, or to another start of ours."""

    def __init__(self, got: bytes, expected: bytes) -> None:
        super().__init__(
            f"it has the genesis {got.hex()[:16]}, this node {expected.hex()[:16]}: "
            "use one genesis file on both"
        )
        self.got = got
        self.expected = expected
