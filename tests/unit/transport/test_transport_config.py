"""Configuration and hello: what is accepted and what is rejected."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing

from actors.transport import ConfigurationError
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.errors import HelloViolation, OtherGenesis, OtherProtocolVersion
from actors.transport.hello import Hello, check_hello, encode_hello, exchange_hello

PEERS = tuple(PeerAddress(index, bytes([index]) * 32, "127.0.0.1", 4000) for index in range(4))
OWN = Hello(7, bytes(32))
CONFIG = TransportConfig(0, bytes(32), "127.0.0.1", 0, PEERS, bytes(32))


def test_a_sound_configuration_is_accepted_and_leaves_the_own_entry_out():
    assert [peer.index for peer in CONFIG.other_peers] == [1, 2, 3]


def test_the_seed_is_not_printed():
    assert "network_seed" not in repr(CONFIG)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"network_seed": bytes(31)}, "network_seed"),
        ({"genesis_digest": bytes(33)}, "genesis_digest"),
        ({"listen_host": "localhost"}, "IP address"),
        ({"listen_port": 65_536}, "port"),
        ({"peers": PEERS[:1]}, "no other validator"),
        ({"peers": (*PEERS, PEERS[1])}, "same index"),
        ({"peers": (*PEERS, replace(PEERS[1], index=9))}, "same public key"),
        ({"peers": (*PEERS, PeerAddress(9, bytes(31), "host", 1))}, "32 bytes"),
        ({"peers": (*PEERS, PeerAddress(9, bytes([9]) * 32, "host", -1))}, "port"),
    ],
)
def test_an_unsound_configuration_is_rejected_with_its_problem(change, problem):
    with pytest.raises(ConfigurationError, match=problem):
        replace(CONFIG, **change)


def test_a_matching_hello_is_accepted():
    check_hello(encode_hello(OWN)[4:], OWN)


def test_a_peer_of_another_protocol_version_is_rejected_with_both_versions():
    with pytest.raises(OtherProtocolVersion, match="version 8, this node 7") as caught:
        check_hello(encode_hello(Hello(8, bytes(32)))[4:], OWN)
    assert (caught.value.got, caught.value.expected) == (8, 7)


@pytest.mark.parametrize("digest", [b"\1" * 32, bytes(31), b""])
def test_a_peer_of_another_genesis_is_rejected_with_both_digests(digest):
    with pytest.raises(
        OtherGenesis, match=f"genesis {digest.hex()[:16]}, this node 0000"
    ) as caught:
        check_hello(encode_hello(Hello(7, digest))[4:], OWN)
    assert (caught.value.got, caught.value.expected) == (digest, bytes(32))


def test_a_peer_that_differs_in_both_is_told_the_version_first():
    with pytest.raises(OtherProtocolVersion):
        check_hello(encode_hello(Hello(8, b"\1" * 32))[4:], OWN)


def test_a_peer_that_says_nothing_is_rejected_in_time():
    class SilentStream:
        async def write(self, data: bytes) -> None:
            await trio.lowlevel.checkpoint()

        async def read(self, maximum_bytes: int) -> bytes:
            await trio.sleep_forever()
            raise AssertionError

    clock = trio.testing.MockClock(autojump_threshold=0)
    with pytest.raises(HelloViolation, match="within 5"):
        trio.run(exchange_hello, SilentStream(), OWN, 5.0, clock=clock)
