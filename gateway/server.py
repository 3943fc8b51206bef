"""Runs the gateway on uvicorn inside an asyncio loop that somebody else owns."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

import uvicorn

from gateway.errors import ServerStartError
from gateway.http_application import HttpApplication
from gateway.http_protocol import BoundedHttpProtocol

KEEP_ALIVE_SECONDS: Final = 75
GRACE_SECONDS: Final = 5
BACKLOG: Final = 2048


@dataclass(slots=True)
class GatewayServer:
    """A running server; ``port`` is the one it listens on."""

    gateway: HttpApplication
    host: str
    port: int
    _server: uvicorn.Server
    _serving: "asyncio.Task[None]"
    _listener: socket.socket

    @property
    def url(self) -> str:
        """Address without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def stop(self) -> None:
        """Finish the requests that run, for at most :data:`GRACE_SECONDS`, and close."""
        self._server.should_exit = True
        await self._serving
        await self._server.shutdown(sockets=[self._listener])
        await self.gateway.close()


async def start_server(
    gateway: HttpApplication, host: str = "127.0.0.1", port: int = 0
) -> GatewayServer:
    """Listen and serve; returns once connections are accepted. Port 0 picks a free one.

    The process's signals stay with their owner.

    Raises
    ------
    ServerStartError
        If the address cannot be taken.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        gateway,
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=gateway.limits.connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
    )
    config.load()
    server = uvicorn.Server(config)
    # The steps of Server.serve, without its signal handlers.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    serving = asyncio.get_running_loop().create_task(server.main_loop())
    actual_port: int = listener.getsockname()[1]
    return GatewayServer(gateway, host, actual_port, server, serving, listener)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay off where the protocol is named, and nowhere else.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServerStartError(f"cannot listen on {host}:{port}: {error}") from error
    listener.setblocking(False)
    return listener
