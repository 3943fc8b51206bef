"""L1 hangs, dies and comes back: settlement waits, the ledger does not."""

from typing import Final

import httpx
import psutil
from web3 import Web3

from cluster.chain_client import ChainClient, call_of
from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.processes import frozen, kill_now, process_of
from cluster.chaos.scenario import Finding, Scenario, Setup
from cluster.demo.settling import DemoSettlement
from cluster.dev_genesis import dev_account
from cluster.settling import find_embedded_l1
from ledger.types import ChainRole

DEPOSITOR: Final = 20
RECEIVER: Final = Web3.to_checksum_address("0x" + "71" * 20)
DEPOSIT_WEI: Final = 10**15
BLOCKS: Final = 15


def outage(arena: Arena) -> Finding:
    """Freeze L1 with a deposit in its queue, kill it, and have everything arrive afterwards."""
    settlement = DemoSettlement(arena.session)
    rollup = settlement.deployment()["rollup"]
    client = ChainClient("L1", arena.session.l1_url)
    deposit = client.contract("Rollup", rollup).functions.deposit_eth(RECEIVER)
    client.send(call_of(dev_account(DEPOSITOR), deposit, DEPOSIT_WEI))

    process = _l1_process()
    with frozen(process):
        arena.fault("L1 answers nobody")
        arena.wait_for_growth(BLOCKS)
    arena.fault("kill -9 of L1")
    kill_now(process)
    began = arena.now()
    arena.wait_until(lambda: _answers(arena.session.l1_url), "an answer of L1")
    arena.heal("L1 answers again, from its disk")

    client.send(call_of(dev_account(DEPOSITOR), deposit, DEPOSIT_WEI))
    _wait_for_deposits(arena, 2 * DEPOSIT_WEI)
    recovered = arena.now() - began
    arena.note("both deposits are on the ZK chain of every node")
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    settlement.post(status["chains"]["zk"]["final_number"])
    arena.note("the ZK chain is posted and committed on L1")
    return Finding(recovery_seconds=recovered)


def kill_settlement(arena: Arena) -> Finding:
    """Kill the settlement of the node that settles, in the middle of a batch."""
    settlement = DemoSettlement(arena.session)
    settlement.deployment()
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    number = status["chains"]["zk"]["final_number"]
    assert arena.ask(0, "settlement", "settle_up_to", number)
    began = arena.kill(0, "settlement")
    arena.wait_until(lambda: arena.ask(0, "settlement", "status"), "an answer of settlement")
    settlement.deployment()
    settlement.post(number)
    arena.heal("the batch is posted and committed")
    posted = arena.wait_until(lambda: arena.ask(0, "settlement", "status"), "its status")
    if posted["alarm"]:
        raise InvariantBroken(f"settlement has stopped: {posted['alarm']}")
    return Finding(recovery_seconds=arena.now() - began)


def _answers(url: str) -> bool:
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    try:
        return "result" in httpx.post(url, json=body, timeout=1.0).json()
    except (httpx.HTTPError, ValueError):
        return False


def _l1_process() -> psutil.Process:
    (actor,) = find_embedded_l1()
    return process_of(actor)


def _wait_for_deposits(arena: Arena, amount_wei: int) -> None:
    for node in range(arena.count):
        zk = arena.client(node, ChainRole.ZK)
        arena.wait_until(
            lambda zk=zk: zk.web3.eth.get_balance(RECEIVER) == amount_wei,  # type: ignore[misc]
            f"the deposits at node {node}",
        )


SCENARIOS = (
    Scenario(
        "l1-outage",
        "the ledger goes on without L1; deposits arrive once and settlement resumes",
        "L1 hangs with a deposit in its queue, is killed, and comes back",
        outage,
        setup=Setup(has_l1=True),
    ),
    Scenario(
        "kill-settlement",
        "a batch that was being posted is posted and committed, by the journal's word",
        "kill -9 of settlement while it posts a batch",
        kill_settlement,
        setup=Setup(has_l1=True),
    ),
)
