"""What the actors see of the network: channels, messages, status.

Peers are validator indices. Payloads are opaque bytes: the codec lives in ``ledger/``.
Two backends implement :class:`Transport`: ``libp2p_transport`` between processes and
``memory`` for tests inside one event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol


class Channel(IntEnum):
    """A message class with its own libp2p protocol, stream, limits and queues.

    The value is the priority: a lower channel's waiting messages leave first.
    """

    CONSENSUS = 0
    ATTESTATION = 1
    TRANSACTIONS = 2
    PAYLOAD = 3
    BACKFILL = 4


class ConnectionState(StrEnum):
    """Where the connection to one peer stands."""

    DISCONNECTED = "disconnected"
    HANDSHAKING = "handshaking"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class Received:
    """One message from a peer.

    Parameters
    ----------
    peer
        Validator index of the authenticated sender.
    channel
        The channel on which it came.
    payload
        Opaque bytes, 1 to the channel's ``maximum_message_bytes``.
    """

    peer: int
    channel: Channel
    payload: bytes


@dataclass(frozen=True, slots=True)
class ChannelCounters:
    """What passed on one channel with one peer since the transport started."""

    sent_messages: int = 0
    sent_bytes: int = 0
    received_messages: int = 0
    received_bytes: int = 0
    dropped_outbound: int = 0
    dropped_inbound: int = 0


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """Connection state and counters of one peer.

    Parameters
    ----------
    peer_id
        Name of its network identity: the libp2p peer id.
    round_trip_seconds
        Smoothed heartbeat round trip, or None before the first one.
    connections
        Connections completed so far (1 after the first; more after reconnects).
    violations
        Connections closed because the peer broke the protocol.
    throttled
        How often reading from the peer paused because it exceeded its rate.
    last_disconnect_reason
        Why the latest connection or attempt ended, or None.
    refusal
        Why the two sides cannot belong to one network, as the latest hello said; None
        after a hello that matched.
    """

    state: ConnectionState
    peer_id: str
    round_trip_seconds: float | None
    connections: int
    violations: int
    throttled: int
    last_disconnect_reason: str | None
    channels: Mapping[Channel, ChannelCounters]
    refusal: str | None = None

    @property
    def is_connected(self) -> bool:
        """Whether messages pass now."""
        return self.state is ConnectionState.CONNECTED


@dataclass(frozen=True, slots=True)
class TransportStatus:
    """State of the whole transport.

    Parameters
    ----------
    listen_address
        Host and actual port, or None where nothing listens.
    rejected_connections
        Connections refused because the remote key is no validator of genesis
        (or one that must wait to be dialled by us).
    """

    listen_address: tuple[str, int] | None
    rejected_connections: int
    peers: Mapping[int, PeerStatus]


class Transport(Protocol):
    """Sends to and receives from validators, best effort, in order per channel.

    ``start`` binds the transport to the running event loop; every other method is
    called from that loop.
    """

    async def start(self) -> None:
        """Listen and begin to connect.

        Raises
        ------
        StartError
            The address cannot be listened on.
        """
        ...

    async def close(self) -> None:
        """Close every connection and stop. A pending ``receive`` raises NotRunningError."""
        ...

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        """Queue one message for a peer; never blocks.

        On overflow the channel's policy drops the oldest or the newest message of
        that (peer, channel) queue and counts it. Messages wait while disconnected.

        Raises
        ------
        MessageTooLargeError
            The payload is empty or exceeds the channel's limit.
        NotRunningError, KeyError
            Not running; not a peer.
        """
        ...

    def broadcast(self, channel: Channel, payload: bytes) -> None:
        """Queue one message for every peer; see :meth:`send`."""
        ...

    async def receive(self) -> list[Received]:
        """Return what waits, at least one message, fairly interleaved across peers.

        Raises
        ------
        NotRunningError
            The transport is not running or closes meanwhile.
        """
        ...

    def status(self) -> TransportStatus:
        """Return connection states and counters."""
        ...
