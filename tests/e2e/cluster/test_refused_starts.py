"""`braid up` that cannot work: one clear line, exit code 1, nothing left running."""

import socket

import pytest
from braid_command import BraidCommand, free_ranges

from actors.config import NodeConfig
from actors.validator.archive import Archive
from cluster.dev_genesis import PortPlan, create_dev_network, dev_genesis
from cluster.network import Network, load_network
from cluster.ports import free_ports
from ledger.codec import encode
from ledger.keys import ValidatorKeys
from ledger.types import TimestampMs
from ledger.validators import ValidatorSet
from storage.store import Store


@pytest.fixture
def network(braid: BraidCommand) -> Network:
    """A network that was never started."""
    return create_dev_network(braid.directory, 4, PortPlan(None, None))


def _error_of_up(braid: BraidCommand, *arguments: str) -> str:
    done = braid.run("up", "--json", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert braid.processes() == set()
    assert braid.temporary_files() == []
    assert not (braid.directory / "run.json").exists()
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("kind", ["rpc", "p2p"])
def test_a_port_of_a_new_network_that_is_in_use_is_named(braid, kind):
    rpc_port, p2p_port = free_ranges(2, 4)
    taken = {"rpc": rpc_port, "p2p": p2p_port}[kind] + 2
    ports = ("--rpc-port", str(rpc_port), "--p2p-port", str(p2p_port))
    with socket.create_server(("127.0.0.1", taken)):
        error = _error_of_up(braid, *ports, "--l1", "none")
    assert f"port {taken} is in use" in error
    assert "--rpc-port" in error
    assert not braid.directory.exists()


def test_a_port_of_the_embedded_l1_that_is_in_use_is_named(braid):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        error = _error_of_up(braid, "--l1-port", str(taken))
    assert f"port {taken} is in use" in error
    assert not braid.directory.exists()


def test_an_l1_that_does_not_answer_is_named(braid, tmp_path):
    key = tmp_path / "key"
    key.write_text("11" * 32)
    (nobody,) = free_ports(1)
    url = f"http://127.0.0.1:{nobody}"
    assert f"L1 at {url} does not answer" in _error_of_up(braid, "--l1", url, "--l1-key", str(key))
    assert not braid.directory.exists()


@pytest.mark.parametrize("content", ["", "not hexadecimal", "11" * 31])
def test_a_key_for_l1_that_is_none_is_refused(braid, tmp_path, content):
    key = tmp_path / "key"
    key.write_text(content)
    error = _error_of_up(braid, "--l1", "http://127.0.0.1:1", "--l1-key", str(key))
    assert "key" in error


def test_another_l1_without_a_key_is_refused(braid):
    assert "--l1-key" in _error_of_up(braid, "--l1", "http://127.0.0.1:1")


@pytest.mark.parametrize("kind", ["rpc", "p2p"])
def test_a_port_of_an_old_network_that_is_in_use_is_named_before_anything_starts(
    braid, network, kind
):
    node: NodeConfig = network.nodes[3]
    taken = {"rpc": node.rpc_port, "p2p": node.listen.port}[kind]
    with socket.create_server(("127.0.0.1", taken)):
        error = _error_of_up(braid)
    assert f"port {taken} is in use" in error
    assert load_network(braid.directory) == network


@pytest.mark.parametrize("name", ["network.json", "genesis.bin"])
def test_a_damaged_file_is_named(braid, network, name):
    file = network.directory / name
    file.write_bytes(file.read_bytes()[:-40])
    assert f"{name} is damaged" in _error_of_up(braid)


def test_the_genesis_of_another_network_is_refused(braid, network):
    keys = [ValidatorKeys(node.seed_file.read_bytes()) for node in network.nodes]
    other = dev_genesis(keys, TimestampMs(network.genesis.timestamp_ms + 1))
    (network.directory / "genesis.bin").write_bytes(encode(other))
    assert "genesis.bin is of another network" in _error_of_up(braid)


def test_a_node_whose_ledger_is_of_another_network_does_not_start(braid):
    network = create_dev_network(braid.directory, 2, PortPlan(None, None))
    keys = [ValidatorKeys(bytes([number]) * 32) for number in range(4)]
    other = dev_genesis(keys, TimestampMs(network.genesis.timestamp_ms))
    store = Store(network.nodes[0].ledger_directory)
    Archive(store, other, ValidatorSet(other)).close()
    error = _error_of_up(braid)
    assert "GenesisMismatch" in error
    assert "the data belongs to the network" in error
