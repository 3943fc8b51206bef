"""What a machine lacks is said before anything starts there."""

import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.dev_genesis import PortPlan, create_dev_network, dev_genesis
from cluster.network import Network
from cluster.preflight import begin_votes, problems_of
from ledger.codec import encode
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import TimestampMs


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return create_dev_network(tmp_path, 2, PortPlan(None, None))


def problems(network: Network, index: int = 0) -> list[str]:
    return problems_of(network.nodes[index], genesis_digest(network.genesis))


def test_a_machine_that_has_everything_has_no_problems(network):
    assert problems(network, 0) == problems(network, 1) == []


def test_a_missing_seed_is_said_with_what_to_do(network):
    network.nodes[0].seed_file.unlink()
    (problem,) = problems(network)
    assert "node-0/seed cannot be read" in problem
    assert "braid keys new" in problem


def test_the_seed_of_another_validator_is_said(network):
    network.nodes[0].seed_file.write_bytes(network.nodes[1].seed_file.read_bytes())
    (problem,) = problems(network)
    assert "is not the seed of validator 0 of the genesis" in problem


def test_a_seed_that_everyone_can_read_is_said(network):
    network.nodes[0].seed_file.chmod(0o604)
    (problem,) = problems(network)
    assert "can be read by everyone" in problem


def test_a_seed_that_a_group_can_read_passes_as_kubernetes_mounts_it(network):
    network.nodes[0].seed_file.chmod(0o440)
    assert problems(network) == []


def test_a_machine_without_the_node_s_directory_is_said(network, tmp_path):
    elsewhere = replace(network.nodes[0], directory=tmp_path / "nowhere")
    found = problems_of(elsewhere, genesis_digest(network.genesis))
    assert any("nowhere is missing" in problem for problem in found)


def test_the_genesis_of_another_network_is_said(network):
    keys = [ValidatorKeys(node.seed_file.read_bytes()) for node in network.nodes]
    other = dev_genesis(keys, TimestampMs(network.genesis.timestamp_ms + 1))
    network.nodes[0].genesis_file.write_bytes(encode(other))
    (problem,) = problems(network)
    assert "is of another network" in problem


@pytest.mark.parametrize("content", [None, b"", b"no genesis"])
def test_a_genesis_that_is_missing_or_damaged_is_said(network, content):
    file = network.nodes[0].genesis_file
    file.unlink() if content is None else file.write_bytes(content)
    (problem,) = problems(network)
    assert "genesis.bin cannot be read" in problem or "genesis.bin is damaged" in problem


def test_a_port_in_use_and_an_address_that_is_another_machine_s_are_said(network):
    node = network.nodes[0]
    with socket.create_server((node.rpc_host, node.rpc_port)):
        (problem,) = problems(network)
    assert f"port {node.rpc_port} of 127.0.0.1 cannot be used" in problem
    assert "--rpc" in problem
    elsewhere = replace(node, listen=replace(node.listen, host="192.0.2.1"))
    (problem,) = problems_of(elsewhere, genesis_digest(network.genesis))
    assert "of 192.0.2.1 cannot be used" in problem
    assert "--listen" in problem


def test_all_problems_are_said_at_once(network):
    network.nodes[0].seed_file.unlink()
    with socket.create_server((network.nodes[0].rpc_host, network.nodes[0].rpc_port)):
        assert len(problems(network)) == 2


def test_keys_that_have_never_voted_get_a_journal_once(network):
    config = network.nodes[0]
    shutil.rmtree(config.journal_directory)
    assert begin_votes(config) == []
    (problem,) = begin_votes(config)
    assert "the keys may have voted" in problem
