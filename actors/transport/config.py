"""Configuration of the libp2p transport."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from actors.transport.channels import MEBIBYTE
from actors.transport.errors import ConfigurationError
from ledger.genesis import PROTOCOL_VERSION

KEY_BYTES = 32
DIGEST_BYTES = 32
MAXIMUM_PORT = 65_535


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """A validator of genesis as the network sees it.

    Parameters
    ----------
    index
        Validator index.
    public_key
        Ed25519 public key of its network identity, 32 bytes.
    host, port
        Where it listens: IP address or name. Port 0 means not known yet; such a peer is
        dialled after ``set_peer_address``.
    ip_version
        4 or 6: which addresses of a name are dialled; None for whichever comes first.
    """

    index: int
    public_key: bytes
    host: str
    port: int
    ip_version: int | None = None


@dataclass(frozen=True, slots=True)
class TransportTiming:
    """Times and rates; the defaults suit a local and a wide-area network.

    Parameters
    ----------
    heartbeat_seconds
        Interval of pings on each connection.
    dead_peer_seconds
        Silence after which a connection is closed.
    write_timeout_seconds
        How long the kernel may refuse bytes to a peer before its connection is closed.
    handshake_timeout_seconds
        Limit of a dial, and of an inbound connection until all channels are open.
    reconnect_minimum_seconds, reconnect_maximum_seconds
        Bounds of the exponential backoff between dials, before jitter of up to half.
    inbound_bytes_per_second, inbound_frames_per_second
        Sustained rates read from one peer; beyond them reading pauses. So much may a flood of one
        peer make us handle: 4,000 votes a second are a tenth of a core, 16 MiB of transactions a
        sixth; full blocks at every fourth of 32 views a second are as much.
    """

    heartbeat_seconds: float = 1.0
    dead_peer_seconds: float = 2.5
    write_timeout_seconds: float = 2.0
    handshake_timeout_seconds: float = 5.0
    reconnect_minimum_seconds: float = 0.1
    reconnect_maximum_seconds: float = 5.0
    inbound_bytes_per_second: float = 16.0 * MEBIBYTE
    inbound_frames_per_second: float = 4_000.0


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """Everything one validator's transport needs.

    Parameters
    ----------
    index
        Own validator index.
    network_seed
        Own Ed25519 seed of the network identity, 32 bytes.
    listen_host, listen_port
        Where to listen; an IP address, and port 0 for any free one.
    peers
        Every validator of genesis; the own entry may be among them.
    genesis_digest
        32 bytes; peers with another genesis are refused.
    protocol_version
        Of the network; peers with another one are refused.
    random_seed
        Seed of the reconnect jitter.

    Raises
    ------
    ConfigurationError
        A length, port or index is wrong, or two peers share an index or a key.
    """

    index: int
    network_seed: bytes = field(repr=False)
    listen_host: str
    listen_port: int
    peers: tuple[PeerAddress, ...]
    genesis_digest: bytes
    protocol_version: int = PROTOCOL_VERSION
    random_seed: int = 0
    timing: TransportTiming = TransportTiming()

    def __post_init__(self) -> None:
        others = self.other_peers
        try:
            ipaddress.ip_address(self.listen_host)
        except ValueError:
            raise ConfigurationError(
                f"listen_host {self.listen_host!r} is no IP address; 0.0.0.0 listens everywhere"
            ) from None
        if len(self.network_seed) != KEY_BYTES:
            raise ConfigurationError(f"network_seed has {len(self.network_seed)} bytes, needs 32")
        if len(self.genesis_digest) != DIGEST_BYTES:
            raise ConfigurationError(
                f"genesis_digest has {len(self.genesis_digest)} bytes, needs 32"
            )
        if any(len(peer.public_key) != KEY_BYTES for peer in self.peers):
            raise ConfigurationError("every peer needs an Ed25519 public key of 32 bytes")
        if any(peer.ip_version not in (None, 4, 6) for peer in self.peers):
            raise ConfigurationError("ip_version is 4, 6 or None")
        ports = [self.listen_port, *(peer.port for peer in self.peers)]
        if any(not 0 <= port <= MAXIMUM_PORT for port in ports):
            raise ConfigurationError(f"a port is outside 0..{MAXIMUM_PORT}")
        if len({peer.index for peer in self.peers}) != len(self.peers):
            raise ConfigurationError("two peers have the same index")
        if len({peer.public_key for peer in self.peers}) != len(self.peers):
            raise ConfigurationError("two peers have the same public key")
        if not others:
            raise ConfigurationError("peers names no other validator")

    @property
    def other_peers(self) -> tuple[PeerAddress, ...]:
        """The peers without the own entry."""
        return tuple(peer for peer in self.peers if peer.index != self.index)
