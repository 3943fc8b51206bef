"""The ledger's methods, the gateway's counters, and what happens when a node is in trouble."""

from typing import Any

import httpx
import pytest

from gateway.application import Gateway
from gateway.errors import BackendUnavailable, ServerStartError
from gateway.limits import Limits
from gateway.server import start_server
from gateway.views import Heads


@pytest.mark.parametrize("path", ["/", "/zk", "/fast"])
async def test_the_ledger_s_methods_are_on_every_path(node: Any, path: str) -> None:
    node.zk.mine()
    assert await node.result(path, "braid_status") == {"heads": {"ZK": 1, "FAST": 0}}
    assert await node.result(path, "braid_getLossBound") == {"total_wei": "0"}
    assert (await node.result(path, "braid_validators"))[0]["name"] == "dev"


async def test_the_chains_methods_are_not_on_the_ledger_s_path(node: Any) -> None:
    assert (await node.error("/", "eth_chainId"))["code"] == -32601


async def test_a_ledger_block_is_found_by_height_and_tag(node: Any) -> None:
    for _ in range(3):
        node.zk.mine()
    assert await node.result("/", "braid_getLedgerBlock", "0x2") == {"height": 2}
    assert await node.result("/", "braid_getLedgerBlock", 2) == {"height": 2}
    assert await node.result("/", "braid_getLedgerBlock", "latest") == {"height": 3}
    assert await node.result("/", "braid_getLedgerBlock", "earliest") == {"height": 1}
    assert await node.result("/", "braid_getLedgerBlock", "0x9") is None


@pytest.mark.parametrize("params", [[], ["pending"], [{}], ["0x" + "11" * 32], [-1], [1.5]])
async def test_a_ledger_block_is_not_found_by_anything_else(node: Any, params: list[Any]) -> None:
    assert (await node.error("/", "braid_getLedgerBlock", *params))["code"] == -32602


async def test_a_checkpoint_is_named_by_chain_and_number(node: Any) -> None:
    node.fast.mine()
    newest = {"chain": "fast", "number": 1}
    assert await node.result("/", "braid_getCheckpoint", "fast") == newest
    assert await node.result("/", "braid_getCheckpoint", "fast", "latest") == newest
    older = await node.result("/", "braid_getCheckpoint", "zk", "0x0")
    assert older == {"chain": "zk", "number": 0}
    assert (await node.error("/", "braid_getCheckpoint", "slow"))["code"] == -32602
    assert (await node.error("/", "braid_getCheckpoint"))["code"] == -32602


async def test_rounds_and_evidence_pass_through(node: Any) -> None:
    assert await node.result("/", "braid_getRound", "0x1") is None
    assert await node.result("/", "braid_evidence") == []
    assert await node.result("/", "braid_evidence", 5) == []


async def test_requests_and_errors_are_counted_by_method_and_kind(node: Any) -> None:
    await node.rpc("/zk", "eth_chainId")
    await node.rpc("/zk", "eth_chainId")
    await node.rpc("/zk", "eth_call")
    await node.rpc("/zk", "eth_nothing")
    await node.http.post("/zk", content=b"{")
    await node.http.get("/zk")
    status = node.server.gateway.status()
    assert status["paths"]["/zk"] == {
        "requests": {"eth_chainId": 2, "eth_call": 1},
        "errors": {"invalid_params": 1, "method_not_found": 1, "parse_error": 1},
    }
    assert status["paths"]["/fast"] == {"requests": {}, "errors": {}}
    assert status["http_refusals"] == {"405": 1}


async def test_a_node_that_restarts_is_an_error_and_unhealthy_and_comes_back(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def restarting() -> Heads:
        raise BackendUnavailable("the executor restarts")

    with monkeypatch.context() as patch:
        patch.setattr(node.zk, "heads", restarting)
        error = await node.error("/zk", "eth_blockNumber")
        assert error == {"code": -32000, "message": "the executor restarts"}
        health = await node.http.get("/health")
        assert health.status_code == 503
        assert health.json()["chains"]["zk"] == {"error": "the executor restarts"}
        assert await node.result("/fast", "eth_blockNumber") == "0x0"
    assert await node.result("/zk", "eth_blockNumber") == "0x0"
    assert (await node.http.get("/health")).status_code == 200


async def test_a_port_that_is_taken_is_reported(node: Any) -> None:
    other = Gateway([], node.server.gateway, Limits())
    with pytest.raises(ServerStartError, match="cannot listen"):
        await start_server(other, port=node.server.port)
    await other.close()


async def test_a_stopped_server_takes_no_connections(node: Any) -> None:
    chains = [(chain.info, chain) for chain in (node.zk, node.fast)]
    server = await start_server(Gateway(chains, node.server.gateway, Limits()))
    async with httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get("/health")).status_code == 200
        await server.stop()
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")
