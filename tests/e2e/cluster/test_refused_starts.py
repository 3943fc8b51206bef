"""`braid up` that cannot work: one clear line, exit code 1, nothing left running."""

import socket

import pytest
from braid_command import BraidCommand, free_ranges

from actors.config import NodeConfig
from actors.validator.archive import Archive
from cluster.dev_genesis import PortPlan, create_dev_network, dev_genesis
from cluster.network import Network, load_network
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
    with socket.create_server(("127.0.0.1", taken)):
        error = _error_of_up(braid, "--rpc-port", str(rpc_port), "--p2p-port", str(p2p_port))
    assert f"port {taken} is in use" in error
    assert "--rpc-port" in error
    assert not braid.directory.exists()


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
