"""The network thread: trio, the libp2p host, dialling, heartbeats."""

# libp2p's types are Any where the type checker skips the package.
# mypy: allow-subclassing-any, no-warn-return-any, no-warn-unused-ignores

from __future__ import annotations

import contextlib
import ipaddress
import logging
import random
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import StreamHandlerFn, TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # ships no types

from actors.transport._libp2p_patches import (
    BraidHost,
    HostSettings,
    build_host,
    forget_failed_dial,
    key_pair_from_seed,
    peer_id_from_public_key,
)
from actors.transport.channels import POLICIES
from actors.transport.config import TransportConfig
from actors.transport.errors import (
    OtherGenesis,
    OtherProtocolVersion,
    ProtocolViolation,
    StartError,
)
from actors.transport.hello import Hello, exchange_hello
from actors.transport.interface import Channel, ConnectionState
from actors.transport.libp2p_muxing import MuxedStream
from actors.transport.mux_stream import StreamEndedError
from actors.transport.muxer import Muxer
from actors.transport.peer_link import PeerLink

logger = logging.getLogger(__name__)

LATE_TICK_SECONDS = 0.5
"""A heartbeat tick this late means that we were stalled, not the peers."""

_FAMILIES = {
    None: trio.socket.AF_UNSPEC,
    4: trio.socket.AF_INET,
    6: trio.socket.AF_INET6,
}
"""Of socket addresses, by IP version."""


@dataclass(slots=True)
class _Remote:
    """What the network thread knows about a peer besides its link."""

    link: PeerLink
    peer_id: ID
    host: str
    port: int
    ip_version: int | None


class Libp2pHost:
    """Runs the libp2p host in its own thread, for the whole life of a transport.

    Parameters
    ----------
    config
        The transport's configuration.
    links
        One per other validator; connections are attached to them.
    on_started, on_stopped
        Called once each in the network thread: with the listen address; with the error
        that ended the thread, or None after ``stop``.
    """

    def __init__(
        self,
        config: TransportConfig,
        links: dict[int, PeerLink],
        on_started: Callable[[tuple[str, int]], None],
        on_stopped: Callable[[BaseException | None], None],
    ) -> None:
        self.rejected_connections = 0
        self._config = config
        self._timing = config.timing
        self._on_started = on_started
        self._on_stopped = on_stopped
        self._hello = Hello(config.protocol_version, config.genesis_digest)
        self._random = random.Random(config.random_seed)
        self._identity = key_pair_from_seed(config.network_seed)
        self._own_id = ID.from_pubkey(self._identity.public_key)
        self._remotes = {
            peer.index: _Remote(
                links[peer.index],
                peer_id_from_public_key(peer.public_key),
                peer.host,
                peer.port,
                peer.ip_version,
            )
            for peer in config.other_peers
        }
        self._by_peer_id = {remote.peer_id: remote for remote in self._remotes.values()}
        self._token: trio.lowlevel.TrioToken | None = None
        self._start_error: StartError | None = None
        self._stop = threading.Event()
        self._stop_trio: trio.Event | None = None
        self._address_changed: trio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="braid-libp2p", daemon=True)

    # CALLED FROM OUTSIDE THE THREAD

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; ``on_stopped`` follows."""
        self._stop.set()
        self._call(self._notice_stop)

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the thread's end; False after the timeout."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def set_address(self, peer: int, host: str, port: int) -> None:
        """Dial a peer elsewhere from now on."""
        remote = self._remotes[peer]
        remote.host, remote.port, remote.ip_version = host, port, None
        self._call(self._notice_address)

    def _call(self, function: Callable[[], None]) -> None:
        token = self._token
        if token is not None:
            with contextlib.suppress(trio.RunFinishedError):  # the thread ended already
                token.run_sync_soon(function)

    # IN THE THREAD

    def _run(self) -> None:
        try:
            trio.run(self._main)
        finally:
            # A bug ends the thread: its traceback goes to threading's hook, and the actor hears.
            self._on_stopped(self._start_error or sys.exception())

    def _notice_stop(self) -> None:
        if self._stop_trio is not None:
            self._stop_trio.set()

    def _notice_address(self) -> None:
        if self._address_changed is not None:
            self._address_changed.set()
            self._address_changed = trio.Event()

    async def _main(self) -> None:
        self._stop_trio = trio.Event()
        self._address_changed = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        if self._stop.is_set():
            return
        host = build_host(self._identity, self._handlers(), self._settings())
        listen = _multiaddress(self._config.listen_host, self._config.listen_port)
        async with host.run(listen_addrs=[listen]):
            bound = host.get_transport_addrs()
            if not bound:
                self._start_error = StartError(
                    f"cannot listen on {self._config.listen_host}:{self._config.listen_port}: "
                    "is the address in use?"
                )
                return
            self._on_started(
                (self._config.listen_host, int(bound[0].value_for_protocol("tcp") or 0))
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._beat)
                for remote in self._remotes.values():
                    if self._is_dialer_to(remote.peer_id):
                        nursery.start_soon(self._keep_connected, host, remote)
                await self._stop_trio.wait()
                # First the listener: peers dial again as soon as they hear our goodbye.
                for listener in tuple(host.get_network().listeners.values()):
                    await listener.close()
                for remote in self._remotes.values():
                    if remote.link.muxer is not None:
                        remote.link.muxer.say_goodbye()
                nursery.cancel_scope.cancel()
            await self._close_connections(host)

    def _settings(self) -> HostSettings:
        timing = self._timing
        peer_ids = frozenset(self._by_peer_id)
        outbound = frozenset(peer_id for peer_id in peer_ids if self._is_dialer_to(peer_id))
        return HostSettings(
            allowed_inbound=peer_ids - outbound,
            allowed_outbound=outbound,
            observer=self,
            handshake_timeout_seconds=timing.handshake_timeout_seconds,
            write_timeout_seconds=timing.write_timeout_seconds,
            inbound_bytes_per_second=timing.inbound_bytes_per_second,
            inbound_frames_per_second=timing.inbound_frames_per_second,
        )

    def _is_dialer_to(self, peer_id: ID) -> bool:
        """Only the lower peer id dials: two simultaneous dials would leave two connections."""
        return self._own_id.to_bytes() < peer_id.to_bytes()

    # CONNECTIONS

    def connection_started(self, peer_id: ID, muxer: Muxer) -> None:
        """See ``ConnectionObserver``."""
        self._by_peer_id[peer_id].link.begin(muxer)

    def connection_ended(self, peer_id: ID, muxer: Muxer) -> None:
        """See ``ConnectionObserver``."""
        link = self._by_peer_id[peer_id].link
        if link.muxer is muxer:
            link.end(muxer)
            if link.refusal is not None:
                return  # That was said once, and dialling goes on.
            log = logger.warning if muxer.is_violation else logger.info
            log("connection to validator %d ended: %s", link.index, muxer.reason)

    def connection_refused(self, reason: str) -> None:
        """See ``ConnectionObserver``."""
        self.rejected_connections += 1
        logger.warning("connection refused: %s", reason)

    # CHANNEL STREAMS

    def _handlers(self) -> dict[str, StreamHandlerFn]:
        return {POLICIES[channel].protocol: self._handler(channel) for channel in Channel}

    def _handler(self, channel: Channel) -> StreamHandlerFn:
        async def handle(net_stream: INetStream) -> None:
            remote = self._by_peer_id.get(net_stream.muxed_conn.peer_id)
            if remote is not None:
                await self._serve(remote, channel, net_stream)

        return handle

    async def _serve(self, remote: _Remote, channel: Channel, net_stream: INetStream) -> None:
        """Run one channel of a connection until it ends, and the connection with it."""
        muxed = net_stream.muxed_stream  # type: ignore[attr-defined]  # NetStream's public field
        assert isinstance(muxed, MuxedStream)
        stream, muxer = muxed.stream, muxed.stream.muxer
        try:
            await exchange_hello(stream, self._hello, self._timing.handshake_timeout_seconds)
            remote.link.attach(muxer, channel, stream)
            if remote.link.state is ConnectionState.CONNECTED:
                logger.info("connected to validator %d", remote.link.index)
            await stream.ended.wait()
            muxer.fail(f"channel {channel.name} ended: {stream.end_reason}")
        except (OtherProtocolVersion, OtherGenesis) as difference:
            if remote.link.refuse(str(difference)):
                logger.warning("validator %d is refused: %s", remote.link.index, difference)
            muxer.fail(f"{type(difference).__name__}: {difference}", is_violation=True)
        except ProtocolViolation as violation:
            muxer.fail(f"{type(violation).__name__}: {violation}", is_violation=True)
        except StreamEndedError as error:
            muxer.fail(f"channel {channel.name} ended: {error}")
        finally:
            muxer.fail("cancelled")  # the reason is another one in every case but this
            with trio.CancelScope(shield=True):  # long-lived streams must be closed, or leak
                await net_stream.reset()

    # DIALLING

    async def _keep_connected(self, host: BraidHost, remote: _Remote) -> None:
        timing = self._timing
        backoff_seconds = timing.reconnect_minimum_seconds
        while True:
            address_changed = self._address_changed
            connections = remote.link.connections
            if remote.port:
                await self._connect_once(host, remote)
            if remote.link.connections > connections:
                backoff_seconds = timing.reconnect_minimum_seconds
            pause_seconds = backoff_seconds * self._random.uniform(0.5, 1.5)
            with trio.move_on_after(pause_seconds if remote.port else float("inf")):
                if address_changed is not None:
                    await address_changed.wait()
            backoff_seconds = min(2 * backoff_seconds, timing.reconnect_maximum_seconds)

    async def _connect_once(self, host: BraidHost, remote: _Remote) -> None:
        """Dial, open every channel, and stay until the connection ended."""
        timing = self._timing
        try:
            with trio.fail_after(timing.handshake_timeout_seconds):
                forget_failed_dial(host, remote.peer_id)
                await host.get_network().close_peer(remote.peer_id)
                host.get_peerstore().clear_addrs(remote.peer_id)
                address = await _resolve(remote)
                await host.connect(PeerInfo(remote.peer_id, [address]))
                streams = [
                    (
                        channel,
                        await host.new_stream(
                            remote.peer_id, [TProtocol(POLICIES[channel].protocol)]
                        ),
                    )
                    for channel in Channel
                ]
        except (OSError, UnicodeError, trio.TooSlowError, BaseLibp2pError) as error:
            remote.link.last_disconnect_reason = (
                f"dial failed: {str(error) or type(error).__name__}"
            )
            await host.get_network().close_peer(remote.peer_id)
            return
        async with trio.open_nursery() as nursery:
            for channel, net_stream in streams:
                nursery.start_soon(self._serve, remote, channel, net_stream)

    # HEARTBEATS

    async def _beat(self) -> None:
        """Ping every connection, and close those that have been silent for too long."""
        timing = self._timing
        due_seconds = trio.current_time()
        while True:
            due_seconds += timing.heartbeat_seconds
            await trio.sleep_until(due_seconds)
            now_seconds = trio.current_time()
            was_stalled = now_seconds - due_seconds > LATE_TICK_SECONDS
            due_seconds = max(due_seconds, now_seconds - timing.heartbeat_seconds)
            for remote in self._remotes.values():
                muxer = remote.link.muxer
                if muxer is None:
                    continue
                silence_seconds = now_seconds - muxer.last_received_seconds
                if silence_seconds > timing.dead_peer_seconds and not was_stalled:
                    muxer.fail(f"silent for {silence_seconds:.1f} s")
                else:
                    muxer.send_ping()

    # SHUTTING DOWN

    async def _close_connections(self, host: BraidHost) -> None:
        async with trio.open_nursery() as nursery:
            for peer_id in list(host.get_network().connections):
                nursery.start_soon(host.get_network().close_peer, peer_id)
        await host.close()


def _multiaddress(host: str, port: int) -> Multiaddr:
    family = "ip6" if ipaddress.ip_address(host).version == 6 else "ip4"
    return Multiaddr(f"/{family}/{host}/tcp/{port}")


async def _resolve(remote: _Remote) -> Multiaddr:
    """Resolve a name as the operating system does, so that container names work."""
    found = await trio.socket.getaddrinfo(
        remote.host, remote.port, family=_FAMILIES[remote.ip_version], type=trio.socket.SOCK_STREAM
    )
    address = found[0][4][0]
    return _multiaddress(str(address), remote.port)
