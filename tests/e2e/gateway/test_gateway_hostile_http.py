"""What clients should not send: every answer is a typed error, and the next client is served."""

import asyncio
import socket
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON_RPC_CODES = {-32700, -32600, -32601, -32602, -32000, -32001, -32005, 3}
HASH = "0x" + "11" * 32
ADDRESS = "0x" + "22" * 20


async def is_alive(node: Any) -> bool:
    chain_id = await node.result("/zk", "eth_chainId")
    return bool(chain_id == hex(7100))


async def raw_exchange(node: Any, *pieces: bytes) -> bytes:
    """Send bytes over a fresh connection and read until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.server.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), timeout=10)
    writer.close()
    return answer


async def test_a_body_up_to_the_limit_is_read_and_a_longer_one_refused(node: Any) -> None:
    limit = node.server.gateway.limits.body_bytes
    fits = await node.http.post("/zk", content=b" " * limit)
    assert fits.status_code == 200
    assert fits.json()["error"]["code"] == -32700
    too_long = await node.http.post("/zk", content=b" " * (limit + 1))
    assert too_long.status_code == 413
    assert too_long.json()["error"]["code"] == -32005
    assert await is_alive(node)


async def test_a_chunked_body_is_refused_once_it_is_too_long(node: Any) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 16_384

    try:
        answer = await node.http.post("/zk", content=endless())
    except httpx.TransportError:
        # The server may close before the client has sent everything.
        pass
    else:
        assert answer.status_code == 413
    assert node.server.gateway.status()["http_refusals"] == {"413": 1}
    assert await is_alive(node)


async def test_a_content_length_that_lies_is_refused_before_the_body(node: Any) -> None:
    head = b"POST /zk HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    for claimed in (10**9, 10**18):
        assert (await raw_exchange(node, head % claimed)).startswith(b"HTTP/1.1 413")
    assert await is_alive(node)


async def test_an_endless_head_is_cut_off(node: Any) -> None:
    piece = b"X-Padding: " + b"a" * 8000 + b"\r\n"
    one_header = [b"POST /zk HTTP/1.1\r\nX: ", *[b"a" * 8000] * 60]
    many_headers = [b"POST /zk HTTP/1.1\r\n", *[piece] * 60]
    for attack in (one_header, many_headers):
        try:
            answer = await raw_exchange(node, *attack)
        except ConnectionError:
            continue
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert await is_alive(node)


async def test_a_connection_that_sends_no_head_is_closed(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http_protocol.HEAD_TIMEOUT_SECONDS", 0.05)
    assert await raw_exchange(node) == b""
    assert await raw_exchange(node, b"POST /zk HT") == b""
    assert await is_alive(node)


@pytest.mark.parametrize(
    "junk",
    [b"\x00" * 100, b"GET\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 200, b"POST /zk HTTP/9.9\r\n\r\n"],
)
async def test_what_is_not_http_is_refused(node: Any, junk: bytes) -> None:
    assert (await raw_exchange(node, junk)).startswith(b"HTTP/1.1 400")
    assert await is_alive(node)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/zk", 405),
        ("PUT", "/zk", 405),
        ("DELETE", "/", 405),
        ("POST", "/nothing", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%00", 404),
        ("GET", "/", 200),
        ("GET", "/health", 200),
        ("OPTIONS", "/zk", 204),
    ],
)
async def test_paths_and_methods(node: Any, method: str, path: str, status: int) -> None:
    assert (await node.http.request(method, path)).status_code == status


async def test_browsers_may_call_from_any_page(node: Any) -> None:
    preflight = await node.http.options("/zk")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "content-type"
    assert "POST" in preflight.headers["access-control-allow-methods"]


async def test_health_names_the_heads(node: Any) -> None:
    node.zk.mine()
    report = (await node.http.get("/health")).json()
    assert report["status"] == "ok"
    assert report["chains"]["zk"] == {"latest": 1, "safe": 1, "finalized": 0}


async def test_a_client_that_leaves_in_mid_body_harms_nobody(node: Any) -> None:
    with socket.create_connection(("127.0.0.1", node.server.port)) as connection:
        connection.sendall(b"POST /zk HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert await is_alive(node)


async def test_log_ranges_and_results_are_bounded(node: Any) -> None:
    error = await node.error("/zk", "eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x64"})
    assert error["code"] == -32005
    fits = await node.result("/zk", "eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x63"})
    assert fits == []
    backwards = {"fromBlock": "0x5", "toBlock": "0x1"}
    assert (await node.error("/zk", "eth_getLogs", backwards))["code"] == -32602


async def test_filters_are_bounded(node: Any) -> None:
    for _ in range(3):
        await node.result("/zk", "eth_newBlockFilter")
    assert (await node.error("/zk", "eth_newBlockFilter"))["code"] == -32005
    assert node.server.gateway.status()["filters"] == {"zk": 3, "fast": 0}


async def test_an_unknown_block_is_null_or_an_error_never_a_crash(node: Any) -> None:
    for reference in ("0x5", hex(2**64 - 1)):
        assert await node.result("/zk", "eth_getBlockByNumber", reference, False) is None
        error = await node.error("/zk", "eth_getBalance", ADDRESS, reference)
        assert error == {"code": -32000, "message": "header not found"}
    assert await node.result("/zk", "eth_getBlockByHash", HASH, True) is None
    assert await node.result("/zk", "eth_getTransactionReceipt", HASH) is None


METHODS = [
    "eth_getBalance",
    "eth_getTransactionCount",
    "eth_getCode",
    "eth_getStorageAt",
    "eth_call",
    "eth_estimateGas",
    "eth_getProof",
    "eth_feeHistory",
    "eth_getLogs",
    "eth_newFilter",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_uninstallFilter",
    "eth_sendRawTransaction",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getBlockReceipts",
    "eth_getBlockTransactionCountByNumber",
    "eth_getUncleCountByBlockHash",
    "web3_sha3",
    "braid_getLedgerBlock",
    "braid_getCheckpoint",
    "braid_getRound",
    "braid_evidence",
]

PLAUSIBLE = st.sampled_from(
    [
        ADDRESS,
        HASH,
        "0x",
        "0x0",
        "0x1",
        "0xffffffffffffffff",
        "0x" + "f" * 64,
        "0x" + "0" * 1000,
        "latest",
        "safe",
        "pending",
        "zk",
        {"to": ADDRESS},
        {"from": ADDRESS, "gas": "0xffffffffffffffff", "value": "0x" + "f" * 64},
        {"to": None, "data": "0xfe"},
        {"gasPrice": "0x" + "f" * 64, "gas": "0x5208"},
        {"blockHash": HASH},
        {"fromBlock": "0x0", "toBlock": "latest", "topics": [[None], None, [HASH]]},
        {"address": [ADDRESS] * 3},
        [50, 10],
        [],
    ]
)
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(method=st.sampled_from(METHODS), params=st.lists(PLAUSIBLE | ANY_JSON, max_size=5))
def test_no_parameters_make_an_internal_error(
    node_in_thread: Any, method: str, params: list[Any]
) -> None:
    answer = node_in_thread.rpc("/zk", method, params)
    if "error" in answer:
        assert answer["error"]["code"] in JSON_RPC_CODES, answer
