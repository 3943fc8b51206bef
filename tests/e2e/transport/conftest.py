"""Real libp2p transports on loopback, in one process."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actors.transport import Channel, ConnectionState, Received
from actors.transport._libp2p_patches import peer_id_from_public_key
from actors.transport.config import PeerAddress, TransportConfig, TransportTiming
from actors.transport.libp2p_transport import Libp2pTransport

GENESIS = hashlib.sha256(b"genesis of the tests").digest()
QUICK = TransportTiming(
    heartbeat_seconds=0.2,
    dead_peer_seconds=1.0,
    write_timeout_seconds=1.0,
    handshake_timeout_seconds=2.0,
    reconnect_minimum_seconds=0.05,
    reconnect_maximum_seconds=0.5,
)


def public_key_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def seeds_by_peer_id(count: int) -> list[bytes]:
    """Seeds whose peer ids ascend: a lower index dials every higher one."""
    seeds = [hashlib.sha256(b"seed %d" % number).digest() for number in range(count)]
    return sorted(seeds, key=lambda seed: peer_id_from_public_key(public_key_of(seed)).to_bytes())


async def wait_until(condition: Callable[[], bool], timeout_seconds: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


class Cluster:
    """Transports of one genesis; closes what it opened."""

    def __init__(self, count: int, timing: TransportTiming) -> None:
        self.seeds = seeds_by_peer_id(count)
        self.timing = timing
        self.transports: dict[int, Libp2pTransport] = {}
        self.configs = {
            index: TransportConfig(
                index=index,
                network_seed=seed,
                listen_host="127.0.0.1",
                listen_port=0,
                peers=tuple(
                    PeerAddress(peer, public_key_of(other), "127.0.0.1", 0)
                    for peer, other in enumerate(self.seeds)
                ),
                genesis_digest=GENESIS,
                timing=timing,
            )
            for index, seed in enumerate(self.seeds)
        }

    def __getitem__(self, index: int) -> Libp2pTransport:
        return self.transports[index]

    async def start(self, index: int, **changes: object) -> Libp2pTransport:
        transport = Libp2pTransport(replace(self.configs[index], **changes))
        await transport.start()
        self.transports[index] = transport
        for other in self.transports.values():
            self.introduce(transport, other)
            self.introduce(other, transport)
        return transport

    def introduce(self, to: Libp2pTransport, who: Libp2pTransport) -> None:
        index = next(index for index, known in self.transports.items() if known is who)
        address = who.status().listen_address
        if to is not who and address is not None:
            to.set_peer_address(index, *address)

    async def start_all(self) -> None:
        for index in self.configs:
            await self.start(index)
        await self.connected()

    async def connected(self, *indices: int) -> None:
        chosen = indices or tuple(self.transports)
        await wait_until(
            lambda: all(
                self[index].status().peers[peer].state is ConnectionState.CONNECTED
                for index in chosen
                for peer in chosen
                if peer != index
            )
        )

    async def close(self) -> None:
        for transport in self.transports.values():
            await transport.close()


@pytest.fixture
async def cluster_of():
    clusters: list[Cluster] = []

    def make(count: int, timing: TransportTiming = QUICK) -> Cluster:
        clusters.append(Cluster(count, timing))
        return clusters[-1]

    yield make
    for cluster in clusters:
        await cluster.close()


@pytest.fixture
async def pair(cluster_of):
    cluster = cluster_of(2)
    await cluster.start_all()
    return cluster


@pytest.fixture
def until():
    return wait_until


@pytest.fixture
def collect():
    """Receive until ``count`` messages are there."""

    async def take(transport: Libp2pTransport, count: int, timeout_seconds: float = 20.0):
        messages: list[Received] = []
        async with asyncio.timeout(timeout_seconds):
            while len(messages) < count:
                messages += await transport.receive()
        return messages

    return take


__all__ = ["Channel"]
