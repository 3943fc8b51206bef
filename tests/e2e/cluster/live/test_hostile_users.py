"""What users send over HTTP that is wrong: a typed error and a count, and nothing changes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import ray
from braid_command import wait_until
from eth_account import Account
from eth_account.signers.local import LocalAccount
from live_network import LiveNetwork

from cluster.dev_genesis import (
    DEV_BALANCE_WEI,
    FAST_CHAIN_ID,
    ZK_CHAIN_ID,
    dev_account,
)
from ledger.types import ChainRole

NODE = 1
GWEI = 10**9
RECEIVER = "0x" + "55" * 20
MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True, scope="module")
def agreement(network: LiveNetwork) -> Iterator[None]:
    """After all that these users have done, all nodes still agree and go on."""
    yield
    network.wait_until_agree()


def _request(method: str, params: Any) -> bytes:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(body).encode()


def _errors(network: LiveNetwork, path: str) -> Mapping[str, int]:
    """The gateway's counts, as ``braid status`` shows them."""
    status = ray.get(network.session.nodes[NODE].gateway.status.remote())
    errors: Mapping[str, int] = status["paths"][path]["errors"]
    return errors


def _refusals(network: LiveNetwork) -> Mapping[str, int]:
    status = ray.get(network.session.nodes[NODE].gateway.status.remote())
    refusals: Mapping[str, int] = status["http_refusals"]
    return refusals


def _signed(account: LocalAccount, nonce: int, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": ZK_CHAIN_ID,
        "nonce": nonce,
        "to": RECEIVER,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 20 * GWEI,
        "maxPriorityFeePerGas": 0,
        "data": b"",
    }
    return "0x" + bytes(account.sign_transaction(fields | changes).raw_transaction).hex()


def _nonce(network: LiveNetwork, account: LocalAccount) -> int:
    return int(network.rpc(NODE).result("eth_getTransactionCount", account.address, "pending"), 16)


def _with_broken_signature(raw: str) -> str:
    """The last byte of ``s`` changed: the sender is somebody else, who has nothing."""
    return raw[:-2] + f"{int(raw[-2:], 16) ^ 1:02x}"


@pytest.mark.parametrize(
    ("body", "code", "kind"),
    [
        (b"", -32700, "parse_error"),
        (b"{", -32700, "parse_error"),
        (b"\xff\xfe\x00", -32700, "parse_error"),
        (b"[" * 100_000, -32700, "parse_error"),
        (b"7", -32600, "invalid_request"),
        (b"[]", -32600, "invalid_request"),
        (b'{"jsonrpc":"2.0","id":1}', -32600, "invalid_request"),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, "invalid_request"),
        (_request("eth_nothing", []), -32601, "method_not_found"),
        (_request("__init__", []), -32601, "method_not_found"),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[7]}',
            -32602,
            "invalid_params",
        ),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{}}',
            -32602,
            "invalid_params",
        ),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_a_malformed_request_has_a_code_and_a_count(
    network: LiveNetwork, body: bytes, code: int, kind: str
) -> None:
    before = _errors(network, "/zk").get(kind, 0)
    rpc = network.rpc(NODE)
    answer = rpc.http.post(rpc.url, content=body).json()
    assert answer["error"]["code"] == code
    assert _errors(network, "/zk")[kind] == before + 1


def test_a_body_that_is_too_long_is_refused_and_counted(network: LiveNetwork) -> None:
    before = _refusals(network).get("413", 0)
    rpc = network.rpc(NODE)
    response = rpc.http.post(rpc.url, content=b"x" * (5 * MEBIBYTE))
    assert response.status_code == 413
    assert _refusals(network)["413"] == before + 1


def test_a_batch_that_is_too_long_is_refused(network: LiveNetwork) -> None:
    one = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    rpc = network.rpc(NODE)
    answer = rpc.http.post(rpc.url, json=[one] * 1001).json()
    assert answer["error"]["code"] == -32600
    assert len(rpc.http.post(rpc.url, json=[one] * 1000).json()) == 1000


@pytest.mark.parametrize(
    ("path", "verb", "code"),
    [("/zk", "GET", 405), ("/nothing", "POST", 404), ("/zk/x", "POST", 404)],
)
def test_other_paths_and_verbs_are_refused(
    network: LiveNetwork, path: str, verb: str, code: int
) -> None:
    rpc = network.rpc(NODE)
    url = rpc.url.removesuffix("/zk") + path
    assert rpc.http.request(verb, url).status_code == code


@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        ("0x", -32000, ""),
        ("0x00", -32000, ""),
        ("0x02c0", -32000, ""),
        ("0x" + "ff" * 300, -32000, ""),
        ("0x7f" + "00" * 40, -32000, ""),
        ("nothing", -32602, "0x prefix"),
        (5, -32602, "expected hex data"),
        ("0x" + "02" + "00" * 200_000, -32000, "oversized data"),
    ],
    ids=["empty", "zero", "empty list", "ones", "unknown type", "no hex", "a number", "too long"],
)
def test_a_transaction_that_is_none_is_refused(
    network: LiveNetwork, raw: Any, code: int, text: str
) -> None:
    error = network.rpc(NODE).error("eth_sendRawTransaction", raw)
    assert error["code"] == code
    assert text in error["message"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"chainId": FAST_CHAIN_ID}, "invalid chain id"),
        ({"chainId": 1}, "invalid chain id"),
        ({"gas": 20_999}, "intrinsic gas too low"),
        ({"gas": 60_000_001}, "exceeds block gas limit"),
        ({"value": 2 * DEV_BALANCE_WEI}, "insufficient funds"),
        ({"maxFeePerGas": 1}, "max fee per gas less than block base fee"),
        ({"maxPriorityFeePerGas": 21 * GWEI}, "max priority fee per gas higher"),
        ({"nonce": 2**64 - 1}, "nonce has max value"),
        ({"nonce": 5_000_000}, "nonce too high"),
        ({"to": "", "data": b"\x00" * 49_153, "gas": 5_000_000}, "max initcode size exceeded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_transaction_that_cannot_execute_is_refused_with_geth_s_words(
    network: LiveNetwork, changes: dict[str, Any], text: str
) -> None:
    before = _errors(network, "/zk").get("transaction_rejected", 0)
    account = dev_account(40)
    raw = _signed(account, **{"nonce": 0, **changes})
    error = network.rpc(NODE).error("eth_sendRawTransaction", raw)
    assert error["code"] == -32000
    assert text in error["message"]
    assert _errors(network, "/zk")["transaction_rejected"] == before + 1
    assert _nonce(network, account) == 0


def test_a_wrongly_signed_transaction_spends_nothing_of_its_claimed_sender(
    network: LiveNetwork,
) -> None:
    account = dev_account(41)
    error = network.rpc(NODE).error(
        "eth_sendRawTransaction", _with_broken_signature(_signed(account, 0))
    )
    assert error["code"] == -32000
    assert _nonce(network, account) == 0


def test_a_replayed_transaction_executes_once(network: LiveNetwork) -> None:
    account = dev_account(42)
    raw = _signed(account, 0)
    rpc = network.rpc(NODE)
    transaction_hash = rpc.result("eth_sendRawTransaction", raw)
    again = rpc.request("eth_sendRawTransaction", raw)
    assert "error" in again
    wait_until(lambda: rpc.result("eth_getTransactionReceipt", transaction_hash), "the receipt")
    for node in range(network.count):
        wait_until(
            lambda node=node: network.rpc(node).result(
                "eth_getTransactionReceipt", transaction_hash
            ),
            "the receipt everywhere",
        )
        error = network.rpc(node).error("eth_sendRawTransaction", raw)
        assert "nonce too low" in error["message"] or "already known" in error["message"]
    assert _nonce(network, account) == 1


def test_a_transaction_of_one_chain_is_worth_nothing_on_the_other(network: LiveNetwork) -> None:
    account = dev_account(43)
    error = network.rpc(NODE, ChainRole.FAST).error("eth_sendRawTransaction", _signed(account, 0))
    assert "invalid chain id" in error["message"]


def test_transactions_out_of_order_wait_for_the_first_one(network: LiveNetwork) -> None:
    account = dev_account(44)
    rpc = network.rpc(NODE)
    hashes = [rpc.result("eth_sendRawTransaction", _signed(account, nonce)) for nonce in (3, 1, 2)]
    height = rpc.status()["final_height"]
    network.wait_for_height(NODE, height + 5)
    assert [rpc.result("eth_getTransactionReceipt", wanted) for wanted in hashes] == [None] * 3
    hashes.append(rpc.result("eth_sendRawTransaction", _signed(account, 0)))
    for wanted in hashes:
        receipt = wait_until(
            lambda wanted=wanted: rpc.result("eth_getTransactionReceipt", wanted), "a receipt"
        )
        assert receipt["status"] == "0x1"
    assert _nonce(network, account) == 4


def test_two_transactions_with_one_nonce_at_two_nodes_execute_once(network: LiveNetwork) -> None:
    account = dev_account(45)
    raws = [_signed(account, 0, value=amount) for amount in (1, 2)]
    answers = [
        network.rpc(node).request("eth_sendRawTransaction", raw)
        for node, raw in zip((0, 2), raws, strict=True)
    ]
    hashes = [answer["result"] for answer in answers if "result" in answer]
    watcher = network.rpc(NODE)

    def included() -> list[Any]:
        found = [watcher.result("eth_getTransactionReceipt", wanted) for wanted in hashes]
        return [receipt for receipt in found if receipt is not None]

    wait_until(included, "one of them")
    network.wait_for_height(NODE, watcher.status()["final_height"] + 5)
    assert len(included()) == 1
    assert _nonce(network, account) == 1


def test_a_stranger_without_funds_is_refused(network: LiveNetwork) -> None:
    stranger = Account.from_key("0x" + "5a" * 32)
    error = network.rpc(NODE).error("eth_sendRawTransaction", _signed(stranger, 0))
    assert "insufficient funds" in error["message"]
