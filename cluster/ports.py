"""Finding TCP ports on this machine."""

import socket
from collections.abc import Iterable
from typing import Final

from cluster.errors import PortsTaken

MAX_PORT: Final = 65_535


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that nothing listens on now; all are held open while they are chosen."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for candidate in sockets:
            candidate.bind((host, 0))
        return [candidate.getsockname()[1] for candidate in sockets]
    finally:
        for candidate in sockets:
            candidate.close()


def require_free(ports: Iterable[int], host: str = "127.0.0.1") -> None:
    """Check that nothing listens on the ports.

    Raises
    ------
    PortsTaken
        Naming the first port in use, asked for twice, or outside 1 to 65535.
    """
    seen: set[int] = set()
    for port in ports:
        if not 1 <= port <= MAX_PORT:
            raise PortsTaken(f"{port} is no TCP port: choose lower --rpc-port and --p2p-port")
        if port in seen:
            raise PortsTaken(
                f"port {port} is in both ranges: choose --rpc-port and --p2p-port further apart"
            )
        seen.add(port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise PortsTaken(
                    f"port {port} is in use ({error.strerror}): stop what listens there, "
                    "or make a new network on others with --dir, --rpc-port and --p2p-port"
                ) from error
