import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import AsyncHTTPProvider, AsyncWeb3

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from devchain import DevChain, DevLedger

from execution.types import Address, GenesisAccount
from gateway.application import Gateway
from gateway.limits import Limits
from gateway.server import GatewayServer, start_server
from ledger.types import ChainRole

ZK_CHAIN_ID = 7100
FAST_CHAIN_ID = 7101
RICH_WEI = 10**24

LIMITS = Limits(
    body_bytes=512 * 1024,
    batch_requests=200,
    log_blocks=100,
    log_results=5,
    filters=3,
    request_timeout_seconds=5.0,
)


@dataclass
class Node:
    """A gateway that serves two dev chains over real HTTP."""

    zk: DevChain
    fast: DevChain
    server: GatewayServer
    http: httpx.AsyncClient

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def rpc(self, path: str, method: str, *params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer: dict[str, Any] = (await self.post(path, body)).json()
        return answer

    async def result(self, path: str, method: str, *params: Any) -> Any:
        return (await self.rpc(path, method, *params))["result"]

    async def error(self, path: str, method: str, *params: Any) -> dict[str, Any]:
        answer = await self.rpc(path, method, *params)
        return dict(answer["error"])


@pytest.fixture
def alice() -> LocalAccount:
    account: LocalAccount = Account.from_key("0x" + "a1" * 32)
    return account


@pytest.fixture
def bob() -> LocalAccount:
    account: LocalAccount = Account.from_key("0x" + "b0" * 32)
    return account


def _dev_chains(rich: LocalAccount) -> tuple[DevChain, DevChain]:
    alloc = {Address(bytes.fromhex(rich.address[2:])): GenesisAccount(balance_wei=RICH_WEI)}
    zk = DevChain(ChainRole.ZK, ZK_CHAIN_ID, alloc)
    return zk, DevChain(ChainRole.FAST, FAST_CHAIN_ID, alloc)


async def _start(chains: tuple[DevChain, DevChain]) -> GatewayServer:
    served = [(chain.info, chain) for chain in chains]
    return await start_server(Gateway(served, DevLedger(chains), LIMITS))


@pytest.fixture
async def node(alice: LocalAccount) -> AsyncIterator[Node]:
    zk, fast = _dev_chains(alice)
    server = await _start((zk, fast))
    async with httpx.AsyncClient(base_url=server.url) as http:
        yield Node(zk, fast, server, http)
    await server.stop()


@pytest.fixture
async def zk_web3(node: Node) -> AsyncIterator[AsyncWeb3[Any]]:
    provider = AsyncHTTPProvider(f"{node.server.url}/zk")
    yield AsyncWeb3(provider)
    await provider.disconnect()


@pytest.fixture
async def fast_web3(node: Node) -> AsyncIterator[AsyncWeb3[Any]]:
    provider = AsyncHTTPProvider(f"{node.server.url}/fast")
    yield AsyncWeb3(provider)
    await provider.disconnect()


class BlockingNode:
    """The same for tests that are not coroutines: the node runs in a loop of its own."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url)

    def rpc(self, path: str, method: str, params: list[Any]) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        content = json.dumps(body, allow_nan=False)
        response = self._http.post(path, content=content.encode("utf-8", "surrogatepass"))
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def node_in_thread(alice: LocalAccount) -> Iterator[BlockingNode]:
    started: Future[str] = Future()
    stopping = asyncio.Event()
    # The loop that a node's gateway runs on; the other tests run on asyncio's.
    loop = uvloop.new_event_loop()

    async def serve() -> None:
        server = await _start(_dev_chains(alice))
        started.set_result(server.url)
        await stopping.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    blocking = BlockingNode(started.result(timeout=30))
    yield blocking
    blocking.close()
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()
