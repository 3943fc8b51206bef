"""What goes wrong around a validator: strangers, wrong genesis, dead and stalled peers."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time

import pytest

from actors.transport import Channel, ConnectionState, PeerStatus, StartError
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport

CHILD = """
import asyncio, json, sys
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport

async def main():
    order = json.loads(sys.stdin.readline())
    peers = tuple(PeerAddress(i, bytes.fromhex(k), h, p) for i, k, h, p in order["peers"])
    transport = Libp2pTransport(TransportConfig(
        order["index"], bytes.fromhex(order["seed"]), "127.0.0.1", 0, peers,
        bytes.fromhex(order["genesis"])))
    await transport.start()
    print(json.dumps(transport.status().listen_address), flush=True)
    while True:
        await transport.receive()

asyncio.run(main())
"""


class ChildValidator:
    """A validator in its own process."""

    def __init__(self, config: TransportConfig, addresses: dict[int, tuple[str, int]]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        peers = [
            [peer.index, peer.public_key.hex(), *addresses.get(peer.index, ("127.0.0.1", 0))]
            for peer in config.peers
        ]
        order = {
            "index": config.index,
            "seed": config.network_seed.hex(),
            "genesis": config.genesis_digest.hex(),
            "peers": peers,
        }
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        self.address = tuple(json.loads(self.process.stdout.readline()))

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
async def child_of(cluster_of):
    """A cluster of two: validator 0 here, validator 1 in a process of its own."""
    children: list[ChildValidator] = []

    async def start():
        cluster = cluster_of(2)
        transport = await cluster.start(0)
        child = await asyncio.to_thread(ChildValidator, cluster.configs[1], {})
        children.append(child)
        transport.set_peer_address(1, *child.address)
        return transport, child

    yield start
    for child in children:
        child.end()


def state_of(transport: Libp2pTransport, peer: int) -> ConnectionState:
    return transport.status().peers[peer].state


async def test_a_killed_peer_is_noticed_at_once(child_of, until):
    transport, child = await child_of()
    await until(lambda: state_of(transport, 1) is ConnectionState.CONNECTED)
    child.process.kill()
    killed = time.monotonic()
    await until(lambda: state_of(transport, 1) is ConnectionState.DISCONNECTED)
    assert time.monotonic() - killed < 0.5


async def test_a_frozen_peer_is_noticed_by_its_silence(child_of, until):
    transport, child = await child_of()
    await until(lambda: state_of(transport, 1) is ConnectionState.CONNECTED)
    child.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    await until(lambda: state_of(transport, 1) is ConnectionState.DISCONNECTED)
    assert time.monotonic() - stopped < 3
    assert "silent" in transport.status().peers[1].last_disconnect_reason
    child.process.send_signal(signal.SIGCONT)
    await until(lambda: state_of(transport, 1) is ConnectionState.CONNECTED)


async def test_a_frozen_peer_that_is_sent_bulk_is_dropped(child_of, until):
    transport, child = await child_of()
    await until(lambda: state_of(transport, 1) is ConnectionState.CONNECTED)
    child.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    for _ in range(4):
        transport.send(1, Channel.PAYLOAD, bytes(4 * 1024 * 1024))
    await until(lambda: state_of(transport, 1) is ConnectionState.DISCONNECTED)
    assert time.monotonic() - stopped < 3
    reason = transport.status().peers[1].last_disconnect_reason
    assert "write timeout" in reason or "silent" in reason


@pytest.mark.slow
async def test_a_stalled_event_loop_keeps_its_connections(pair):
    time.sleep(2.5)  # the event loop does nothing; dead_peer_seconds is 1.0
    await asyncio.sleep(0)
    for index, peer in ((0, 1), (1, 0)):
        status = pair[index].status().peers[peer]
        assert (status.state, status.connections) == (ConnectionState.CONNECTED, 1)


async def test_a_stranger_is_refused_and_counted(cluster_of, until):
    cluster = cluster_of(3)
    await cluster.start(1)
    await cluster.start(2)
    await cluster.connected(1, 2)
    host, port = cluster[2].status().listen_address
    for number in range(200):
        stranger = TransportConfig(
            index=9,
            network_seed=number.to_bytes(32, "big"),
            listen_host="127.0.0.1",
            listen_port=0,
            peers=(PeerAddress(2, cluster.configs[2].peers[2].public_key, host, port),),
            genesis_digest=cluster.configs[2].genesis_digest,
            timing=cluster.timing,
        )
        transport = Libp2pTransport(stranger)
        if transport._host._is_dialer_to(next(iter(transport._host._by_peer_id))):
            break
    await transport.start()
    try:
        await until(lambda: cluster[2].status().rejected_connections >= 2)
        assert state_of(transport, 2) is not ConnectionState.CONNECTED
    finally:
        await transport.close()
    assert state_of(cluster[2], 1) is ConnectionState.CONNECTED


@pytest.mark.parametrize(
    ("change", "said_by_0", "said_by_1"),
    [
        ({"genesis_digest": bytes(32)}, "it has the genesis 0000", "this node 0000"),
        ({"protocol_version": 77}, "it speaks protocol version 77", "this node 77"),
    ],
)
async def test_another_network_is_refused_by_both_sides_and_said_once(
    cluster_of, until, caplog, change, said_by_0, said_by_1
):
    cluster = cluster_of(2)
    await cluster.start(0)
    await cluster.start(1, **change)

    def seen_by(index: int) -> PeerStatus:
        return cluster[index].status().peers[1 - index]

    def both_refuse() -> bool:
        return all(seen_by(index).refusal is not None for index in (0, 1))

    await until(lambda: both_refuse() and seen_by(0).violations + seen_by(1).violations >= 4)
    assert said_by_0 in seen_by(0).refusal
    assert said_by_1 in seen_by(1).refusal
    assert seen_by(0).connections == seen_by(1).connections == 0
    said = [record for record in caplog.records if "is refused" in record.getMessage()]
    assert len(said) == 2


async def test_a_refusal_is_forgotten_once_the_peer_belongs_to_the_network(cluster_of, until):
    cluster = cluster_of(2)
    await cluster.start(0)
    stranger = await cluster.start(1, protocol_version=77)
    await until(lambda: cluster[0].status().peers[1].refusal is not None)
    await stranger.close()
    await cluster.start(1)
    await cluster.connected(0, 1)
    assert cluster[0].status().peers[1].refusal is None


async def test_a_port_in_use_is_a_start_error(cluster_of):
    cluster = cluster_of(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        transport = Libp2pTransport(
            TransportConfig(
                index=0,
                network_seed=cluster.seeds[0],
                listen_host="127.0.0.1",
                listen_port=taken.getsockname()[1],
                peers=cluster.configs[0].peers,
                genesis_digest=cluster.configs[0].genesis_digest,
            )
        )
        with pytest.raises(StartError, match="in use"):
            await transport.start()
        await transport.close()
