"""Everything that touches private names of libp2p 0.8.1 or of its parts, with the reason.

The dependency is pinned to that version. Each class or function here states what bites
without it; the rest of the package uses public interfaces only.
"""

# libp2p's types are Any where the type checker skips the package.
# mypy: allow-subclassing-any, no-warn-return-any, no-warn-unused-ignores

from __future__ import annotations

import logging
import socket
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import libp2p.network.swarm as swarm_module
import trio
from libp2p.abc import IMuxedConn, INetConn, INetStream, IRawConnection, ISecureConn
from libp2p.crypto.ed25519 import Ed25519PublicKey, create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
from libp2p.custom_types import StreamHandlerFn, TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.host.basic_host import BasicHost
from libp2p.io.abc import ReadWriteCloser
from libp2p.metrics.swarm import SwarmEvent
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.rcmgr.connection_limits import ConnectionLimits
from libp2p.rcmgr.manager import ResourceLimits, ResourceManager
from libp2p.security.base_session import BaseSession
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.io import NoiseTransportReadWriter
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE_PROTOCOL
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.security.secure_session import SecureSession
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX_PROTOCOL
from libp2p.transport.exceptions import MuxerUpgradeFailure
from libp2p.transport.tcp.tcp import TCP
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # ships no types

from actors.transport.libp2p_muxing import ConnectionObserver, MuxedConnection
from actors.transport.muxer import Muxer
from actors.transport.rate_limit import RateLimit
from actors.transport.records import RecordOpener, RecordSealer

HANDSHAKE_READ_LIMIT_BYTES = 16 * 1024
"""Most bytes read from a connection before it is authenticated and muxed."""

UNSENT_LOW_WATER_BYTES = 128 * 1024
"""Bytes in the kernel's send queue above which we keep messages in our own queues,
where a vote still overtakes a payload."""

PENDING_INBOUND = 32
"""Inbound connections that may be in their handshake at once, above one per peer."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a host needs besides its identity.

    Parameters
    ----------
    allowed_inbound, allowed_outbound
        Peer ids that may dial us; that we may dial.
    observer
        Told of every authenticated connection, and of refused ones.
    """

    allowed_inbound: frozenset[ID]
    allowed_outbound: frozenset[ID]
    observer: ConnectionObserver
    handshake_timeout_seconds: float
    write_timeout_seconds: float
    inbound_bytes_per_second: float
    inbound_frames_per_second: float


def key_pair_from_seed(seed: bytes) -> KeyPair:
    """Return the Ed25519 identity of a 32-byte seed."""
    return create_new_key_pair(seed)


def peer_id_from_public_key(public_key: bytes) -> ID:
    """Return the libp2p peer id of an Ed25519 public key."""
    return ID.from_pubkey(Ed25519PublicKey.from_bytes(public_key))


def build_host(
    identity: KeyPair,
    protocols: Mapping[str, StreamHandlerFn],
    settings: HostSettings,
) -> BraidHost:
    """Return a host that speaks TCP, Noise and yamux with the allowed peers, only that.

    ``libp2p.new_host`` would also offer TLS, secio and plaintext, ping and identify, and
    resource limits that follow the machine instead of the validator set.
    """
    _quieten_libp2p_logging()
    # A dial that succeeds at once still waits this long for the next address. There is
    # only one address per peer, so the wait is lost: 251 ms per connect.
    swarm_module._HAPPY_EYEBALLS_DELAY = 0.005
    peer_count = len(settings.allowed_inbound) + len(settings.allowed_outbound)
    maximum_connections = 2 * peer_count + PENDING_INBOUND
    peer_id = ID.from_pubkey(identity.public_key)
    peerstore = PeerStore()
    peerstore.add_key_pair(peer_id, identity)
    swarm = BraidSwarm(
        peer_id,
        peerstore,
        _Upgrader(identity, settings),
        transports=[TCP()],
        # Reconnecting is ours: with backoff, jitter and a reason in status().
        retry_config=RetryConfig(max_retries=0),
        connection_config=ConnectionConfig(
            max_connections=maximum_connections,
            high_watermark=maximum_connections,
            low_watermark=0,
            min_connections=0,
            # Two: a restarted peer's new connection exists beside the one it lost.
            max_connections_per_peer=2,
            dial_timeout=settings.handshake_timeout_seconds,
            inbound_upgrade_timeout=settings.handshake_timeout_seconds,
            outbound_upgrade_timeout=settings.handshake_timeout_seconds,
        ),
    )
    resources = ResourceManager(
        limits=ResourceLimits(
            max_connections=maximum_connections,
            max_streams=maximum_connections * 32,
        ),
        connection_limits=ConnectionLimits(
            max_established_per_peer=4,
            max_established_total=maximum_connections,
        ),
        # The breaker refuses every peer for a minute after five denials; the default
        # memory limits deny connections when the host (not this process) is 80 % full.
        enable_circuit_breaker=False,
        enable_graceful_degradation=False,
        enable_memory_limits=False,
        enable_metrics=False,
        connections_per_peer_per_sec=10.0,
        burst_connections_per_peer=50.0,
    )
    return BraidHost(
        network=swarm,
        default_protocols=OrderedDict(
            (TProtocol(protocol), handler) for protocol, handler in protocols.items()
        ),
        negotiate_timeout=int(settings.handshake_timeout_seconds) or 1,
        resource_manager=resources,
        disable_identify_address_discovery=True,
    )


def forget_failed_dial(host: BraidHost, peer_id: ID) -> None:
    """Allow the next dial now: a failed one blocks the peer for 60 s otherwise."""
    swarm = host.get_network()
    assert isinstance(swarm, BraidSwarm)
    swarm.unblock_peer(peer_id)


def muxer_of(connection: object) -> Muxer | None:
    """Return the muxer under a swarm connection."""
    muxed = getattr(connection, "muxed_conn", None)
    return muxed.muxer if isinstance(muxed, MuxedConnection) else None


def _quieten_libp2p_logging() -> None:
    # Every refused dial is an ERROR of libp2p, every closed connection a WARNING, some of
    # them on the root logger's behalf: an unreachable peer would fill the log. We log state
    # changes once ourselves.
    logging.getLogger("libp2p").setLevel(logging.CRITICAL)


class BraidHost(BasicHost):
    """A host without identify, that no stream can stop.

    Identify opens a stream on every connection and tells addresses and protocols; peers
    here know both from genesis, and each stream is attack surface.
    """

    def _schedule_identify(self, peer_id: ID, *, reason: str) -> None:
        return

    async def _push_identify_to_all_peers(self) -> None:
        return

    async def _on_notifee_connected(self, conn: INetConn) -> None:
        return

    async def _swarm_stream_handler(self, net_stream: INetStream) -> None:
        # The library decodes protocol names without catching bad UTF-8, and an exception
        # here ends the swarm's task manager: one hostile stream would stop the host.
        try:
            await super()._swarm_stream_handler(net_stream)
        except (UnicodeError, BaseLibp2pError) as error:
            connection = net_stream.muxed_conn
            assert isinstance(connection, MuxedConnection)
            connection.muxer.fail(f"stream negotiation: {error}", is_violation=True)
            await net_stream.reset()


class BraidSwarm(Swarm):
    """A swarm whose inbound slots come back, and whose handshakes are bounded in bytes.

    Swarm holds one slot per accepted connection until the whole swarm stops, long after
    the connection closed: after ``max_connections`` reconnects nobody gets in any more.
    Multiselect reads any announced length, before authentication. And a peer that opens
    no channel would keep its connection.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.auto_connector = _IdleAutoConnector(self)

    async def _do_handle_inbound_connection(
        self,
        read_write_closer: ReadWriteCloser,
        maddr: Multiaddr,
        failure_event: SwarmEvent,
    ) -> None:
        raw_connection = RawConnection(
            _BoundedStream(read_write_closer, HANDSHAKE_READ_LIMIT_BYTES), False
        )
        muxed = await self.upgrade_inbound_raw_conn(raw_connection, maddr)
        assert isinstance(muxed, MuxedConnection)
        muxer = muxed.muxer
        with trio.move_on_after(self.connection_config.inbound_upgrade_timeout):
            await muxer.settled.wait()
        if not muxer.settled.is_set():
            muxer.fail("the peer did not open its channels in time")
        await muxer.closed.wait()


class _IdleAutoConnector(AutoConnector):
    """Dials nobody.

    The library's dials known peers up to the middle of the watermarks, a low watermark of
    zero notwithstanding: beside our own dials, and to peers that should dial us.
    """

    async def start(self) -> None:
        return


class _BoundedStream(ReadWriteCloser):
    """A raw stream from which at most ``limit_bytes`` are read.

    The muxer reads the socket itself, so the limit ends with the handshake.
    """

    def __init__(self, inner: ReadWriteCloser, limit_bytes: int) -> None:
        self.inner = inner
        self._left_bytes = limit_bytes

    async def read(self, n: int | None = None) -> bytes:
        if self._left_bytes <= 0:
            await self.inner.close()
            return b""
        wanted = self._left_bytes if n is None else min(n, self._left_bytes)
        data = await self.inner.read(wanted)
        self._left_bytes -= len(data)
        return data

    async def write(self, data: bytes) -> None:
        await self.inner.write(data)

    async def close(self) -> None:
        await self.inner.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        return self.inner.get_remote_address()


class _Upgrader(TransportUpgrader):
    """Noise only, allow-listed peers only, and our own yamux engine.

    ``MuxerMultistream.new_conn`` puts the library's Yamux behind ``/yamux/1.0.0``
    whatever class is registered for it.
    """

    def __init__(self, identity: KeyPair, settings: HostSettings) -> None:
        super().__init__(
            {NOISE_PROTOCOL: _AllowListNoise(identity, settings)},
            {TProtocol(YAMUX_PROTOCOL): MuxedConnection},
            negotiate_timeout=int(settings.handshake_timeout_seconds) or 1,
        )
        self._settings = settings

    async def upgrade_connection(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        try:
            await self.muxer_multistream.select_transport(conn)
        except (MultiselectError, MultiselectClientError) as error:
            raise MuxerUpgradeFailure("the peer does not speak yamux") from error
        assert isinstance(conn, NoiseSession)
        settings = self._settings
        muxer = Muxer(
            conn.detach_socket(),
            conn.sealer,
            conn.opener,
            is_dialer=conn.is_initiator,
            early_plaintext=conn.take_plaintext(),
            rate_limit=RateLimit(
                settings.inbound_bytes_per_second, settings.inbound_frames_per_second
            ),
            write_timeout_seconds=settings.write_timeout_seconds,
        )
        return MuxedConnection(conn, peer_id, muxer, settings.observer)


class _AllowListNoise(NoiseTransport):
    """Noise that hands out sessions with validators of genesis only.

    The library's gate knows IP addresses, not peer ids. An authenticated stranger is
    closed before a muxer exists.
    """

    def __init__(self, identity: KeyPair, settings: HostSettings) -> None:
        super().__init__(identity, create_new_x25519_key_pair().private_key)
        self._settings = settings

    async def secure_inbound(self, conn: IRawConnection) -> ISecureConn:
        return await self._admit(
            conn, await super().secure_inbound(conn), self._settings.allowed_inbound
        )

    async def secure_outbound(self, conn: IRawConnection, peer_id: ID) -> ISecureConn:
        return await self._admit(
            conn, await super().secure_outbound(conn, peer_id), self._settings.allowed_outbound
        )

    async def _admit(
        self, conn: IRawConnection, session: ISecureConn, allowed: frozenset[ID]
    ) -> ISecureConn:
        remote = session.get_remote_peer()
        if remote not in allowed:
            await session.close()
            self._settings.observer.connection_refused(f"peer {remote} may not connect")
            raise HandshakeFailure(f"peer {remote} may not connect")
        assert isinstance(session, SecureSession)
        return NoiseSession(session, conn)


class NoiseSession(BaseSession):
    """A secured connection whose record state and socket the muxer can take over.

    The library reads 2 + n bytes per record and 12 + n per frame, each with its own task
    switches, and logs every one: 430 to 830 microseconds per small round trip. The keys
    are agreed by the library's handshake; only the record loop is ours.
    """

    def __init__(self, session: SecureSession, raw_connection: IRawConnection) -> None:
        super().__init__(
            local_peer=session.local_peer,
            local_private_key=session.local_private_key,
            remote_peer=session.remote_peer,
            remote_permanent_pubkey=session.remote_permanent_pubkey,
            is_initiator=session.is_initiator,
        )
        assert isinstance(session.conn, NoiseTransportReadWriter)
        protocol = session.conn.noise_state.noise_protocol
        sending = protocol.cipher_state_encrypt
        receiving = protocol.cipher_state_decrypt
        self.sealer = RecordSealer(sending.k, sending.n)
        self.opener = RecordOpener(receiving.k, receiving.n)
        self._raw = raw_connection
        self._plaintext = bytearray()

    async def read(self, n: int | None = None) -> bytes:
        while not self._plaintext:
            data = await self._raw.read(4096)
            if not data:
                return b""
            for plaintext in self.opener.open(data):
                self._plaintext += plaintext
        taken = bytes(self._plaintext[:n])
        del self._plaintext[: len(taken)]
        return taken

    async def write(self, data: bytes) -> None:
        await self._raw.write(self.sealer.seal(data))

    async def close(self) -> None:
        await self._raw.close()

    def take_plaintext(self) -> bytes:
        """Return what was read beyond the negotiation."""
        taken = bytes(self._plaintext)
        self._plaintext.clear()
        return taken

    def detach_socket(self) -> socket.socket:
        """Take the TCP socket out of the library's stream wrappers."""
        self.get_remote_address()  # cached by the wrapper while it has the socket
        stream = self._raw.stream  # type: ignore[attr-defined]  # RawConnection's own field
        if isinstance(stream, _BoundedStream):
            stream = stream.inner
        detached = socket.socket(fileno=stream.stream.socket.detach())
        detached.setblocking(False)
        detached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            detached.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_LOW_WATER_BYTES
            )
        return detached

    def get_remote_address(self) -> tuple[str, int] | None:
        return self._raw.get_remote_address()

    def get_transport_addresses(self) -> list[Multiaddr]:
        return self._raw.get_transport_addresses()

    def get_connection_type(self):  # type: ignore[no-untyped-def]  # see IRawConnection
        return self._raw.get_connection_type()
