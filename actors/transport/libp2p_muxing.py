"""Our yamux engine behind libp2p's muxer interfaces."""

# libp2p's types are Any where the type checker skips the package.
# mypy: allow-subclassing-any, no-warn-return-any, no-warn-unused-ignores

from __future__ import annotations

from typing import Protocol

import trio
from libp2p.abc import ConnectionType, IMuxedConn, IMuxedStream, ISecureConn
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import (
    MuxedConnUnavailable,
    MuxedStreamEOF,
    MuxedStreamError,
    MuxedStreamReset,
)
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # ships no types

from actors.transport.errors import MuxViolation
from actors.transport.mux_stream import MuxStream, StreamEndedError
from actors.transport.muxer import Muxer

CLOSE_TIMEOUT_SECONDS = 1.0


class ConnectionObserver(Protocol):
    """Hears of every authenticated connection, in the network thread."""

    def connection_started(self, peer_id: ID, muxer: Muxer) -> None:
        """Note that bytes from the peer are about to be handled."""

    def connection_ended(self, peer_id: ID, muxer: Muxer) -> None:
        """Note the end; ``muxer.reason`` says why."""

    def connection_refused(self, reason: str) -> None:
        """Note that an authenticated remote was not allowed."""


class MuxedConnection(IMuxedConn):
    """One secured connection's streams, as the swarm sees them."""

    def __init__(
        self, conn: ISecureConn, peer_id: ID, muxer: Muxer, observer: ConnectionObserver
    ) -> None:
        self.peer_id = peer_id
        self.muxer = muxer
        self.event_started = trio.Event()
        self._secured = conn
        self._observer = observer

    async def start(self) -> None:
        """Run until the connection ends."""
        self._observer.connection_started(self.peer_id, self.muxer)
        self.event_started.set()
        try:
            await self.muxer.run()
        finally:
            self._observer.connection_ended(self.peer_id, self.muxer)

    async def close(self) -> None:
        """Say goodbye and wait until the reader stopped."""
        self.muxer.say_goodbye()
        with trio.move_on_after(CLOSE_TIMEOUT_SECONDS):
            await self.muxer.closed.wait()
        await self._secured.close()

    @property
    def is_initiator(self) -> bool:
        """Whether we dialled."""
        return self.muxer.is_dialer

    @property
    def is_established(self) -> bool:
        """Whether streams can be opened."""
        return self.event_started.is_set() and self.muxer.reason is None

    @property
    def is_closed(self) -> bool:
        """Whether the connection ended."""
        return self.muxer.closed.is_set()

    async def open_stream(self) -> IMuxedStream:
        """Open a stream.

        Raises
        ------
        MuxedStreamError
            The connection ended or has too many streams.
        """
        if self.muxer.reason is not None:
            raise MuxedStreamError(self.muxer.reason)
        try:
            return MuxedStream(self, self.muxer.open_stream())
        except MuxViolation as violation:
            raise MuxedStreamError(str(violation)) from violation

    async def accept_stream(self) -> IMuxedStream:
        """Wait for a stream from the peer.

        Raises
        ------
        MuxedConnUnavailable
            The connection ended.
        """
        try:
            return MuxedStream(self, await self.muxer.accept_stream())
        except trio.EndOfChannel:
            raise MuxedConnUnavailable(self.muxer.reason) from None

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return the peer's host and port."""
        return self._secured.get_remote_address()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Return the peer's address as a multiaddress."""
        return self._secured.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Return DIRECT: there are no relays here."""
        return ConnectionType.DIRECT


class MuxedStream(IMuxedStream):
    """One stream, as the host sees it while it negotiates the protocol."""

    def __init__(self, muxed_conn: MuxedConnection, stream: MuxStream) -> None:
        self.muxed_conn = muxed_conn
        self.stream = stream

    async def read(self, n: int | None = None) -> bytes:
        """Read up to ``n`` bytes.

        Raises
        ------
        MuxedStreamEOF, MuxedStreamReset
            The peer finished; the stream ended otherwise.
        """
        try:
            data = await self.stream.read(None if n is None or n < 0 else n)
        except StreamEndedError as error:
            raise MuxedStreamReset(str(error)) from error
        if not data and n != 0:
            raise MuxedStreamEOF("finished by the peer")
        return data

    async def write(self, data: bytes) -> None:
        """Write all of ``data``.

        Raises
        ------
        MuxedStreamReset
            The stream ended.
        """
        try:
            await self.stream.write(data)
        except StreamEndedError as error:
            raise MuxedStreamReset(str(error)) from error

    async def close(self) -> None:
        """Finish the stream."""
        await self.stream.close()

    async def reset(self) -> None:
        """Abort the stream."""
        await self.stream.reset()

    def set_deadline(self, ttl: int) -> None:
        """Yamux has no deadlines; callers use trio's timeouts."""
        raise NotImplementedError("use trio.move_on_after")

    async def __aenter__(self) -> MuxedStream:
        return self

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return the peer's host and port."""
        return self.muxed_conn.get_remote_address()
