"""The client against servers that misbehave: every failure has a type, and nothing is unbounded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import orjson
import pytest

from execution.types import Address, Hash32
from ledger.types import ChainId
from settlement.errors import L1Down, L1Refused, MalformedAnswer, WrongChain
from settlement.l1.client import L1Client, RetryPolicy
from settlement.l1.provider import BoundedHttpProvider

Reply = Callable[[dict[str, Any]], bytes]


class FakeServer:
    """Answers each request with the next reply; the last one again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""
        self.is_holding = False
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        self.requests.append(orjson.loads(await reader.readexactly(length)))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        writer.write(reply(self.requests[-1]))
        if self.is_holding:
            await reader.read()
        writer.close()


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def result(value: Any) -> Reply:
    return lambda request: http(
        orjson.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value})
    )


def body(raw: bytes, status: str = "200 OK") -> Reply:
    return lambda _: http(raw, status)


def hang_up(_: dict[str, Any]) -> bytes:
    return b""


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    fake = FakeServer()
    await fake.start()
    yield fake
    await fake.stop()


class Pauses:
    """A sleep that only counts."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def client(server: FakeServer, pauses: Pauses) -> AsyncIterator[L1Client]:
    provider = BoundedHttpProvider(server.url, timeout_seconds=5, max_answer_bytes=10_000)
    made = L1Client(provider, Random(3), retries=RetryPolicy(attempts=4), sleep=pauses)
    yield made
    await made.close()


async def test_an_answer(server: FakeServer, client: L1Client) -> None:
    server.replies = [result("0x10")]
    assert await client.block_number() == 16


@pytest.mark.parametrize(
    "trouble",
    [hang_up, body(b"busy", "503 Service Unavailable"), body(b"", "429 Too Many Requests")],
)
async def test_what_passes_is_tried_again_after_growing_pauses(
    server: FakeServer, client: L1Client, pauses: Pauses, trouble: Reply
) -> None:
    server.replies = [trouble, trouble, trouble, result("0x10")]
    assert await client.block_number() == 16
    first, second, third = pauses.seconds
    assert 0.125 <= first <= 0.25 <= second <= 0.5 <= third <= 1.0


@pytest.mark.parametrize("trouble", [hang_up, body(b"", "502 Bad Gateway")])
async def test_what_does_not_pass_is_an_error(
    server: FakeServer, client: L1Client, trouble: Reply
) -> None:
    server.replies = [trouble]
    with pytest.raises(L1Down):
        await client.block_number()
    assert len(server.requests) == 4


async def test_an_answer_that_never_ends_is_given_up(server: FakeServer, pauses: Pauses) -> None:
    provider = BoundedHttpProvider(server.url, timeout_seconds=0.05)
    client = L1Client(provider, Random(3), retries=RetryPolicy(attempts=1), sleep=pauses)
    server.replies = [lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12"]
    server.is_holding = True
    with pytest.raises(L1Down):
        await client.block_number()
    await client.close()


async def test_nobody_listening_is_an_error(client: L1Client, server: FakeServer) -> None:
    await server.stop()
    with pytest.raises(L1Down):
        await client.block_number()


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"[1]", b"7", b"{}", b'{"result": 5}', b'{"error": "no"}', bytes(20_000)],
)
async def test_what_is_no_answer_is_not_tried_again(
    server: FakeServer, client: L1Client, raw: bytes
) -> None:
    server.replies = [body(raw)]
    with pytest.raises(MalformedAnswer):
        await client.block_number()
    assert len(server.requests) == 1


async def test_a_refusal_is_not_tried_again(server: FakeServer, client: L1Client) -> None:
    server.replies = [body(b'{"error": {"code": -32601, "message": "no such method"}}')]
    with pytest.raises(L1Refused, match="no such method"):
        await client.block_number()
    assert len(server.requests) == 1


async def test_another_chain_is_noticed(server: FakeServer, client: L1Client) -> None:
    server.replies = [result("0x1")]
    await client.require_chain(ChainId(1))
    with pytest.raises(WrongChain, match="serves chain 1, expected 5"):
        await client.require_chain(ChainId(5))


CONTRACT, TOPIC = Address(b"\x01" * 20), Hash32(b"\x02" * 32)


def log(**changes: Any) -> dict[str, Any]:
    return {
        "address": "0x" + CONTRACT.hex(),
        "topics": ["0x" + TOPIC.hex()],
        "data": "0x",
        "blockNumber": "0x5",
        "blockHash": "0x" + "00" * 32,
        "logIndex": "0x0",
        **changes,
    }


async def test_logs(server: FakeServer, client: L1Client) -> None:
    server.replies = [result([log(), log(logIndex="0x1"), log(blockNumber="0x6")])]
    found = await client.logs(CONTRACT, [TOPIC], 5, 6)
    assert [(entry.block_number, entry.log_index) for entry in found] == [(5, 0), (5, 1), (6, 0)]


@pytest.mark.parametrize(
    "answer",
    [
        [log(address="0x" + "09" * 20)],
        [log(topics=[])],
        [log(topics=["0x" + "09" * 32])],
        [log(blockNumber="0x7")],
        [log(), log()],
        [log(logIndex="0x1"), log()],
        [log(blockNumber=None)],
        {},
    ],
)
async def test_logs_that_were_not_asked_for(
    server: FakeServer, client: L1Client, answer: Any
) -> None:
    server.replies = [result(answer)]
    with pytest.raises(MalformedAnswer):
        await client.logs(CONTRACT, [TOPIC], 5, 6)


async def test_another_block_than_asked_for(server: FakeServer, client: L1Client) -> None:
    block = {
        "number": "0x5",
        "hash": "0x" + "01" * 32,
        "parentHash": "0x" + "02" * 32,
        "timestamp": "0x6",
    }
    server.replies = [result(block)]
    head = await client.head(5)
    assert head is not None
    assert head.number == 5
    with pytest.raises(MalformedAnswer, match="block 5, asked for 6"):
        await client.head(6)


async def test_a_block_that_is_not_there(server: FakeServer, client: L1Client) -> None:
    server.replies = [result(None)]
    assert await client.head(5) is None
    assert await client.receipt(TOPIC) is None


async def test_the_same_seed_pauses_alike(server: FakeServer) -> None:
    async def run() -> list[float]:
        pauses = Pauses()
        provider = BoundedHttpProvider(server.url)
        client = L1Client(provider, Random(11), sleep=pauses)
        server.replies = [hang_up]
        with pytest.raises(L1Down):
            await client.block_number()
        await client.close()
        return pauses.seconds

    assert await run() == await run()
