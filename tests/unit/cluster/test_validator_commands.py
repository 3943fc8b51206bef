"""New keys and nodes of a network that does not run, and what is refused."""

import stat
from pathlib import Path

import pytest

from actors.boot import load_keyring
from actors.validator.archive import Archive
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.errors import ClusterError, KeysRefused
from cluster.network import Network, load_network
from cluster.node_entries import NodeEntry
from cluster.validators import add_node, newcomer_of_node, newcomer_of_seed, verify
from ledger.codec import decode
from ledger.genesis import genesis_digest
from ledger.membership import Newcomer, ValidatorSetChange, check_change, genesis_members
from ledger.types import Epoch, Height
from ledger.validators import ValidatorSet
from storage.store import Store


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return create_dev_network(tmp_path / "network", 4, PortPlan(None, None))


def handed_over(network: Network, file: Path) -> Newcomer:
    """What a file hands over: the ledger would take it."""
    newcomer = decode(file.read_bytes(), Newcomer, limit_bytes=4096)
    change = ValidatorSetChange(Epoch(0), Height(100), (), (), (newcomer,))
    members = genesis_members(network.genesis)
    check_change(genesis_digest(network.genesis), members, change)
    return newcomer


def test_new_keys_of_a_node_lie_beside_the_old_ones_and_are_secret(network, tmp_path):
    node = network.nodes[2]
    for number in (1, 2):
        file = tmp_path / f"{number}.newcomer"
        newcomer_of_node(network.directory, 2, None, None, file)
        seed = node.later_seed_file(number)
        assert stat.S_IMODE(seed.stat().st_mode) == 0o600
        newcomer = handed_over(network, file)
        keys = load_keyring(node)[number]
        assert newcomer.member.entry.consensus_key == keys.consensus.public_key
        assert newcomer.member.entry.name == network.genesis.validators[2].name
        assert newcomer.member.address == f"{node.listen.host}:{node.listen.port}"
        assert keys.network_seed not in file.read_bytes()


def test_keys_that_exist_are_handed_over(network, tmp_path):
    seed = tmp_path / "seed"
    seed.write_bytes(bytes([60]) * 32)
    seed.chmod(0o600)
    file = tmp_path / "carol.newcomer"
    newcomer_of_seed(network.directory, seed, "carol", "carol.example:9645", file)
    member = handed_over(network, file).member
    assert (member.entry.name, member.address) == ("carol", "carol.example:9645")


def test_one_more_node_has_a_directory_keys_and_an_address(network, tmp_path):
    file = tmp_path / "carol.newcomer"
    add_node(network.directory, "carol", NodeEntry.on_this_machine(9701, 9702), file, as_json=True)
    again = load_network(network.directory)
    joining = again.nodes[4]
    (keys,) = load_keyring(joining)
    assert handed_over(network, file).member.entry.consensus_key == keys.consensus.public_key
    assert [peer.index for peer in joining.peers] == [0, 1, 2, 3]
    assert joining.rpc_port == 9702


def test_the_set_of_a_new_ledger_is_proved_by_the_genesis(network, capsys):
    with Store(network.nodes[0].ledger_directory) as store:
        Archive(store, network.genesis, ValidatorSet(network.genesis))
    verify(network.directory, 0, as_json=True)
    assert '"epoch": 0' in capsys.readouterr().out


def test_a_node_that_is_not_there_gets_no_keys(network, tmp_path):
    with pytest.raises(ClusterError, match="no 7"):
        newcomer_of_node(network.directory, 7, None, None, tmp_path / "out")


def test_a_seed_that_is_none_is_refused(network, tmp_path):
    with pytest.raises(KeysRefused, match="missing"):
        newcomer_of_seed(network.directory, tmp_path / "no", "x", "a:1", tmp_path / "out")
