"""A node starts with the seed of its own validator only."""

from dataclasses import replace
from pathlib import Path

import pytest

from actors.boot import WrongSeed, check_keyring, load_keyring, load_keys
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.network import Network
from ledger.keys import ValidatorKeys
from ledger.membership import Member
from ledger.types import Epoch, ValidatorIndex
from ledger.validators import ValidatorSet


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return create_dev_network(tmp_path, 4, PortPlan(None, None))


def test_every_node_finds_its_validator_s_keys(network):
    for node, validator in zip(network.nodes, network.genesis.validators, strict=True):
        keys = load_keys(node, network.genesis)
        assert keys.genesis_entry(validator.name) == validator


def test_the_seed_of_another_validator_is_refused(network):
    wrong = replace(network.nodes[1], directory=network.nodes[0].directory)
    with pytest.raises(WrongSeed, match="is not the seed of validator 1"):
        load_keys(wrong, network.genesis)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(network, size):
    network.nodes[2].seed_file.write_bytes(bytes(size))
    with pytest.raises(WrongSeed, match=f"has {size} bytes, expected 32"):
        load_keys(network.nodes[2], network.genesis)


def test_keys_that_have_joined_since_are_taken(network):
    node = replace(network.nodes[2], directory=network.directory / "elsewhere")
    node.directory.mkdir()
    seed = bytes([60]) * 32
    node.seed_file.write_bytes(seed)
    first = ValidatorSet(network.genesis)
    joined = Member(ValidatorKeys(seed).genesis_entry("new"), "new.example:4000")
    members = (*first.members[:2], joined, first.members[3])
    later = ValidatorSet.of_epoch(first.digest, Epoch(1), members)
    check_keyring(node, network.genesis, later, load_keyring(node))
    with pytest.raises(WrongSeed, match="nor one that has joined"):
        check_keyring(node, network.genesis, first, load_keyring(node))


def test_later_seeds_are_found_beside_the_first(network):
    node = network.nodes[2]
    node.later_seed_file(1).write_bytes(bytes([60]) * 32)
    first, later = load_keyring(node)
    assert first.genesis_entry("x").consensus_key == network.genesis.validators[2].consensus_key
    assert later.consensus.public_key == ValidatorKeys(bytes([60]) * 32).consensus.public_key
    node.later_seed_file(1).write_bytes(bytes(31))
    with pytest.raises(WrongSeed, match="seed-1 has 31 bytes"):
        load_keyring(node)


def test_a_joining_node_may_have_any_keys_but_those_of_another(network):
    joining = replace(network.nodes[0], index=ValidatorIndex(4))
    first = ValidatorSet(network.genesis)
    with pytest.raises(WrongSeed):
        check_keyring(joining, network.genesis, first, load_keyring(joining))
    check_keyring(joining, network.genesis, first, [ValidatorKeys(bytes([60]) * 32)])
