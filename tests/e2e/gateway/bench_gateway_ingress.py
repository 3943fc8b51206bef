"""Transfers per second through ``eth_sendRawTransaction``: single requests and batches.

    python tests/e2e/gateway/bench_gateway_ingress.py [--transactions 10000] [--connections 64]

The server runs in a process of its own, on the real engine and mempool, with
1.5 ms added to each backend call as a remote actor would take.
"""

import argparse
import asyncio
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

import orjson
import uvloop
from devchain import DevChain, DevLedger
from eth_account import Account
from eth_account.signers.local import LocalAccount
from signing import signed_transfer

from execution.mempool import AddOutcome, PoolLimits
from execution.types import Address, GenesisAccount
from gateway.application import Gateway
from gateway.backend import AdmissionState, SubmittedTransaction
from gateway.server import start_server
from ledger.types import ChainRole

CHAIN_ID = 7101
SENDERS = 100
CALL_SECONDS = 0.0015
HEAD = b"POST /fast HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


class RemoteChain(DevChain):
    """A dev chain whose calls take as long as those of an actor."""

    async def admission_state(self, addresses: Sequence[Address]) -> AdmissionState:
        await asyncio.sleep(CALL_SECONDS)
        return await super().admission_state(addresses)

    async def submit(self, transactions: Sequence[SubmittedTransaction]) -> Sequence[AddOutcome]:
        await asyncio.sleep(CALL_SECONDS)
        return await super().submit(transactions)


class Client(asyncio.Protocol):
    """One keep-alive connection that sends a request as soon as the last one is answered."""

    def __init__(self, requests: Iterator[bytes], done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._done = done
        self._buffer = b""
        self.errors = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        start = self._buffer.index(b"content-length: ") + len(b"content-length: ")
        length = int(self._buffer[start : self._buffer.index(b"\r\n", start)])
        if len(self._buffer) < head_end + 4 + length:
            return
        self.errors += self._buffer.count(b'"error"')
        self._buffer = b""
        self._send()

    def _send(self) -> None:
        body = next(self._requests, None)
        if body is None:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._transport.write(HEAD % len(body) + body)


def accounts() -> list[LocalAccount]:
    return [Account.from_key(index.to_bytes(32, "big")) for index in range(1, SENDERS + 1)]


def serve(pipe: Connection) -> None:
    alloc = {
        Address(bytes.fromhex(account.address[2:])): GenesisAccount(balance_wei=10**24)
        for account in accounts()
    }
    chain = RemoteChain(
        ChainRole.FAST,
        CHAIN_ID,
        alloc,
        gas_limit=200_000_000,
        pool_limits=PoolLimits(is_arrival_ordered=True, max_nonce_gap=10_000),
    )

    async def run() -> None:
        gateway = Gateway([(chain.info, chain)], DevLedger([chain]))
        server = await start_server(gateway)
        pipe.send(server.port)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, pipe.recv) == "status":
            status = gateway.status()["ingress"]["fast"]
            pipe.send((time.process_time(), status["batches"], chain.newest.number))
        await server.stop()

    uvloop.run(run())


async def drive(port: int, bodies: Sequence[bytes], connections: int) -> tuple[float, int]:
    """Send all bodies; gives the seconds it took and the errors among the answers."""
    loop = asyncio.get_running_loop()
    requests = iter(bodies)
    clients: list[Client] = []
    ends = [loop.create_future() for _ in range(connections)]
    start = time.perf_counter()
    for end in ends:
        _, client = await loop.create_connection(
            lambda end=end: Client(requests, end), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*ends)
    return time.perf_counter() - start, sum(client.errors for client in clients)


def request(raw: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=[theirs])
    server.start()
    port = ours.recv()
    count, senders = arguments.transactions, accounts()
    rounds = [
        ("single requests", arguments.connections, 1),
        ("batches of 100", min(8, arguments.connections), 100),
    ]
    try:
        for index, (name, connections, size) in enumerate(rounds):
            first_nonce = index * (count // SENDERS)
            raws = [
                signed_transfer(sender, CHAIN_ID, first_nonce + offset)
                for offset in range(count // SENDERS)
                for sender in senders
            ]
            if size == 1:
                bodies = [orjson.dumps(request(raw)) for raw in raws]
            else:
                bodies = [
                    orjson.dumps([request(raw) for raw in raws[start : start + size]])
                    for start in range(0, len(raws), size)
                ]
            before = ask(ours)
            seconds, errors = uvloop.run(drive(port, bodies, connections))
            after = ask(ours)
            cpu_us = 1e6 * (after[0] - before[0]) / len(raws)
            sys.stdout.write(
                f"{name}: {len(raws) / seconds:,.0f} tx/s over {connections} connections, "
                f"{errors} errors, server CPU {cpu_us:.0f} us/tx (execution included), "
                f"{len(raws) / (after[1] - before[1]):.0f} tx per ingress batch\n"
            )
    finally:
        ours.send("stop")
        server.join()


def ask(pipe: Connection) -> tuple[float, int, int]:
    pipe.send("status")
    answer: tuple[float, int, int] = pipe.recv()
    return answer


if __name__ == "__main__":
    main()
