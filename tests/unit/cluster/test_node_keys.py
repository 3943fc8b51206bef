"""A node starts with the seed of its own validator only."""

from dataclasses import replace
from pathlib import Path

import pytest

from actors.boot import WrongSeed, load_keys
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.network import Network


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
