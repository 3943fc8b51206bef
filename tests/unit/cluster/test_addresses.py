"""Addresses as text: what peers dial, and what a node listens on."""

import pytest

from cluster.addresses import (
    DialAddress,
    ListenAddress,
    listening_for,
    parse_listen_address,
    parse_multiaddress,
    parse_port,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/ip4/192.0.2.7/tcp/9645", DialAddress("192.0.2.7", 9645, 4)),
        ("/ip6/2001:db8::7/tcp/1", DialAddress("2001:db8::7", 1, 6)),
        ("/dns4/node.example.org/tcp/65535", DialAddress("node.example.org", 65_535, 4)),
        ("/dns6/node.example.org/tcp/9645", DialAddress("node.example.org", 9645, 6)),
        ("/dns/validator-1/tcp/9645", DialAddress("validator-1", 9645, None)),
    ],
)
def test_a_multiaddress_is_read_and_written_again(text, address):
    assert parse_multiaddress(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "node.example.org:9645",
        "/ip4/192.0.2.7",
        "/ip4/192.0.2.7/udp/9645",
        "/ip4/192.0.2.7/tcp/0",
        "/ip4/192.0.2.7/tcp/70000",
        "/ip4/192.0.2.7/tcp/+9",
        "/ip4/192.0.2.7/tcp/9645/",
        "/ip4/2001:db8::7/tcp/9645",
        "/ip6/192.0.2.7/tcp/9645",
        "/ip4/0.0.0.0/tcp/9645",
        "/ip4/node/tcp/9645",
        "/dns4/192.0.2.7/tcp/9645",
        "/dns4//tcp/9645",
        "/dns4/a b/tcp/9645",
        "/dns4/-a/tcp/9645",
        "/dns4/" + "a" * 254 + "/tcp/9645",
        "/onion3/abc/tcp/9645",
        "x/ip4/192.0.2.7/tcp",
        "/ip4/" + "1" * 10_000,
    ],
)
def test_what_is_no_multiaddress_of_tcp_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|IP address|port"):
        parse_multiaddress(text)


def test_a_peer_id_in_an_address_is_refused_and_the_reason_said():
    with pytest.raises(ValueError, match="the genesis names the key"):
        parse_multiaddress("/ip4/192.0.2.7/tcp/9645/p2p/12D3KooW")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:9645", ListenAddress("0.0.0.0", 9645)),
        ("127.0.0.1:1", ListenAddress("127.0.0.1", 1)),
        ("[::]:9645", ListenAddress("::", 9645)),
    ],
)
def test_an_address_to_listen_on_is_read_and_written_again(text, address):
    assert parse_listen_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "9645", ":9645", "node:9645", "0.0.0.0:", "0.0.0.0:x", "::1:9645", "[::1]", "[1]:2"],
)
def test_what_is_no_address_to_listen_on_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|IP address|port"):
        parse_listen_address(text)


@pytest.mark.parametrize(
    ("dialled", "listening"),
    [
        ("/ip4/127.0.0.1/tcp/9000", "127.0.0.1:9000"),
        ("/ip6/::1/tcp/9000", "[::1]:9000"),
        ("/ip4/192.0.2.7/tcp/9000", "0.0.0.0:9000"),
        ("/ip6/2001:db8::7/tcp/9000", "[::]:9000"),
        ("/dns4/node.example.org/tcp/9000", "0.0.0.0:9000"),
        ("/dns/node.example.org/tcp/9000", "0.0.0.0:9000"),
    ],
)
def test_a_node_listens_to_the_world_only_if_the_world_dials_it(dialled, listening):
    assert str(listening_for(parse_multiaddress(dialled))) == listening


@pytest.mark.parametrize("value", [True, 0, -1, 65_536, "", "٣", "1e3", 1.5, None, "9" * 400])
def test_what_is_no_port_is_refused(value):
    with pytest.raises(ValueError, match="outside 1 to 65535"):
        parse_port(value)
