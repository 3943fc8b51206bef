"""What operators do with a running network: restart a node, back it up, put it back."""

import shutil
from pathlib import Path

import pytest
from braid_command import wait_until
from live_network import LiveNetwork

from cluster.backup.making import make_backup
from cluster.backup.restoring import restore_backup
from cluster.chain_client import Call
from cluster.dev_genesis import dev_account
from cluster.errors import AlreadyRunning, RestartRefused
from cluster.launcher import create_node, node_handles, stop_nodes, wait_until_ready
from cluster.node_actors import kill_nodes
from cluster.restart.rolling import roll
from ledger.types import ChainRole

VICTIM = 2
RECEIVER = "0x" + "88" * 20


def use_new_handles(network: LiveNetwork) -> None:
    network.use_nodes(node_handles(config) for config in network.session.network.nodes)


def stop(network: LiveNetwork, node: int) -> None:
    config = network.session.network.nodes[node]
    stop_nodes((config,), with_l1=False)
    kill_nodes((config,), with_l1=False)


def start(network: LiveNetwork, node: int) -> None:
    config = network.session.network.nodes[node]

    def created() -> object:
        try:
            return create_node(config, network.session.network.l1)
        except ValueError:
            kill_nodes((config,), with_l1=False)
            return None

    wait_until_ready([wait_until(created, "free names")], [])
    use_new_handles(network)


def test_a_node_is_restarted_while_the_others_go_on(network: LiveNetwork, record_property) -> None:
    nodes = network.session.network.nodes
    before = network.process_of(VICTIM, "validator").pid
    (done,) = roll(network.session.network, (nodes[VICTIM],), nodes)
    use_new_handles(network)
    record_property("seconds_until_it_votes", round(done.voting_seconds, 2))
    assert done.node == VICTIM
    assert 0 < done.ready_seconds <= done.voting_seconds <= done.level_seconds
    assert network.process_of(VICTIM, "validator").pid != before


def test_no_second_node_is_taken_down(network: LiveNetwork) -> None:
    nodes = network.session.network.nodes
    stop(network, VICTIM)
    try:
        with pytest.raises(RestartRefused, match=f"validator {VICTIM} is away already"):
            list(roll(network.session.network, (nodes[0],), nodes))
    finally:
        start(network, VICTIM)


def test_a_node_that_has_lost_everything_comes_back_from_its_backup(
    network: LiveNetwork, tmp_path: Path
) -> None:
    session = network.session
    config = session.network.nodes[VICTIM]
    receipt = network.client(0, ChainRole.ZK).send(
        Call(dev_account(29), RECEIVER, value_wei=7, gas_limit=21_000)
    )
    network.wait_for_height(VICTIM, network.status(0)["final_height"])
    manifest = make_backup(
        session.network, config, tmp_path / "backup", with_keys=True, is_connected=True
    )
    assert manifest.final_height > 0
    with pytest.raises(AlreadyRunning):
        restore_backup(tmp_path / "backup", session.network.directory, VICTIM, is_forced=True)

    # It goes on to vote after the backup; then all of its disk is gone.
    network.wait_for_height(VICTIM, manifest.final_height + 20)
    last_view = network.status(VICTIM)["view"]
    stop(network, VICTIM)
    shutil.rmtree(config.directory)
    restore_backup(tmp_path / "backup", session.network.directory, VICTIM)
    start(network, VICTIM)

    def first_view() -> int:
        status = network.try_status(VICTIM)
        return 0 if status is None else status["voting"]["from_view"] or 0

    assert wait_until(first_view, "answers of the others") > last_view
    head = network.status(0)["final_height"]
    watcher = network.rpc(0)

    def has_proposed() -> bool:
        heights = range(head + 1, watcher.status()["final_height"] + 1)
        blocks = (watcher.result("braid_getLedgerBlock", height) for height in heights)
        return any(block["header"]["proposer"] == VICTIM for block in blocks)

    wait_until(has_proposed, f"a block of node {VICTIM}")
    network.wait_until_agree()
    assert VICTIM not in network.status(0)["convicted"]
    transaction_hash = "0x" + receipt["transactionHash"].hex()
    found = network.rpc(VICTIM).result("eth_getTransactionReceipt", transaction_hash)
    assert found["status"] == "0x1"
