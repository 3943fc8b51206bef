"""A Byzantine validator with a valid key attacks the wire; strangers attack the port."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from unittest.mock import Mock

import pytest
import trio
from libp2p.abc import INetStream
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

from actors.transport import Channel, ConnectionState, Received
from actors.transport._libp2p_patches import (
    BraidHost,
    HostSettings,
    build_host,
    key_pair_from_seed,
    peer_id_from_public_key,
)
from actors.transport.channels import POLICIES
from actors.transport.hello import Hello, encode_hello
from actors.transport.libp2p_muxing import ConnectionObserver
from actors.transport.mux_frames import Flag, FrameType, encode_header
from actors.transport.mux_stream import MuxStream
from ledger.genesis import PROTOCOL_VERSION

NOBODY = Mock(spec=ConnectionObserver)
Attack = Callable[["Attacker"], Awaitable[None]]


class Attacker:
    """Speaks Noise and yamux with validator 0's key, and then does as it likes."""

    def __init__(self, host: BraidHost, victim: ID, genesis: bytes) -> None:
        self.host = host
        self.victim = victim
        self.genesis = genesis

    async def negotiated(self, channel: Channel) -> MuxStream:
        net_stream = await self.host.new_stream(self.victim, [POLICIES[channel].protocol])
        return net_stream.muxed_stream.stream

    async def greeted(self, channel: Channel) -> MuxStream:
        stream = await self.negotiated(channel)
        await stream.write(encode_hello(Hello(PROTOCOL_VERSION, self.genesis)))
        return stream

    async def raw_stream(self) -> MuxStream:
        net_stream = await self.host.get_network().new_stream(self.victim)
        return net_stream.muxed_stream.stream

    @property
    def muxer(self):
        (connection,) = self.host.get_network().get_connections(self.victim)
        return connection.muxed_conn.muxer


async def run_attack(seed: bytes, victim_key: bytes, port: int, genesis: bytes, attack: Attack):
    victim = peer_id_from_public_key(victim_key)
    settings = HostSettings(frozenset(), frozenset([victim]), NOBODY, 5.0, 5.0, 1e9, 1e9)

    async def refuse(stream: INetStream) -> None:
        await stream.reset()

    host = build_host(key_pair_from_seed(seed), {"/nothing": refuse}, settings)
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        await host.connect(PeerInfo(victim, [Multiaddr(f"/ip4/127.0.0.1/tcp/{port}")]))
        attacker = Attacker(host, victim, genesis)
        muxer = attacker.muxer
        with trio.fail_after(10):
            await attack(attacker)
            await muxer.closed.wait()
        await host.close()


@pytest.fixture
async def attacked(cluster_of, until):
    """Validators 1 and 2 run; validator 0 is the attacker. Attacks 2, returns its status."""
    cluster = cluster_of(3)
    await cluster.start(1)
    await cluster.start(2)
    await cluster.connected(1, 2)

    async def run(attack: Attack):
        config = cluster.configs[2]
        _, port = cluster[2].status().listen_address
        await asyncio.to_thread(
            trio.run,
            run_attack,
            cluster.seeds[0],
            config.peers[2].public_key,
            port,
            config.genesis_digest,
            attack,
        )
        await until(lambda: cluster[2].status().peers[0].state is ConnectionState.DISCONNECTED)
        cluster[1].send(2, Channel.CONSENSUS, b"still alive")
        received: list[Received] = []
        async with asyncio.timeout(5):  # behind what the attacker had delivered by then
            while Received(1, Channel.CONSENSUS, b"still alive") not in received:
                received += await cluster[2].receive()
        assert cluster[2].status().peers[1].connections == 1
        return cluster[2].status().peers[0]

    return run


async def test_an_oversized_message_costs_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        stream = await attacker.greeted(Channel.CONSENSUS)
        await stream.write((64 * 1024 + 1).to_bytes(4, "big"))

    status = await attacked(attack)
    assert status.violations == 1
    assert "message length 65537" in status.last_disconnect_reason


async def test_an_empty_message_costs_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        stream = await attacker.greeted(Channel.PAYLOAD)
        await stream.write(bytes(4))

    assert (await attacked(attack)).violations == 1


async def test_more_than_the_window_costs_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        stream = await attacker.greeted(Channel.CONSENSUS)
        stream.send_credit_bytes = 2**31
        message = (60 * 1024).to_bytes(4, "big") + bytes(60 * 1024)
        for _ in range(6):  # 360 KiB into a window of 256 KiB
            await stream.write(message)

    status = await attacked(attack)
    assert status.violations == 1
    assert "window" in status.last_disconnect_reason


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x03\xff\xfe\n",
        b"\xff" * 11,
        b"\x13/multistream/1.0.0\n\x03\xff\xfe\n",
        b"\x13/multistream/1.0.0\n" + b"\x03ls\n" * 100,
        b"\x13/multistream/1.0.0\n\x00",
    ],
)
async def test_garbage_in_a_stream_negotiation_does_not_stop_the_host(attacked, garbage):
    async def attack(attacker: Attacker) -> None:
        stream = await attacker.raw_stream()
        await stream.write(garbage)

    await attacked(attack)


@pytest.mark.parametrize(
    ("hello", "problem"),
    [
        (encode_hello(Hello(PROTOCOL_VERSION, bytes(32))), "OtherGenesis"),
        (encode_hello(Hello(PROTOCOL_VERSION + 1, bytes(32))), "OtherProtocolVersion"),
        ((2**31).to_bytes(4, "big"), "HelloViolation"),
        (bytes(4), "HelloViolation"),
    ],
)
async def test_a_wrong_hello_costs_the_connection(attacked, hello, problem):
    async def attack(attacker: Attacker) -> None:
        stream = await attacker.negotiated(Channel.CONSENSUS)
        await stream.write(hello)

    status = await attacked(attack)
    assert status.violations == 1
    assert problem in status.last_disconnect_reason


async def test_a_second_stream_of_a_channel_costs_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        await attacker.greeted(Channel.CONSENSUS)
        await attacker.greeted(Channel.CONSENSUS)

    status = await attacked(attack)
    assert "second CONSENSUS stream" in status.last_disconnect_reason


async def test_too_many_streams_cost_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        await attacker.greeted(Channel.CONSENSUS)
        for stream_id in range(101, 401, 2):
            frame = encode_header(FrameType.WINDOW_UPDATE, Flag.SYN, stream_id, 0)
            attacker.muxer.write((frame,))

    assert (await attacked(attack)).violations == 1


async def test_an_unknown_frame_costs_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        await attacker.greeted(Channel.CONSENSUS)
        attacker.muxer.write((b"\x07" + bytes(11),))

    assert (await attacked(attack)).violations == 1


async def test_a_credit_overflow_costs_the_connection(attacked):
    async def attack(attacker: Attacker) -> None:
        stream = await attacker.greeted(Channel.CONSENSUS)
        for _ in range(2):
            frame = encode_header(FrameType.WINDOW_UPDATE, 0, stream.stream_id, 2**32 - 1)
            attacker.muxer.write((frame,))

    assert (await attacked(attack)).violations == 1


async def test_a_peer_that_opens_no_channel_is_dropped(attacked):
    async def attack(attacker: Attacker) -> None:
        await trio.lowlevel.checkpoint()

    assert (await attacked(attack)).connections == 0


async def test_a_ping_flood_is_throttled_and_harms_nobody(attacked):
    async def attack(attacker: Attacker) -> None:
        for channel in Channel:
            await attacker.greeted(channel)
        pings = encode_header(FrameType.PING, Flag.SYN, 0, 1) * 1000
        for _ in range(3):
            attacker.muxer.write((pings,))
            await trio.sleep(0.01)
        attacker.muxer.say_goodbye()

    assert (await attacked(attack)).throttled > 0


@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 64,
        b"\x13/multistream/1.0.0\n\x07/noise\n" + b"\xff\xff" + os.urandom(70_000),
        b"\x13/multistream/1.0.0\n\xff\xff\xff\xff\x7f" + bytes(100_000),
    ],
)
async def test_garbage_at_the_port_harms_nobody(cluster_of, collect, opening):
    cluster = cluster_of(2)
    await cluster.start_all()
    address = cluster[1].status().listen_address

    def attack() -> None:
        for _ in range(5):
            with socket.create_connection(address, timeout=5) as connection:
                try:
                    connection.sendall(opening)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError as error:
                    # Thrown out: what we want. Which of these it is depends on who was faster.
                    if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
                        raise

    await asyncio.to_thread(attack)
    cluster[0].send(1, Channel.CONSENSUS, b"still alive")
    (received,) = await collect(cluster[1], 1)
    assert received.payload == b"still alive"
