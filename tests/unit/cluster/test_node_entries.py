"""Nodes of several machines: each listens where it says, others dial it where they are told."""

import json
from pathlib import Path

import pytest

from actors.config import PeerAddress
from cluster.addresses import parse_listen_address
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.network import Network, load_network
from cluster.node_entries import NodeEntry, listening_elsewhere

SPREAD = [
    {"address": "/dns4/alice.example.org/tcp/9645"},
    {"address": "/ip4/192.0.2.7/tcp/4001", "listen": "0.0.0.0:9645", "rpc": "127.0.0.1:9000"},
    {"address": "/ip6/2001:db8::7/tcp/9645"},
    {
        "address": "/dns/dave.example.org/tcp/9645",
        "automatic_quarantine": False,
        "snapshots": {"spacing_blocks": 0, "threshold_blocks": 500},
    },
]


@pytest.fixture
def network(tmp_path: Path) -> Network:
    made = create_dev_network(tmp_path, 4, PortPlan(None, None))
    file = made.directory / "network.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"nodes": SPREAD}))
    return load_network(tmp_path)


def test_each_node_listens_on_its_own_machine(network):
    listening = [(node.listen.host, node.listen.port) for node in network.nodes]
    assert listening == [("0.0.0.0", 9645), ("0.0.0.0", 9645), ("::", 9645), ("0.0.0.0", 9645)]
    assert [(node.rpc_host, node.rpc_port) for node in network.nodes] == [
        ("127.0.0.1", 8545),
        ("127.0.0.1", 9000),
        ("127.0.0.1", 8545),
        ("127.0.0.1", 8545),
    ]


def test_each_node_dials_the_others_where_they_say(network):
    assert network.nodes[3].peers == (
        PeerAddress(0, "alice.example.org", 9645, 4),
        PeerAddress(1, "192.0.2.7", 4001),
        PeerAddress(2, "2001:db8::7", 9645),
    )
    assert network.nodes[0].peers[2] == PeerAddress(3, "dave.example.org", 9645)


def test_what_a_node_leaves_to_itself_stays_with_it(network):
    assert [node.automatic_quarantine for node in network.nodes] == [True, True, True, False]
    assert [node.snapshot_spacing_blocks for node in network.nodes] == [4096, 4096, 4096, 0]
    assert network.nodes[3].snapshot_threshold_blocks == 500


@pytest.mark.parametrize("entry", SPREAD)
def test_an_entry_is_written_as_it_is_read(entry):
    assert NodeEntry.from_json(entry).to_json() == entry


def test_an_operator_may_have_a_node_listen_elsewhere(network):
    rpc, listen = parse_listen_address("0.0.0.0:8545"), parse_listen_address("192.0.2.1:1000")
    moved = listening_elsewhere(network.nodes[0], listen, rpc)
    assert (moved.rpc_host, moved.rpc_port) == ("0.0.0.0", 8545)
    assert moved.listen == PeerAddress(0, "192.0.2.1", 1000)
    assert moved.peers == network.nodes[0].peers
    assert listening_elsewhere(network.nodes[0], None, None) == network.nodes[0]
