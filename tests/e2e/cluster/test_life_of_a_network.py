"""`braid up`, `status`, `quarantine`, `down`, `up` again, and a crash, all through the CLI."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from braid_command import BraidCommand, wait_until, wait_until_gone
from json_rpc import Rpc

from cluster.chain_client import Call, ChainClient, call_of
from cluster.dev_genesis import dev_account
from cluster.network import load_network
from cluster.ray_instance import processes_of
from cluster.run_record import load_run
from contracts.addresses import PORTAL_ADDRESS

RECEIVER = "0x" + "42" * 20
CROSSING_RECEIVER = "0x" + "43" * 20
QUORUM = 3


@dataclass(frozen=True)
class Facts:
    """What was seen while the network ran."""

    zk: str
    fast: str
    status: dict[str, Any]
    later_heights: list[int]
    table: "subprocess.CompletedProcess[str]"
    second_up: "subprocess.CompletedProcess[str]"
    contract: str
    code: str
    digests: dict[int, str]
    quarantine: list[dict[str, Any]]
    foreign_vote: "subprocess.CompletedProcess[str]"
    settlement: dict[str, Any]
    settled_now: "subprocess.CompletedProcess[str]"
    prover_status: "subprocess.CompletedProcess[str]"
    processes: set[psutil.Process]

    def contract_and_balances(self) -> tuple[str, str, str]:
        """The state that has to survive."""
        zk, fast = Rpc(self.zk), Rpc(self.fast)
        return (
            zk.result("eth_getCode", self.contract, "latest"),
            zk.result("eth_getBalance", RECEIVER, "latest"),
            fast.result("eth_getBalance", RECEIVER, "latest"),
        )


def _batches_posted(rpc: Rpc) -> int:
    """How many batches a node sees on L1."""
    settlement = rpc.result("braid_getSettlement")
    return int(settlement.get("batches_posted", 0))


@pytest.fixture(scope="module")
def command() -> Iterator[BraidCommand]:
    with BraidCommand() as command:
        yield command


@pytest.fixture(scope="module")
def ran(command: BraidCommand) -> Facts:
    """A new network: started, looked at, used, quarantined by three operators. It still runs."""
    nodes = command.up()["nodes"]
    second_up = command.start("up")
    zk = ChainClient("zk", nodes[1]["zk"])
    fast = ChainClient("fast", nodes[2]["fast"])
    owner = dev_account(0)
    contract = zk.deploy(owner, "Trophy")
    for client, amount_wei in ((zk, 7), (fast, 5)):
        client.send(Call(owner, RECEIVER, value_wei=amount_wei, gas_limit=21_000))
    status = command.json("status")
    table = command.start("status")
    foreign_vote = command.start("resume", "0", "--checkpoint", "1")
    finished = [command.finish(process) for process in (second_up, table, foreign_vote)]
    rpcs = [Rpc(node["zk"]) for node in nodes]
    settled_now = command.run("settlement", "now")
    wait_until(lambda: all(_batches_posted(rpc) for rpc in rpcs), "a batch on L1")
    votes = [
        command.start("quarantine", str(node), "--reason", f"test by operator {node}")
        for node in range(QUORUM)
    ]
    for vote in votes:
        assert command.finish(vote).returncode == 0
    wait_until(
        lambda: all(rpc.status()["quarantine"]["is_active"] for rpc in rpcs), "the quarantine"
    )
    height = min(rpc.status()["final_height"] for rpc in rpcs)
    return Facts(
        zk=nodes[3]["zk"],
        fast=nodes[3]["fast"],
        status=status,
        later_heights=[rpc.status()["final_height"] for rpc in rpcs],
        table=finished[1],
        second_up=finished[0],
        contract=contract.address,
        code=rpcs[0].result("eth_getCode", contract.address, "latest"),
        digests={number: rpcs[0].digest(number) for number in range(1, height, 5)},
        quarantine=[rpc.status()["quarantine"] for rpc in rpcs],
        foreign_vote=finished[2],
        settlement=command.json("settlement", "status"),
        settled_now=settled_now,
        prover_status=command.run("prover", "status"),
        processes=command.processes(),
    )


@pytest.fixture(scope="module")
def stopped(command: BraidCommand, ran: Facts) -> dict[str, Any]:
    """The network after `braid down`."""
    ray_directory = load_run(load_network(command.directory)).temporary_directory
    answer = command.json("down")
    wait_until_gone(ran.processes)
    return {
        "answer": answer,
        "marked": processes_of(ray_directory),
        "ray_directory_exists": ray_directory.exists(),
        "processes": command.processes(),
        "files": command.temporary_files(),
        "status": command.run("status"),
    }


@dataclass(frozen=True)
class Resumed:
    """The same network after the second `braid up`."""

    rpcs: list[Rpc]
    quarantine: list[dict[str, Any]]
    is_portal_quarantined: bool


@pytest.fixture(scope="module")
def resumed(command: BraidCommand, ran: Facts, stopped: dict[str, Any]) -> Resumed:
    """The same network, up again; it runs."""
    nodes = command.json("up")["nodes"]
    assert nodes[3] == {"node": 3, "zk": ran.zk, "fast": ran.fast}
    rpcs = [Rpc(node["zk"]) for node in nodes]
    quarantine = [rpc.status()["quarantine"] for rpc in rpcs]
    zk = ChainClient("zk", ran.zk)
    portal = zk.contract("Portal", PORTAL_ADDRESS).functions
    is_portal_quarantined = zk.wait_until(
        "the quarantine at the Portal", portal.is_quarantined().call
    )
    return Resumed(rpcs, quarantine, is_portal_quarantined)


@pytest.fixture(scope="module")
def released(command: BraidCommand, resumed: Resumed) -> list[dict[str, Any]]:
    """The nodes' statuses after three operators have voted to resume the fast chain."""
    votes = [command.start("resume", str(node)) for node in range(QUORUM)]
    for vote in votes:
        done = command.finish(vote)
        assert done.returncode == 0, done.stderr
    wait_until(
        lambda: not any(rpc.status()["quarantine"]["is_active"] for rpc in resumed.rpcs),
        "the end of the quarantine",
    )
    return [rpc.status() for rpc in resumed.rpcs]


@pytest.fixture(scope="module")
def crashed(command: BraidCommand, resumed: Resumed) -> dict[str, Any]:
    """The network after kill -9 of its Ray head, cleaned up by `braid down`."""
    running = command.processes()
    instance = load_run(load_network(command.directory))
    os.kill(instance.pid, signal.SIGKILL)
    status = command.run("status")
    answer = command.json("down")
    wait_until_gone(running)
    return {
        "status": status,
        "answer": answer,
        "processes": command.processes(),
        "files": command.temporary_files(),
    }


def test_four_nodes_take_part(ran: Facts) -> None:
    nodes = ran.status["nodes"]
    assert [node["validator"] for node in nodes] == [0, 1, 2, 3]
    assert len({node["genesis"] for node in nodes}) == 1
    for node in nodes:
        peers = node["peers"]
        assert set(peers) == {"0", "1", "2", "3"} - {str(node["validator"])}
        assert all(peer["state"] == "connected" for peer in peers.values())
        assert node["final_height"] > 0
        assert node["bridge"]["certified"] > 0
        assert set(node["gateway"]["paths"]) == {"/", "/zk", "/fast"}


def test_heights_grow(ran: Facts) -> None:
    earlier = [node["final_height"] for node in ran.status["nodes"]]
    assert all(later > then for then, later in zip(earlier, ran.later_heights, strict=True))


def test_nothing_was_rejected_between_honest_nodes(ran: Facts) -> None:
    for node in ran.status["nodes"]:
        assert node["rejected"]["consensus"] == {}
        assert node["rejected"]["payloads"] == {}
        assert node["rejected"]["backfill"] == {}
        assert node["rejected_connections"] == 0
        assert all(peer["violations"] == 0 for peer in node["peers"].values())
        assert node["convicted"] == []


def test_status_is_a_table_for_people_and_nothing_on_stdout(ran: Facts) -> None:
    assert ran.table.returncode == 0
    assert ran.table.stdout == ""
    assert "braid-dev, 4 validators" in ran.table.stderr
    assert ran.table.stderr.count("3/3") == 4


def test_up_again_says_that_it_runs_already(ran: Facts) -> None:
    assert ran.second_up.returncode == 1
    assert "runs already" in ran.second_up.stderr
    assert "Traceback" not in ran.second_up.stderr


def test_a_vote_to_resume_from_what_is_no_checkpoint_is_refused(ran: Facts) -> None:
    assert ran.foreign_vote.returncode == 1
    assert "holds no such checkpoint" in " ".join(ran.foreign_vote.stderr.split())


def test_the_votes_of_three_operators_quarantine_the_fast_chain_everywhere(ran: Facts) -> None:
    for quarantine in ran.quarantine:
        assert quarantine["is_active"]
        assert quarantine["reason"].startswith("test by operator ")


def test_every_node_sees_the_batch_that_one_of_them_has_posted(ran: Facts) -> None:
    assert ran.settled_now.returncode == 0, ran.settled_now.stderr
    nodes = ran.settlement["nodes"]
    assert [node["settles"] for node in nodes] == [True, False, False, False]
    assert len({node["rollup"] for node in nodes}) == 1
    assert all(node["batches_posted"] >= 1 for node in nodes)
    assert all(node["alarm"] is None for node in nodes)


def test_without_provers_nothing_is_proven_and_finalized_stays_at_the_genesis(ran: Facts) -> None:
    assert all(node["batches_proven"] == 0 for node in ran.settlement["nodes"])
    assert ran.prover_status.returncode == 1
    assert "runs a prover pool" in " ".join(ran.prover_status.stderr.split())


def test_down_leaves_nothing_behind(stopped: dict[str, Any]) -> None:
    assert stopped["answer"] == {"stopped": True, "processes_killed": 0}
    assert stopped["marked"] == set()
    assert stopped["processes"] == set()
    assert not stopped["ray_directory_exists"]
    assert stopped["files"] == []


def test_a_network_that_is_down_has_no_status(stopped: dict[str, Any]) -> None:
    assert stopped["status"].returncode == 1
    assert "start it with `braid up`" in " ".join(stopped["status"].stderr.split())


def test_the_same_ledger_goes_on_after_up(ran: Facts, resumed: Resumed) -> None:
    before = max(ran.later_heights)
    wait_until(
        lambda: all(rpc.status()["final_height"] > before + 10 for rpc in resumed.rpcs),
        "growth of the old ledger",
    )
    for rpc in resumed.rpcs:
        assert {height: rpc.digest(height) for height in ran.digests} == ran.digests


def test_contracts_and_balances_are_still_there(ran: Facts, resumed: Resumed) -> None:
    assert len(ran.code) > 2
    assert ran.contract_and_balances() == (ran.code, "0x7", "0x5")


def test_the_resumed_network_takes_transactions(ran: Facts, resumed: Resumed) -> None:
    for url in (ran.zk, ran.fast):
        client = ChainClient("resumed", url)
        client.send(Call(dev_account(1), RECEIVER, value_wei=1, gas_limit=21_000))
    assert ran.contract_and_balances() == (ran.code, "0x8", "0x6")


def test_the_quarantine_is_still_active(ran: Facts, resumed: Resumed) -> None:
    on_the_ledger = ("is_active", "sequence", "reason", "votes")
    for before, after in zip(ran.quarantine, resumed.quarantine, strict=True):
        assert {key: after[key] for key in on_the_ledger} == {
            key: before[key] for key in on_the_ledger
        }
    assert resumed.is_portal_quarantined


def test_the_votes_of_three_operators_resume_the_fast_chain_everywhere(
    ran: Facts, released: list[dict[str, Any]]
) -> None:
    sequence = ran.quarantine[0]["sequence"]
    for status in released:
        assert not status["quarantine"]["is_active"]
        assert status["quarantine"]["sequence"] >= sequence


def test_value_crosses_both_ways_again(ran: Facts, released: list[dict[str, Any]]) -> None:
    zk, fast = ChainClient("zk", ran.zk), ChainClient("fast", ran.fast)
    for here, there in ((zk, fast), (fast, zk)):
        before = there.web3.eth.get_balance(CROSSING_RECEIVER)
        portal = here.contract("Portal", PORTAL_ADDRESS).functions
        here.send(call_of(dev_account(3), portal.send(CROSSING_RECEIVER, 21_000, b""), 9))
        wait_until(
            lambda there=there, before=before: (
                there.web3.eth.get_balance(CROSSING_RECEIVER) == before + 9
            ),
            "the value on the other chain",
        )


def test_a_crash_of_ray_is_named_and_down_cleans_up(crashed: dict[str, Any]) -> None:
    assert crashed["status"].returncode == 1
    assert "has died" in crashed["status"].stderr
    assert crashed["answer"]["stopped"]
    assert crashed["processes"] == set()
    assert crashed["files"] == []
