"""Any process of a node may die at any moment: the others go on, it returns from its disk."""

import time

import pytest
import ray
from braid_command import wait_until
from live_network import LiveNetwork

from cluster.chain_client import Call
from cluster.dev_genesis import dev_account
from ledger.types import ChainRole

RECOVERY_SECONDS = 15.0
RECEIVER = "0x" + "99" * 20


def _wait_until_it_proposes(network: LiveNetwork, node: int, above: int) -> None:
    """Wait for a final block that the node proposed: its vote counts again."""
    watcher = network.rpc((node + 1) % network.count)
    checked = above

    def has_proposed() -> bool:
        nonlocal checked
        while checked < watcher.status()["final_height"]:
            checked += 1
            block = watcher.result("braid_getLedgerBlock", checked)
            if block["header"]["proposer"] == node:
                return True
        return False

    wait_until(has_proposed, f"a block of node {node} above {above}", RECOVERY_SECONDS)


@pytest.mark.parametrize(
    ("node", "how"), [(1, "ray.kill"), (2, "kill -9")], ids=["ray.kill", "kill -9"]
)
def test_a_killed_validator_votes_again_while_the_others_go_on(
    network: LiveNetwork, node: int, how: str, record_property
) -> None:
    others = [other for other in range(network.count) if other != node]
    convicted = network.status(node)["convicted"]
    victim = network.process_of(node, "validator")
    began = time.monotonic()
    if how == "ray.kill":
        ray.kill(network.session.nodes[node].validator, no_restart=False)
    else:
        victim.kill()
    height = max(network.status(other)["final_height"] for other in others)
    for other in others:
        network.wait_for_height(other, height + 3, RECOVERY_SECONDS)
    view = max(network.status(other)["view"] for other in others)
    wait_until(
        lambda: (status := network.try_status(node)) is not None and status["view"] >= view,
        "the view of the others",
        RECOVERY_SECONDS,
    )
    record_property("seconds_until_its_view_moves", round(time.monotonic() - began, 2))
    _wait_until_it_proposes(network, node, height)
    seconds = time.monotonic() - began
    record_property("seconds_until_it_votes", round(seconds, 2))
    assert seconds <= RECOVERY_SECONDS
    assert network.process_of(node, "validator").pid != victim.pid
    assert network.status(node)["convicted"] == convicted


@pytest.mark.parametrize("actor", ["executor-zk", "executor-fast", "bridge", "gateway"])
def test_a_killed_part_of_a_node_comes_back(
    network: LiveNetwork, actor: str, record_property
) -> None:
    node = 3
    role = ChainRole.ZK if actor == "executor-zk" else ChainRole.FAST
    victim = network.process_of(node, actor)
    began = time.monotonic()
    victim.kill()
    height = network.status(0)["final_height"]
    network.wait_for_height(0, height + 3)
    receipt = network.client(0, role).send(
        Call(dev_account(30), RECEIVER, value_wei=1, gas_limit=21_000)
    )
    transaction_hash = "0x" + receipt["transactionHash"].hex()
    network.wait_for_height(node, height + 3, RECOVERY_SECONDS)

    def has_executed() -> bool:
        answer = network.rpc(node, role).request("eth_getTransactionReceipt", transaction_hash)
        found = answer.get("result")
        return found is not None and found["status"] == "0x1"

    wait_until(has_executed, f"an execution after the death of {actor}", RECOVERY_SECONDS)
    record_property("seconds", round(time.monotonic() - began, 2))
    assert network.process_of(node, actor).pid != victim.pid
    certified = network.status(node)["chains"]["zk"]["certified_number"]
    wait_until(
        lambda: network.status(node)["chains"]["zk"]["certified_number"] > certified,
        "a checkpoint after it",
    )


def test_all_executors_of_a_chain_may_die_at_once(network: LiveNetwork) -> None:
    sender = dev_account(31)
    client = network.client(0, ChainRole.ZK)
    before = client.web3.eth.get_balance(RECEIVER)
    victims = [network.process_of(node, "executor-zk") for node in range(network.count)]
    for victim in victims:
        victim.kill()
    height = network.status(0)["final_height"]
    for node in range(network.count):
        network.wait_for_height(node, height + 3, RECOVERY_SECONDS)

    def is_back() -> bool:
        return all("result" in network.rpc(node).request("eth_blockNumber") for node in range(4))

    wait_until(is_back, "the executors", RECOVERY_SECONDS)
    client.send(Call(sender, RECEIVER, value_wei=1, gas_limit=21_000))
    assert client.web3.eth.get_balance(RECEIVER) == before + 1


def test_a_majority_of_validators_may_die_at_once_and_nothing_final_is_lost(
    network: LiveNetwork, record_property
) -> None:
    height = min(status["final_height"] for status in network.statuses())
    convicted = [status["convicted"] for status in network.statuses()]
    known = range(max(1, height - 20), height)
    digests = {number: network.rpc(0).digest(number) for number in known}
    victims = [network.process_of(node, "validator") for node in (0, 1, 2)]
    began = time.monotonic()
    for victim in victims:
        victim.kill()
    for node in range(network.count):
        network.wait_for_height(node, height + 10, 2 * RECOVERY_SECONDS)
    record_property("seconds", round(time.monotonic() - began, 2))
    for node in range(network.count):
        assert {number: network.rpc(node).digest(number) for number in digests} == digests
    assert [status["convicted"] for status in network.statuses()] == convicted
