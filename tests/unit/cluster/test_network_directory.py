"""A network's directory: what is written is read again, and damage has a clear message."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from actors.l1.settings import EngineKind
from cluster.dev_genesis import PortPlan, create_dev_network, dev_genesis
from cluster.errors import BadDirectory, ClusterError, NotRunning
from cluster.l1_plan import embedded_choice
from cluster.network import Network, is_network, load_network
from cluster.ray_instance import RayAddress, RayInstance
from cluster.run_record import (
    forget_run,
    hosted_nodes,
    load_ray,
    load_run,
    save_run,
    stale_run,
)
from cluster.session import temporary_network
from ledger.codec import encode
from ledger.genesis import PROTOCOL_VERSION
from ledger.keys import ValidatorKeys
from ledger.types import TimestampMs


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return create_dev_network(tmp_path / "network", 4, PortPlan(None, None))


def _run_of(network: Network, pid: int) -> RayInstance:
    return RayInstance(pid, "127.0.0.1:6379", network.directory / "ray", network.token_file)


def _edit(network: Network, **changes: object) -> None:
    file = network.directory / "network.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_what_is_written_is_read_again(network):
    again = load_network(network.directory)
    assert again == network
    assert is_network(network.directory)
    assert [node.index for node in again.nodes] == [0, 1, 2, 3]


def test_what_a_network_settles_on_and_who_proves_is_read_again(tmp_path):
    choice = embedded_choice(1, EngineKind.WASM, provers=3, prover_gpus=0.5)
    made = create_dev_network(tmp_path, 2, PortPlan(None, None), choice)
    again = load_network(tmp_path)
    assert again == made
    assert again.l1 == choice.plan
    assert (again.l1.provers, again.l1.prover_gpus) == (3, 0.5)


def test_every_node_knows_all_others_and_no_port_twice(network):
    for node in network.nodes:
        others = [other.listen for other in network.nodes if other.index != node.index]
        assert list(node.peers) == others
    ports = [port for node in network.nodes for port in (node.listen.port, node.rpc_port)]
    assert len(set(ports)) == 8


def test_secrets_are_for_the_owner_only(network):
    secrets = [network.token_file, *(node.seed_file for node in network.nodes)]
    for file in secrets:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_seeds_are_those_of_the_genesis_s_validators(network):
    for node, validator in zip(network.nodes, network.genesis.validators, strict=True):
        keys = ValidatorKeys(node.seed_file.read_bytes())
        assert keys.genesis_entry(validator.name) == validator


def test_a_relative_directory_is_the_same_network(network, monkeypatch):
    monkeypatch.chdir(network.directory.parent)
    assert load_network(Path(network.directory.name)) == network


def test_a_network_of_another_build_is_told_from_a_damaged_one(network):
    other = replace(network.genesis, protocol_version=PROTOCOL_VERSION + 1)
    (network.directory / "genesis.bin").write_bytes(encode(other))
    with pytest.raises(BadDirectory, match=f"another build.*speaks {PROTOCOL_VERSION}"):
        load_network(network.directory)


@pytest.mark.parametrize("missing", ["network.json", "genesis.bin"])
def test_a_missing_file_is_named(network, missing):
    (network.directory / missing).unlink()
    with pytest.raises(BadDirectory, match=f"{missing} is missing"):
        load_network(network.directory)


def test_an_empty_directory_is_no_network(tmp_path):
    assert not is_network(tmp_path)
    with pytest.raises(BadDirectory, match="holds no network"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"format": 2}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut", "a list", "null", "no text", "no nodes", "deep"],
)
def test_a_damaged_description_is_named(network, content):
    (network.directory / "network.json").write_bytes(content)
    with pytest.raises(BadDirectory, match=r"network\.json is damaged"):
        load_network(network.directory)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 3},
        {"format": 5},
        {"l1": 5},
        {"l1": {"url": "http://127.0.0.1:1"}},
        {"host": 5},
        {"nodes": {}},
        {"nodes": [1, 2, 3, 4]},
        {"nodes": [{}] * 4},
        {"nodes": [{"address": "127.0.0.1:9645"}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/70000"}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/9645", "listen": "everywhere"}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/9645", "rpc": "node:8545"}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/9645", "lisen": "0.0.0.0:9645"}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/9645", "automatic_quarantine": 1}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/9645", "snapshots": {"spacing": 1}}] * 4},
        {"nodes": [{"address": "/ip4/127.0.0.1/tcp/9645", "snapshots": 4096}] * 4},
        {
            "nodes": [
                {"address": "/ip4/127.0.0.1/tcp/9645", "snapshots": {"threshold_blocks": 0}},
            ]
            * 4
        },
        {"nodes": []},
    ],
)
def test_a_description_with_a_wrong_value_is_refused(network, changes):
    _edit(network, **changes)
    with pytest.raises(BadDirectory, match=r"network\.json is damaged"):
        load_network(network.directory)


def test_a_description_of_fewer_nodes_than_the_genesis_has_validators_is_refused(network):
    nodes = json.loads((network.directory / "network.json").read_text())["nodes"]
    _edit(network, nodes=nodes[:3])
    with pytest.raises(BadDirectory, match="3 nodes, the genesis has 4 validators"):
        load_network(network.directory)


@pytest.mark.parametrize("damage", [b"", b"\x00", b"no genesis"])
def test_a_damaged_genesis_is_named(network, damage):
    (network.directory / "genesis.bin").write_bytes(damage)
    with pytest.raises(BadDirectory, match=r"genesis\.bin is damaged"):
        load_network(network.directory)


def test_a_genesis_with_one_flipped_bit_is_refused(network):
    file = network.directory / "genesis.bin"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadDirectory, match=r"genesis\.bin"):
        load_network(network.directory)


def test_another_network_s_genesis_is_refused(network):
    keys = [ValidatorKeys(node.seed_file.read_bytes()) for node in network.nodes]
    other = dev_genesis(keys, TimestampMs(network.genesis.timestamp_ms + 1))
    (network.directory / "genesis.bin").write_bytes(encode(other))
    with pytest.raises(BadDirectory, match="another network"):
        load_network(network.directory)


def test_a_run_is_found_until_it_is_forgotten(network):
    instance = _run_of(network, os.getpid())
    save_run(network, instance)
    assert load_run(network) == load_ray(network) == instance
    assert hosted_nodes(network) == network.nodes
    forget_run(network)
    with pytest.raises(NotRunning, match="braid up"):
        load_run(network)


def test_forgetting_a_run_that_is_not_there_is_fine(network):
    forget_run(network)
    assert stale_run(network) is None


def test_a_ray_elsewhere_is_found_with_its_nodes_and_is_not_ours(network):
    save_run(network, RayAddress("192.0.2.1:6379"), [2, 0])
    assert load_ray(network) == stale_run(network) == RayAddress("192.0.2.1:6379")
    assert [node.index for node in hosted_nodes(network)] == [0, 2]
    with pytest.raises(NotRunning, match=r"run at 192\.0\.2\.1:6379"):
        load_run(network)
    forget_run(network)
    assert hosted_nodes(network) == ()


def test_a_run_whose_process_is_gone_or_another_one_is_dead(network):
    instance = _run_of(network, os.getpid())
    save_run(network, instance)
    record = json.loads((network.directory / "run.json").read_text())
    record["started"] -= 100
    (network.directory / "run.json").write_text(json.dumps(record))
    with pytest.raises(NotRunning, match="has died"):
        load_run(network)
    assert stale_run(network) == instance


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "7", '{"pid": "x"}', '{"pid": 1, "started": 0, "address": "a"}'],
)
def test_a_damaged_run_is_an_error_that_says_what_to_do(network, content):
    (network.directory / "run.json").write_text(content)
    for read in (load_run, stale_run):
        with pytest.raises(BadDirectory, match=r"run\.json is damaged.*remove it"):
            read(network)


def test_a_temporary_network_is_not_kept_where_one_is_already(network):
    with (
        pytest.raises(ClusterError, match="holds a network already"),
        temporary_network(4, lambda _: None, keep=network.directory),
    ):
        pass
    assert load_network(network.directory) == network
