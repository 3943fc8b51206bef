"""uvicorn's HTTP protocol with the two bounds it lacks: size and time of a request's head."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_TIMEOUT_SECONDS: Final = 15.0


class BoundedHttpProtocol(HttpToolsProtocol):
    """Drops a connection that sends too much, or nothing, in place of a request's head."""

    _head_bytes: int = 0
    _deadline: asyncio.TimerHandle | None = None
    """Runs while a head is awaited or incomplete."""

    def connection_made(  # type: ignore[override]  # as uvicorn's own, for TCP only
        self, transport: asyncio.Transport
    ) -> None:
        """Start waiting for the first request."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what does not complete a head."""
        was_incomplete = self._deadline is not None
        super().data_received(data)
        if was_incomplete and self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        """A request's first byte has come."""
        self._head_bytes = 0
        self._arm()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there; the application bounds the body."""
        self._disarm()
        super().on_headers_complete()

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
