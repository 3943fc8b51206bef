"""The proxy between nodes: what it carries, what it holds up, and what it cuts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from cluster.chaos.proxy import HEALTHY, LinkFault, LinkProxy

SECONDS = 10.0
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """A connection through a proxy, seen from both ends."""

    def __init__(self, proxy: LinkProxy, near: Ends, far: Ends) -> None:
        self.proxy = proxy
        self.near_reader, self.near_writer = near
        self.far_reader, self.far_writer = far


@asynccontextmanager
async def line(random: Random | None = None) -> AsyncIterator[Line]:
    accepted: asyncio.Queue[Ends] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda reader, writer: accepted.put_nowait((reader, writer)), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    proxy = LinkProxy("127.0.0.1", port, random or Random(1))
    await proxy.start()
    near = await asyncio.open_connection("127.0.0.1", proxy.port)
    async with asyncio.timeout(SECONDS):
        far = await accepted.get()
        yield Line(proxy, near, far)
    for _, writer in (near, far):
        writer.transport.abort()
    await proxy.close()
    server.close()


async def assert_ended(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):  # A reset is an end as well.
        assert await reader.read(1) == b""


async def test_bytes_arrive_in_both_directions() -> None:
    async with line() as wire:
        wire.near_writer.write(b"there")
        assert await wire.far_reader.readexactly(5) == b"there"
        wire.far_writer.write(b"back")
        assert await wire.near_reader.readexactly(4) == b"back"


async def test_delay_and_stalls_keep_the_order_and_lose_nothing() -> None:
    async with line() as wire:
        wire.proxy.there.set_fault(
            LinkFault(
                delay_seconds=0.005,
                jitter_seconds=0.01,
                stall_probability=0.3,
                stall_seconds=0.02,
            )
        )
        sent = b"".join(bytes([number]) * 1000 for number in range(50))
        for start in range(0, len(sent), 1000):
            wire.near_writer.write(sent[start : start + 1000])
            await wire.near_writer.drain()
            await asyncio.sleep(0)
        assert await wire.far_reader.readexactly(len(sent)) == sent
        assert wire.proxy.there.chunks > 0


async def test_what_is_swallowed_one_way_does_not_hold_up_the_other() -> None:
    async with line() as wire:
        wire.proxy.there.set_fault(LinkFault(is_swallowed=True))
        wire.near_writer.write(b"unheard")
        wire.far_writer.write(b"heard")
        assert await wire.near_reader.readexactly(5) == b"heard"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.far_reader.read(1)


async def test_a_connection_that_was_held_up_goes_on_after_the_heal() -> None:
    async with line() as wire:
        wire.proxy.there.set_fault(LinkFault(is_swallowed=True))
        wire.near_writer.write(b"late")
        wire.proxy.there.set_fault(HEALTHY)
        assert await wire.far_reader.readexactly(4) == b"late"


async def test_a_cut_ends_both_sides() -> None:
    async with line() as wire:
        wire.near_writer.write(b"x")
        assert await wire.far_reader.readexactly(1) == b"x"
        assert len(wire.proxy.cut()) == 1
        for reader in (wire.near_reader, wire.far_reader):
            await assert_ended(reader)


async def test_the_end_of_one_side_is_the_end_of_the_other() -> None:
    async with line() as wire:
        wire.far_writer.write(b"last")
        wire.far_writer.close()
        assert await wire.near_reader.readexactly(4) == b"last"
        assert await wire.near_reader.read(1) == b""


async def test_a_node_that_does_not_listen_refuses_through_the_proxy_too() -> None:
    proxy = LinkProxy("127.0.0.1", 1, Random(1))
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    async with asyncio.timeout(SECONDS):
        await assert_ended(reader)
    writer.transport.abort()
    await proxy.close()


async def test_a_proxy_that_is_aimed_elsewhere_cuts_and_leads_there() -> None:
    accepted: asyncio.Queue[Ends] = asyncio.Queue()
    elsewhere = await asyncio.start_server(
        lambda reader, writer: accepted.put_nowait((reader, writer)), "127.0.0.1", 0
    )
    async with line() as link:
        link.proxy.aim(("127.0.0.1", elsewhere.sockets[0].getsockname()[1]))
        await assert_ended(link.near_reader)
        _, writer = await asyncio.open_connection("127.0.0.1", link.proxy.port)
        writer.write(b"hello")
        reader, far_writer = await accepted.get()
        assert await reader.readexactly(5) == b"hello"
        for end in (writer, far_writer):
            end.transport.abort()
    elsewhere.close()


async def test_a_proxy_that_is_aimed_nowhere_refuses() -> None:
    async with line() as link:
        link.proxy.aim(None)
        await assert_ended(link.near_reader)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.proxy.port)
        await assert_ended(reader)
        writer.transport.abort()


async def test_a_proxy_that_is_aimed_where_it_leads_already_cuts_nothing() -> None:
    async with line() as link:
        link.proxy.aim(link.proxy._target)
        link.near_writer.write(b"still here")
        assert await link.far_reader.readexactly(10) == b"still here"
