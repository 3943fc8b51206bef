"""Four validators on the machines of one Ray: each on its own, and on another if that one dies."""

from collections.abc import Iterator

import httpx
import pytest
from braid_command import BraidCommand, wait_until
from json_rpc import Rpc
from machines import Machines, actors_on, cut_power

from cluster.chain_client import Call, ChainClient
from cluster.dev_genesis import PortPlan, create_dev_network, dev_account
from cluster.network import Network

pytestmark = [pytest.mark.deploy, pytest.mark.slow, pytest.mark.timeout(600)]

RECEIVER = "0x" + "81" * 20
ACTORS = {"Validator", "Executor", "Bridge", "Gateway"}


class Spread:
    """The network, its machines, and the command line of whoever runs both."""

    def __init__(self, braid: BraidCommand) -> None:
        self.braid = braid
        self.network: Network = create_dev_network(braid.directory, 4, PortPlan(None, None))
        self.machines = Machines(braid)
        self.workers = [self.machines.join(f"validator-{index}") for index in range(4)]
        self.rpcs = [Rpc(self.url(index)) for index in range(4)]

    def url(self, index: int) -> str:
        return f"http://127.0.0.1:{self.network.nodes[index].rpc_port}/zk"

    def pay(self, index: int, amount_wei: int) -> None:
        call = Call(dev_account(index), RECEIVER, value_wei=amount_wei, gas_limit=21_000)
        ChainClient(f"node {index}", self.url(index)).send(call)

    def answers(self, index: int) -> bool:
        try:
            asked = self.rpcs[index].request("eth_getBalance", RECEIVER, "safe")
        except httpx.HTTPError:
            return False
        return "result" in asked

    def balance(self, index: int) -> int:
        return int(self.rpcs[index].result("eth_getBalance", RECEIVER, "safe"), 16)

    def wait_until_all_have(self, wei: int, *nodes: int) -> None:
        for index in nodes or range(4):
            wait_until(lambda node=index: self.balance(node) == wei, f"{wei} wei at node {index}")

    def wait_until_agree(self, *nodes: int) -> None:
        chosen = [self.rpcs[index] for index in nodes or range(4)]
        goal = max(rpc.status()["final_height"] for rpc in chosen) + 2
        for rpc in chosen:
            wait_until(lambda asked=rpc: asked.status()["final_height"] >= goal, f"height {goal}")
        assert len({rpc.digest(goal) for rpc in chosen}) == 1


@pytest.fixture(scope="module")
def spread() -> Iterator[Spread]:
    """Four machines with a validator each."""
    with BraidCommand() as braid:
        found = Spread(braid)
        found.braid.json("up", "--address", found.machines.address, "--wait", "90")
        found.wait_until_agree()
        yield found


def test_each_node_s_actors_are_on_its_machine_and_none_on_the_head(spread: Spread):
    for worker in spread.workers:
        assert actors_on(worker) == ACTORS
    assert actors_on(spread.machines.head) == set()


def test_a_node_that_runs_is_not_started_again_and_status_finds_all(spread: Spread):
    at = ("--address", spread.machines.address)
    done = spread.braid.run("node", "start", "1", *at)
    assert done.returncode == 1
    assert "node 1 runs on this Ray already" in " ".join(done.stderr.split())
    done = spread.braid.run("up")
    assert done.returncode == 1
    assert "runs already" in done.stderr
    statuses = spread.braid.json("status")["nodes"]
    assert [status["validator"] for status in statuses] == [0, 1, 2, 3]


def test_one_node_stops_and_starts_while_the_others_go_on(spread: Spread):
    at = ("--address", spread.machines.address)
    spread.braid.json("node", "stop", "1")
    spread.pay(0, 5)
    spread.wait_until_all_have(5, 0, 2, 3)
    assert actors_on(spread.workers[1]) == set()
    assert len(spread.braid.json("status")["nodes"]) == 3
    spread.braid.json("node", "start", "1", *at)
    spread.wait_until_all_have(5)
    assert len(spread.braid.json("status")["nodes"]) == 4


def test_a_node_is_stopped_and_started_from_outside_the_cluster(spread: Spread):
    outside = ("--address", spread.machines.client_address)
    assert spread.braid.json("node", "status", "2", *outside)["validator"] == 2
    spread.braid.json("node", "stop", "2", *outside)
    assert actors_on(spread.workers[2]) == set()
    spread.braid.json("node", "start", "2", *outside)
    assert actors_on(spread.workers[2]) == ACTORS
    spread.wait_until_agree()


def test_nodes_go_on_without_a_head_and_the_next_one_finds_them(spread: Spread):
    if not spread.machines.has_store:
        pytest.skip("needs redis-server: without a store a new head knows no actor")
    before = {index: actors_on(worker) for index, worker in enumerate(spread.workers)}
    cut_power(spread.machines.head)
    had = spread.balance(0)
    spread.pay(2, 11)
    spread.wait_until_all_have(had + 11)
    spread.machines.start_head_again()
    statuses = spread.braid.json("status")["nodes"]
    assert [status["validator"] for status in statuses] == [0, 1, 2, 3]
    spread.wait_until_agree()
    assert {index: actors_on(worker) for index, worker in enumerate(spread.workers)} == before


def test_a_node_whose_machine_dies_goes_on_from_its_disk_on_another(spread: Spread):
    had = spread.balance(0)
    cut_power(spread.workers[3])
    spread.pay(0, 7)
    spread.wait_until_all_have(had + 7, 0, 1, 2)
    spare = spread.machines.join("validator-3")
    wait_until(lambda: actors_on(spare) == ACTORS, "actors on the other machine", 120)
    wait_until(lambda: spread.answers(3), "JSON-RPC on the other machine")
    spread.wait_until_all_have(had + 7)
    spread.wait_until_agree()
    assert spread.rpcs[0].status()["convicted"] == []


def test_a_machine_that_is_meant_for_nobody_gets_no_node(spread: Spread):
    spread.braid.json("node", "stop", "2")
    cut_power(spread.workers[2])
    done = spread.braid.run(
        "node", "start", "2", "--address", spread.machines.address, "--wait", "20"
    )
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "has the resource validator-2" in said or "did not answer" in said
    spread.wait_until_agree(0, 1, 3)


def test_the_nodes_end_and_their_ray_does_not(spread: Spread):
    spread.braid.json("down")
    for worker in spread.workers[:2]:
        assert worker.is_running()
        assert actors_on(worker) == set()
    assert spread.machines.head.is_running()
    assert not (spread.network.directory / "run.json").exists()
