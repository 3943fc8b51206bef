"""JSON-RPC over HTTP as an ASGI application: paths, HTTP limits, CORS.

=================  ======  ==============================================
path               method  answer
=================  ======  ==============================================
each path          POST    JSON-RPC of that path's methods
``/``              GET     the paths and methods
``/health``        GET     200 if every chain answers in time, else 503
=================  ======  ==============================================
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import orjson

from gateway.chain import ChainGateway
from gateway.dispatch import Dispatcher
from gateway.errors import BackendError, LimitExceeded, RequestTimedOut, RpcError
from gateway.limits import Limits
from gateway.methods.table import MethodTable
from gateway.status import Counters, GatewayStatus

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]


class HttpApplication:
    """Serves tables of methods.

    Parameters
    ----------
    tables
        Methods of each path.
    chains
        Whose health is told, by name; they are closed with the application.
    allowed_origin
        Value of ``Access-Control-Allow-Origin``: browsers let pages of that
        origin read the answers. No answer depends on cookies.
    """

    def __init__(
        self,
        tables: Mapping[str, MethodTable],
        chains: Mapping[str, ChainGateway],
        limits: Limits,
        allowed_origin: str = "*",
    ) -> None:
        self.limits = limits
        self._chains = chains
        self._counters = {path: Counters() for path in tables}
        self._dispatchers = {
            path: Dispatcher(table, limits, self._counters[path]) for path, table in tables.items()
        }
        self._help = orjson.dumps({path: sorted(table) for path, table in tables.items()})
        self._refusals: Counter[str] = Counter()
        self._headers: Headers = [
            (b"content-type", b"application/json"),
            (b"access-control-allow-origin", allowed_origin.encode("latin-1")),
        ]

    def status(self) -> GatewayStatus:
        """Counts since the start, ready for JSON."""
        return {
            "paths": {path: counters.status() for path, counters in self._counters.items()},
            "ingress": {name: chain.ingress.status() for name, chain in self._chains.items()},
            "filters": {name: chain.filter_count for name, chain in self._chains.items()},
            "http_refusals": dict(self._refusals),
        }

    async def close(self) -> None:
        """Give up what waits; the application answers no more after it."""
        for chain in self._chains.values():
            await chain.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI 3)."""
        if scope["type"] == "http":
            await self._answer_http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "lifespan":
            await _follow_lifespan(receive, send)

    async def _answer_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/") or "/"
        method = scope["method"]
        dispatcher = self._dispatchers.get(path)
        if method == "POST" and dispatcher is not None:
            try:
                body = await self._read_body(scope, receive)
            except LimitExceeded as error:
                await self._refuse(send, 413, error)
                return
            except RequestTimedOut as error:
                await self._refuse(send, 408, error)
                return
            if body is not None:
                await self._respond(send, 200, await dispatcher.answer(body))
        elif method == "OPTIONS":
            await self._respond(send, 204, b"", _PREFLIGHT)
        elif method == "GET" and path == "/":
            await self._respond(send, 200, self._help)
        elif method == "GET" and path == "/health":
            is_healthy, report = await self._health()
            await self._respond(send, 200 if is_healthy else 503, orjson.dumps(report))
        elif dispatcher is not None:
            await self._refuse(send, 405, RpcError(f"{method} is not allowed here; use POST"))
        else:
            paths = ", ".join(self._dispatchers)
            await self._refuse(send, 404, RpcError(f"no such path; POST JSON-RPC to {paths}"))

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The request's body; ``None`` if the client has gone.

        A body that is somewhat too long is read to its end all the same, since
        a client that is still sending would not see why it was refused.

        Raises
        ------
        LimitExceeded
            If it is, or says that it is, too long.
        RequestTimedOut
            If it does not come in time.
        """
        limit = self.limits.body_bytes
        for name, value in scope["headers"]:
            # httptools lets digits only through, but the number may be any.
            if name == b"content-length" and (len(value) > 10 or int(value) > 2 * limit):
                raise self._too_long()
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.limits.request_timeout_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    is_last = not message.get("more_body", False)
                    if size > 2 * limit or (size > limit and is_last):
                        raise self._too_long()
                    if size <= limit:
                        parts.append(part)
                    if is_last:
                        return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError as error:
            raise RequestTimedOut("the request body did not come in time") from error

    def _too_long(self) -> LimitExceeded:
        return LimitExceeded(f"request body too large: at most {self.limits.body_bytes} bytes")

    async def _health(self) -> tuple[bool, Mapping[str, Any]]:
        report: dict[str, Any] = {}
        for name, chain in self._chains.items():
            try:
                async with asyncio.timeout(self.limits.health_timeout_seconds):
                    heads = await chain.backend.heads()
            except TimeoutError:
                report[name] = {"error": "no answer in time"}
            except BackendError as error:
                report[name] = {"error": str(error)}
            else:
                report[name] = {
                    "latest": heads.latest,
                    "safe": heads.safe,
                    "finalized": heads.finalized,
                }
        is_healthy = all("error" not in entry for entry in report.values())
        return is_healthy, {"status": "ok" if is_healthy else "unavailable", "chains": report}

    async def _refuse(self, send: Send, status: int, error: RpcError) -> None:
        """Refuse at the HTTP level; the rest of a body is never read, so the connection ends."""
        self._refusals[str(status)] += 1
        body = {
            "jsonrpc": "2.0",
            "id": None,
            "error": {"code": error.code, "message": error.message},
        }
        await self._respond(send, status, orjson.dumps(body), [(b"connection", b"close")])

    async def _respond(
        self, send: Send, status: int, body: bytes, headers: Headers | None = None
    ) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    *self._headers,
                    (b"content-length", b"%d" % len(body)),
                    *(headers or ()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})


_PREFLIGHT: Final[Headers] = [
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
]


async def _follow_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
