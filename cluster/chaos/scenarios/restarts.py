"""Nodes that are restarted on purpose, one after the other, while users send transactions."""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import httpx

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.scenario import Finding, Scenario, Setup
from cluster.chaos.traffic import Traffic
from cluster.launcher import node_handles
from cluster.restart.rolling import roll
from ledger.types import ChainRole

TRAFFIC_INTERVAL_SECONDS: Final = 2.0
RECEIPT_SECONDS: Final = 60.0
LONGEST_GAP_SECONDS: Final = 10.0
"""A view whose leader is away costs 2Δ, 1 s here; starting processes on two cores the rest."""


def rolling_restart(arena: Arena) -> Finding:
    """Restart every node; nothing that a node has taken may be lost."""
    network = arena.session.network
    traffic = Traffic(arena.session, TRAFFIC_INTERVAL_SECONDS)
    traffic.start()
    first = arena.head() + 1
    slowest = 0.0
    try:
        with arena.ray_lock:
            arena.fault("a rolling restart of all nodes begins")
            for done in roll(network, network.nodes, network.nodes, choose=arena.setup.choose):
                arena.note(f"node {done.node} votes again after {done.voting_seconds:.1f} s")
                slowest = max(slowest, done.level_seconds)
            nodes = tuple(node_handles(config) for config in network.nodes)
            arena.session = replace(arena.session, nodes=nodes)
    finally:
        traffic.stop()
    arena.heal("all nodes are level")
    gap = _longest_gap_seconds(arena, first, arena.head())
    arena.note(f"longest time between final blocks {gap:.2f} s, {len(traffic.accepted)} transfers")
    if gap > LONGEST_GAP_SECONDS:
        raise InvariantBroken(f"nothing was final for {gap:.1f} s")
    for role, transaction_hash in traffic.accepted:
        for node in range(arena.count):
            _require_receipt(arena, node, role, transaction_hash)
    return Finding(recovery_seconds=slowest)


def _longest_gap_seconds(arena: Arena, first: int, last: int) -> float:
    """By the blocks' own timestamps, which validators keep close to their clocks."""
    times = [
        int(block["header"]["timestamp_ms"]) / 1000
        for height in range(first, last + 1)
        if (block := arena.ask(0, "validator", "ledger_block", height)) is not None
    ]
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def _require_receipt(arena: Arena, node: int, role: ChainRole, transaction_hash: str) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "eth_getTransactionReceipt",
        "params": [transaction_hash],
    }
    url = arena.session.url(node, role)

    def is_there() -> bool:
        try:
            answer = httpx.post(url, json=body, timeout=RECEIPT_SECONDS).json()
        except httpx.HTTPError:
            return False
        receipt = answer.get("result")
        return receipt is not None and receipt["status"] == "0x1"

    arena.wait_until(is_there, f"the receipt of {transaction_hash} at node {node}", RECEIPT_SECONDS)


SCENARIOS = (
    Scenario(
        "rolling-restart",
        "a restart of all nodes, one after the other, loses no transaction and stops nothing",
        "every node is stopped, started, and waited for, while transfers are sent",
        rolling_restart,
        setup=Setup(has_traffic=False),
    ),
)
