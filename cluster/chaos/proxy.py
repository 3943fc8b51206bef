"""A TCP proxy that delays, stalls, cuts and swallows what it carries, each direction by itself.

It stands between two libp2p hosts. Noise runs end to end through it, so it can read nothing and
forge nothing: it is the network, as an adversary that holds the network sees it. Bytes of a TCP
stream cannot be dropped one by one; what a lost packet looks like from above is a pause of one
retransmission time-out, and that is what ``stall_probability`` gives.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from random import Random
from typing import Final

CHUNK_BYTES: Final = 64 * 1024
MAX_CHUNKS_IN_FLIGHT: Final = 256


@dataclass(frozen=True, slots=True)
class LinkFault:
    """What happens to one direction of a link.

    Attributes
    ----------
    delay_seconds, jitter_seconds
        Each chunk arrives so much later, and up to the jitter more; the order stays.
    stall_probability, stall_seconds
        Chance of a chunk to wait for a retransmission, and how long that takes.
    is_swallowed
        Nothing arrives, new connections included, until it is false again.
    """

    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    stall_probability: float = 0.0
    stall_seconds: float = 0.2
    is_swallowed: bool = False


HEALTHY: Final = LinkFault()
_Chunk = tuple[float, bytes]


class Direction:
    """One way of a link, for all its connections."""

    def __init__(self, random: Random) -> None:
        self.fault = HEALTHY
        self.chunks = 0
        self.stalls = 0
        self._random = random
        self._open = asyncio.Event()
        self._open.set()

    def set_fault(self, fault: LinkFault) -> None:
        """Change what happens to what is still to come."""
        self.fault = fault
        if fault.is_swallowed:
            self._open.clear()
        else:
            self._open.set()

    def delay_seconds(self) -> float:
        """How much later the next chunk arrives."""
        self.chunks += 1
        fault = self.fault
        delay = fault.delay_seconds + self._random.random() * fault.jitter_seconds
        if self._random.random() < fault.stall_probability:
            self.stalls += 1
            delay += fault.stall_seconds
        return delay

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection's bytes until it ends."""
        queue: asyncio.Queue[_Chunk] = asyncio.Queue(MAX_CHUNKS_IN_FLIGHT)
        delivering = asyncio.create_task(self._deliver(queue, writer))
        loop = asyncio.get_running_loop()
        due = 0.0
        try:
            while True:
                data = await reader.read(CHUNK_BYTES)
                due = max(due, loop.time() + self.delay_seconds())
                await queue.put((due, data))
                if not data:
                    await delivering
                    return
        finally:
            delivering.cancel()

    async def _deliver(self, queue: asyncio.Queue[_Chunk], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._open.wait()
            if not data:
                return
            writer.write(data)
            await writer.drain()


class LinkProxy:
    """Carries connections from one node to the port of another.

    Parameters
    ----------
    target_host, target_port
        Where the other node listens.
    random
        Of delays and stalls.
    """

    def __init__(self, target_host: str, target_port: int, random: Random) -> None:
        self.there = Direction(random)
        self.back = Direction(random)
        self.port = 0
        self._target: tuple[str, int] | None = (target_host, target_port)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def aim(self, target: tuple[str, int] | None) -> None:
        """Lead to another host and port from now on, or nowhere; what was carried is cut."""
        if target != self._target:
            self._target = target
            self.cut()

    async def close(self) -> None:
        """Stop listening and cut everything."""
        if self._server is not None:
            self._server.close()
        cut = self.cut()
        if cut:
            await asyncio.wait(cut)

    def cut(self) -> set[asyncio.Task[None]]:
        """Cut all connections, as a router that restarts does; gives what ends."""
        connections = set(self._connections)
        for connection in connections:
            connection.cancel()
        return connections

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            await self._connect(reader, writer)
        except asyncio.CancelledError:
            pass  # Cut: the connection ends here, and so does this task.
        finally:
            self._connections.discard(connection)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._target is None:
            return
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            ways = [
                asyncio.create_task(self.there.carry(reader, far_writer)),
                asyncio.create_task(self.back.carry(far_reader, writer)),
            ]
            try:
                # A stream of libp2p ends in both directions at once.
                done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in done:
                    way.result()
            finally:
                for way in ways:
                    way.cancel()
                far_writer.transport.abort()
