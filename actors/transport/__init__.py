"""The network between validators: libp2p between processes, or memory in tests.

Importing this package does not import libp2p; ``libp2p_transport`` does.
"""

from actors.transport.errors import (
    ConfigurationError,
    MessageTooLargeError,
    NotRunningError,
    StartError,
    TransportError,
)
from actors.transport.interface import (
    Channel,
    ChannelCounters,
    ConnectionState,
    PeerStatus,
    Received,
    Transport,
    TransportStatus,
)

__all__ = [
    "Channel",
    "ChannelCounters",
    "ConfigurationError",
    "ConnectionState",
    "MessageTooLargeError",
    "NotRunningError",
    "PeerStatus",
    "Received",
    "StartError",
    "Transport",
    "TransportError",
    "TransportStatus",
]
