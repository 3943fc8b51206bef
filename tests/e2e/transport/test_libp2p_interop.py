"""Our Noise records and yamux engine against the library's own."""

from __future__ import annotations

import hashlib
import os
from unittest.mock import Mock

import pytest
import trio
from libp2p import new_host
from libp2p.abc import INetStream
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.security.noise.transport import PROTOCOL_ID, Transport
from multiaddr import Multiaddr

from actors.transport._libp2p_patches import HostSettings, build_host, key_pair_from_seed
from actors.transport.libp2p_muxing import ConnectionObserver

NOBODY = Mock(spec=ConnectionObserver)
ECHO = "/echo/1"
ANY_PORT = Multiaddr("/ip4/127.0.0.1/tcp/0")
SIZES = [1, 200, 65_536, 600_000]


def library_host(seed: bytes):
    from libp2p.crypto.x25519 import create_new_key_pair

    identity = key_pair_from_seed(seed)
    return new_host(
        key_pair=identity,
        sec_opt={PROTOCOL_ID: Transport(identity, create_new_key_pair().private_key)},
    )


def braid_host(seed: bytes, peer: ID, handlers):
    settings = HostSettings(frozenset([peer]), frozenset([peer]), NOBODY, 5.0, 5.0, 1e9, 1e9)
    return build_host(key_pair_from_seed(seed), handlers, settings)


def peer_id_of(seed: bytes) -> ID:
    return ID.from_pubkey(key_pair_from_seed(seed).public_key)


async def echo(stream: INetStream) -> None:
    for size in SIZES:
        received = 0
        while received < size:
            data = await stream.read(size - received)
            received += len(data)
            await stream.write(data)
    await stream.close()


async def ask(stream: INetStream) -> None:
    for size in SIZES:
        question = os.urandom(size)
        answer = b""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.write, question)
            while len(answer) < size:
                answer += await stream.read(size - len(answer))
        assert answer == question


@pytest.mark.parametrize("dialer", ["braid", "library"])
def test_both_engines_understand_each_other(dialer):
    ours, theirs = (hashlib.sha256(name).digest() for name in (b"ours", b"theirs"))

    async def main() -> None:
        braid = braid_host(ours, peer_id_of(theirs), {ECHO: echo})
        library = library_host(theirs)
        library.set_stream_handler(ECHO, echo)
        asks, answers = (braid, library) if dialer == "braid" else (library, braid)
        async with answers.run([ANY_PORT]), asks.run([ANY_PORT]):
            info = PeerInfo(answers.get_id(), answers.get_transport_addrs())
            with trio.fail_after(20):
                await asks.connect(info)
                await ask(await asks.new_stream(answers.get_id(), [ECHO]))
            await asks.close()
            await answers.close()

    trio.run(main)
