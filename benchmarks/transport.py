"""Latency and CPU of the transport between processes on one machine.

``python -m benchmarks.transport`` starts one process per validator and measures

- ``view``: the message pattern of a Simplex view. A leader broadcasts a proposal, everyone
  broadcasts a notarize vote, at a quorum a finalize vote; a view ends at a quorum of
  those. Reported from the leader's broadcast to its own quorum of finalize votes.
- ``ack``: one validator broadcasts, waits for a quorum of acknowledgements.
- ``stock``: ``ack`` over a plain libp2p 0.8.1 host (Noise, its own yamux), on trio.
- ``bulk``: a 4 MiB payload to every other validator until all have acknowledged it.

CPU is user plus system time of all processes per round.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import statistics
import struct
import time
from multiprocessing.connection import Connection
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MESSAGE_BYTES = 200
BULK_BYTES = 4 * 1024 * 1024
_HEADER = struct.Struct("!BI")
PROPOSAL, NOTARIZE, FINALIZE, ACKNOWLEDGE = range(4)

Samples = list[float]


def seed_of(index: int) -> bytes:
    """Return the network seed of a validator of this benchmark."""
    return hashlib.sha256(b"benchmark validator %d" % index).digest()


def message(kind: int, number: int, size: int = MESSAGE_BYTES) -> bytes:
    """Return a message of ``size`` bytes."""
    return _HEADER.pack(kind, number).ljust(size, b"\0")


async def run_braid(index: int, count: int, arguments: argparse.Namespace, pipe: Connection) -> Any:
    """Run one validator over ``Libp2pTransport``; return its samples and CPU seconds."""
    from actors.transport.config import PeerAddress, TransportConfig
    from actors.transport.libp2p_transport import Libp2pTransport

    peers = tuple(
        PeerAddress(
            peer,
            Ed25519PrivateKey.from_private_bytes(seed_of(peer)).public_key().public_bytes_raw(),
            "127.0.0.1",
            0,
        )
        for peer in range(count)
    )
    transport = Libp2pTransport(
        TransportConfig(index, seed_of(index), "127.0.0.1", 0, peers, bytes(32))
    )
    await transport.start()
    pipe.send(transport.status().listen_address)
    for peer, (host, port) in enumerate(await asyncio.to_thread(pipe.recv)):
        if peer != index:
            transport.set_peer_address(peer, host, port)
    while any(peer.state != "connected" for peer in transport.status().peers.values()):
        await asyncio.sleep(0.01)
    pipe.send("connected")
    await asyncio.to_thread(pipe.recv)
    run = {"view": views, "ack": acknowledgements, "bulk": bulk}[arguments.mode]
    warm_up = max(arguments.rounds // 10, 1)
    samples, cpu_seconds = await run(transport, index, count, warm_up, arguments.rounds)
    pipe.send((samples, cpu_seconds))
    await asyncio.to_thread(pipe.recv)
    await transport.close()


async def views(
    transport: Any, index: int, count: int, warm_up: int, rounds: int
) -> tuple[Samples, float]:
    """Play ``rounds`` views; each validator leads in turn."""
    from actors.transport.interface import Channel

    quorum = count - (count - 1) // 3
    votes: dict[tuple[int, int], int] = {}
    samples: Samples = []
    started_cpu = time.process_time()
    view = 0
    begun = 0.0

    def vote(kind: int, number: int) -> None:
        transport.broadcast(Channel.CONSENSUS, message(kind, number))
        votes[kind, number] = votes.get((kind, number), 0) + 1

    def lead_if_mine() -> None:
        nonlocal begun
        if view % count == index and view < warm_up + rounds:
            begun = time.perf_counter()
            transport.broadcast(Channel.CONSENSUS, message(PROPOSAL, view))
            vote(NOTARIZE, view)

    lead_if_mine()
    while view < warm_up + rounds:
        for received in await transport.receive():
            kind, number = _HEADER.unpack_from(received.payload)
            if kind == PROPOSAL:
                vote(NOTARIZE, number)
            else:
                votes[kind, number] = votes.get((kind, number), 0) + 1
            if kind != FINALIZE and votes.get((NOTARIZE, number), 0) == quorum:
                vote(FINALIZE, number)
            while votes.get((FINALIZE, view), 0) >= quorum:
                if view % count == index and view >= warm_up:
                    samples.append(time.perf_counter() - begun)
                view += 1
                if view == warm_up:
                    started_cpu = time.process_time()
                lead_if_mine()
    return samples, time.process_time() - started_cpu


async def acknowledgements(
    transport: Any, index: int, count: int, warm_up: int, rounds: int
) -> tuple[Samples, float]:
    """Validator 0 broadcasts and waits for a quorum (its own acknowledgement included)."""
    from actors.transport.interface import Channel

    needed = count - (count - 1) // 3 - 1
    samples: Samples = []
    started_cpu = time.process_time()
    if index == 0:
        for number in range(warm_up + rounds):
            if number == warm_up:
                started_cpu = time.process_time()
            begun = time.perf_counter()
            transport.broadcast(Channel.CONSENSUS, message(PROPOSAL, number))
            have = 0
            while have < needed:
                for received in await transport.receive():
                    _, acknowledged = _HEADER.unpack_from(received.payload)
                    have += acknowledged == number
            if number >= warm_up:
                samples.append(time.perf_counter() - begun)
        return samples, time.process_time() - started_cpu
    number = -1
    while number < warm_up + rounds - 1:
        for received in await transport.receive():
            _, number = _HEADER.unpack_from(received.payload)
            if number == warm_up:
                started_cpu = time.process_time()
            transport.send(0, Channel.CONSENSUS, message(ACKNOWLEDGE, number))
    return samples, time.process_time() - started_cpu


async def bulk(
    transport: Any, index: int, count: int, warm_up: int, rounds: int
) -> tuple[Samples, float]:
    """Validator 0 sends 4 MiB to all, who answer with a small message."""
    from actors.transport.interface import Channel

    samples: Samples = []
    started_cpu = time.process_time()
    for number in range(warm_up + rounds):
        begun = time.perf_counter()
        if index == 0:
            transport.broadcast(Channel.PAYLOAD, message(PROPOSAL, number, BULK_BYTES))
            have = 0
            while have < count - 1:
                have += len(await transport.receive())
            if number >= warm_up:
                samples.append(time.perf_counter() - begun)
        else:
            await transport.receive()
            transport.send(0, Channel.CONSENSUS, message(ACKNOWLEDGE, number))
    return samples, time.process_time() - started_cpu


async def run_stock(index: int, count: int, arguments: argparse.Namespace, pipe: Connection) -> Any:
    """Run ``ack`` over a plain libp2p host, on trio: the baseline."""
    import logging

    import trio
    from libp2p import new_host
    from libp2p.crypto.ed25519 import create_new_key_pair
    from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
    from libp2p.peer.peerinfo import info_from_p2p_addr
    from libp2p.security.noise.transport import PROTOCOL_ID, Transport
    from multiaddr import Multiaddr

    logging.disable(logging.CRITICAL)
    identity = create_new_key_pair(seed_of(index))
    noise = Transport(identity, create_new_x25519_key_pair().private_key)
    host = new_host(key_pair=identity, sec_opt={PROTOCOL_ID: noise})
    warm_up = max(arguments.rounds // 10, 1)
    total = warm_up + arguments.rounds
    finished = trio.Event()
    started_cpu = time.process_time()

    async def read_message(stream: Any) -> bytes:
        data = b""
        while len(data) < MESSAGE_BYTES:
            data += await stream.read(MESSAGE_BYTES - len(data))
        return data

    async def acknowledge(stream: Any) -> None:
        nonlocal started_cpu
        for number in range(total):
            if number == warm_up:
                started_cpu = time.process_time()
            await stream.write(await read_message(stream))
        finished.set()

    host.set_stream_handler("/benchmark/1", acknowledge)
    samples: Samples = []
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        pipe.send(str(host.get_addrs()[0]))
        addresses = await trio.to_thread.run_sync(pipe.recv)
        pipe.send("connected")
        await trio.to_thread.run_sync(pipe.recv)
        if index == 0:
            streams = []
            for address in addresses[1:]:
                info = info_from_p2p_addr(Multiaddr(address))
                await host.connect(info)
                streams.append(await host.new_stream(info.peer_id, ["/benchmark/1"]))
            needed = count - (count - 1) // 3 - 1
            arrivals, arrived = trio.open_memory_channel[int](count * total)

            async def read_acknowledgements(stream: Any) -> None:
                for _ in range(total):
                    _, number = _HEADER.unpack_from(await read_message(stream))
                    arrivals.send_nowait(number)

            async with trio.open_nursery() as nursery:
                for stream in streams:
                    nursery.start_soon(read_acknowledgements, stream)
                for number in range(total):
                    if number == warm_up:
                        started_cpu = time.process_time()
                    begun = time.perf_counter()
                    async with trio.open_nursery() as writers:
                        for stream in streams:
                            writers.start_soon(stream.write, message(PROPOSAL, number))
                    have = 0
                    while have < needed:
                        have += await arrived.receive() == number
                    if number >= warm_up:
                        samples.append(time.perf_counter() - begun)
        else:
            await finished.wait()
        pipe.send((samples, time.process_time() - started_cpu))
        await trio.to_thread.run_sync(pipe.recv)


def validator_process(
    index: int, count: int, arguments: argparse.Namespace, pipe: Connection
) -> None:
    """Entry of one validator's process."""
    if arguments.mode == "stock":
        import trio

        trio.run(run_stock, index, count, arguments, pipe)
        return
    factory = None
    if arguments.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run_braid(index, count, arguments, pipe))


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("mode", choices=["view", "ack", "stock", "bulk"])
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for index in range(arguments.validators):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=validator_process, args=(index, arguments.validators, arguments, theirs)
        )
        process.start()
        pipes.append(ours)
        processes.append(process)
    addresses = [pipe.recv() for pipe in pipes]
    for pipe in pipes:
        pipe.send(addresses)
    for pipe in pipes:
        pipe.recv()
    begun = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    results = [pipe.recv() for pipe in pipes]
    wall_seconds = time.perf_counter() - begun
    for pipe in pipes:
        pipe.send("end")
    for process in processes:
        process.join()
    samples = sorted(sample for result in results for sample in result[0])
    figures = {
        "mode": arguments.mode,
        "validators": arguments.validators,
        "rounds": arguments.rounds,
        "p50_ms": round(statistics.median(samples) * 1e3, 3),
        "p99_ms": round(samples[int(len(samples) * 0.99)] * 1e3, 3),
        "cpu_ms_per_round": round(sum(result[1] for result in results) / arguments.rounds * 1e3, 3),
        "wall_seconds": round(wall_seconds, 2),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>18}  {value}")


if __name__ == "__main__":
    main()
