"""The libp2p backend, as an asyncio actor uses it.

libp2p runs on trio in its own thread, so a stalled actor loop does not stop heartbeats or
reads. Sending does not cross threads: messages queued in one turn of the event loop are
coalesced and given to the kernel at the end of that turn.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from actors.transport._libp2p_patches import peer_id_from_public_key
from actors.transport.channels import LENGTH_PREFIX_BYTES, check_message_size
from actors.transport.config import TransportConfig
from actors.transport.errors import NotRunningError, StartError, TransportError
from actors.transport.inbox import Inbox
from actors.transport.interface import Channel, Received, TransportStatus
from actors.transport.libp2p_host import Libp2pHost
from actors.transport.peer_link import BATCH_BYTES, PeerLink

STOP_TIMEOUT_SECONDS = 10.0


class Libp2pTransport:
    """Noise-secured, allow-listed connections to every other validator.

    Implements ``Transport``; see ``interface.py`` for the contract. An instance is started
    once; after ``close`` make a new one.
    """

    def __init__(self, config: TransportConfig) -> None:
        self._inbox = Inbox(peer.index for peer in config.other_peers)
        self._links = {
            peer.index: PeerLink(
                peer.index, str(peer_id_from_public_key(peer.public_key)), self._inbox
            )
            for peer in config.other_peers
        }
        self._host = Libp2pHost(config, self._links, self._on_started, self._on_stopped)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started: asyncio.Future[tuple[str, int]] | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        self._address: tuple[str, int] | None = None
        self._is_running = False
        self._unflushed: set[int] = set()

    async def start(self) -> None:
        """See ``Transport.start``."""
        if self._loop is not None:
            raise NotRunningError("a transport is started once: make a new one")
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.create_future()
        self._stopped = self._loop.create_future()
        self._inbox.open()
        self._host.start()
        try:
            self._address = await self._started
        except asyncio.CancelledError:
            self._host.stop()
            raise
        self._is_running = True

    async def close(self) -> None:
        """See ``Transport.close``."""
        self._is_running = False
        self._inbox.close()
        if self._stopped is None:
            return
        self._host.stop()
        await asyncio.wait_for(asyncio.shield(self._stopped), STOP_TIMEOUT_SECONDS)
        if not self._host.join(STOP_TIMEOUT_SECONDS):
            raise TransportError("the network thread did not end")

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        """See ``Transport.send``."""
        self._require_running()
        check_message_size(channel, payload)
        self._links[peer].queue(channel, payload)
        self._flush_soon(peer)

    def broadcast(self, channel: Channel, payload: bytes) -> None:
        """See ``Transport.broadcast``."""
        self._require_running()
        check_message_size(channel, payload)
        for peer, link in self._links.items():
            link.queue(channel, payload)
            self._flush_soon(peer)

    async def receive(self) -> list[Received]:
        """See ``Transport.receive``."""
        self._require_running()
        try:
            received = await self._inbox.receive()
        except NotRunningError:
            if self._failure is not None:
                raise NotRunningError("the network thread failed") from self._failure
            raise
        consumed: defaultdict[tuple[int, Channel], int] = defaultdict(int)
        for message in received:
            consumed[message.peer, message.channel] += len(message.payload) + LENGTH_PREFIX_BYTES
        for (peer, channel), consumed_bytes in consumed.items():
            self._links[peer].return_credit(channel, consumed_bytes)
        return received

    def status(self) -> TransportStatus:
        """See ``Transport.status``."""
        return TransportStatus(
            listen_address=self._address,
            rejected_connections=self._host.rejected_connections,
            peers={index: link.status() for index, link in self._links.items()},
        )

    def set_peer_address(self, peer: int, host: str, port: int) -> None:
        """Dial a peer at another address from now on (it moved, or has just been told).

        Raises
        ------
        KeyError
            Not a peer.
        """
        self._host.set_address(peer, host, port)

    def _require_running(self) -> None:
        if not self._is_running:
            raise NotRunningError("start() the transport first") from self._failure

    def _flush_soon(self, peer: int) -> None:
        if not self._unflushed and self._loop is not None:
            self._loop.call_soon(self._flush)
        self._unflushed.add(peer)

    def _flush(self) -> None:
        peers = tuple(self._unflushed)
        self._unflushed.clear()
        for peer in peers:
            self._links[peer].pump_or_wake(BATCH_BYTES)

    # CALLED IN THE NETWORK THREAD

    def _on_started(self, address: tuple[str, int]) -> None:
        self._call_in_loop(partial(self._set_started, address))

    def _on_stopped(self, error: BaseException | None) -> None:
        self._call_in_loop(partial(self._set_stopped, error))

    def _call_in_loop(self, function: Callable[[], None]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits for us
            self._loop.call_soon_threadsafe(function)

    def _set_started(self, address: tuple[str, int]) -> None:
        if self._started is not None and not self._started.done():
            self._started.set_result(address)

    def _set_stopped(self, error: BaseException | None) -> None:
        self._failure = error
        self._is_running = False
        self._inbox.close()
        if self._started is not None and not self._started.done():
            failure = StartError("the network thread ended before it listened")
            failure.__cause__ = error
            self._started.set_exception(error if isinstance(error, StartError) else failure)
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)
