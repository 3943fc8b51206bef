"""``braid bench throughput``: signed transfers through JSON-RPC until they are final everywhere."""

import asyncio
import time
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Any, Final

import httpx
import orjson
from eth_account.signers.local import LocalAccount

from cluster.bench.figures import Limit, print_figures
from cluster.dev_genesis import DEV_ACCOUNT_COUNT, FAST_CHAIN_ID, dev_account
from cluster.errors import DemoFailed
from cluster.output import rounded, say_progress
from cluster.session import Session, temporary_network
from ledger.types import ChainRole

LIMITS: Final = {"tx_per_second": Limit(1_000, False)}
BATCH_SIZE: Final = 100
CONNECTIONS: Final = 4
DEADLINE_SECONDS: Final = 180.0
POLL_SECONDS: Final = 0.05


def run(validators: int, transactions: int, as_json: bool) -> None:
    """Send transfers to all nodes in turn, and wait until every node has them final.

    Transfers are signed before the clock starts. The clock runs from the first
    request to the moment at which every sender's nonce is final on every node.

    Raises
    ------
    DemoFailed
        If a transfer is refused or not final in time.
    """
    per_sender = -(-transactions // DEV_ACCOUNT_COUNT)
    say_progress(f"signing {per_sender * DEV_ACCOUNT_COUNT} transfers")
    with get_context("spawn").Pool(2) as pool:
        signed = pool.starmap(
            _sign, [(index, per_sender) for index in range(DEV_ACCOUNT_COUNT)], chunksize=4
        )
    batches = list(_batches(signed))
    with temporary_network(validators, say_progress) as session:
        say_progress("sending")
        began = time.monotonic()
        asyncio.run(_send_all(session, batches))
        accepted_at = time.monotonic()
        _wait_until_final(session, per_sender)
        ended = time.monotonic()
        blocks = session.ask_all("ledger_height")[0]
    count = per_sender * DEV_ACCOUNT_COUNT
    figures = {
        "validators": validators,
        "transactions": count,
        "seconds": rounded(ended - began, 2),
        "accepted_per_second": rounded(count / (accepted_at - began)),
        "tx_per_second": rounded(count / (ended - began)),
        "ledger_blocks": blocks,
    }
    print_figures("Transfers, JSON-RPC to final", figures, LIMITS, as_json)


def _sign(index: int, count: int) -> list[str]:
    sender: LocalAccount = dev_account(index)
    receiver = dev_account((index + 1) % DEV_ACCOUNT_COUNT).address
    raws = []
    for nonce in range(count):
        transaction: dict[str, Any] = {
            "chainId": FAST_CHAIN_ID,
            "nonce": nonce,
            "gas": 21_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "to": receiver,
            "value": 1,
            "type": 2,
        }
        raws.append("0x" + sender.sign_transaction(transaction).raw_transaction.hex())
    return raws


def _batches(signed: list[list[str]]) -> Iterator[list[str]]:
    """Batches in which each sender's transfers keep their order."""
    in_order = [raw for by_nonce in zip(*signed, strict=True) for raw in by_nonce]
    for start in range(0, len(in_order), BATCH_SIZE):
        yield in_order[start : start + BATCH_SIZE]


async def _send_all(session: Session, batches: list[list[str]]) -> None:
    """Send all batches to one node, several at a time."""
    url = session.url(0, ChainRole.FAST)
    waiting = iter(batches)
    async with httpx.AsyncClient(timeout=DEADLINE_SECONDS) as client:

        async def worker() -> None:
            for batch in waiting:
                await _send(client, url, batch)

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))


async def _send(client: httpx.AsyncClient, url: str, batch: list[str]) -> None:
    requests = [
        {"jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction", "params": [raw]}
        for index, raw in enumerate(batch)
    ]
    response = await client.post(
        url, content=orjson.dumps(requests), headers={"content-type": "application/json"}
    )
    answers = orjson.loads(response.content)
    refused = [answer["error"] for answer in answers if "error" in answer]
    if refused:
        raise DemoFailed(f"a transfer was refused: {refused[0]['message']}")


def _wait_until_final(session: Session, per_sender: int) -> None:
    clients = [session.client(node, ChainRole.FAST) for node in range(len(session.nodes))]
    deadline = time.monotonic() + DEADLINE_SECONDS
    missing = [
        (client, dev_account(index).address)
        for client in clients
        for index in range(DEV_ACCOUNT_COUNT)
    ]
    while missing:
        client, address = missing[-1]
        if client.web3.eth.get_transaction_count(address, "safe") == per_sender:
            missing.pop()
        elif time.monotonic() > deadline:
            raise DemoFailed(f"{client.name}: not all transfers are final after the deadline")
        else:
            time.sleep(POLL_SECONDS)
