"""A running network as tests look at it: each node through its own JSON-RPC, and its processes."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
from braid_command import wait_until
from json_rpc import Rpc
from ray.actor import ActorHandle

from cluster.chain_client import ChainClient
from cluster.launcher import NodeHandles
from cluster.session import Session
from ledger.types import ChainRole

COMPARED_BLOCKS = 5


class LiveNetwork:
    """A session of four nodes."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.count = len(session.nodes)
        self._rpcs = {
            (node, role): Rpc(session.url(node, role))
            for node in range(self.count)
            for role in ChainRole
        }

    def replace_validator(self, node: int, validator: ActorHandle) -> None:
        """Use the handle of a validator that was created anew."""
        nodes = list(self.session.nodes)
        nodes[node] = replace(nodes[node], validator=validator)
        self.session = replace(self.session, nodes=tuple(nodes))

    def use_nodes(self, nodes: Iterable[NodeHandles]) -> None:
        """Use the handles of nodes that were started anew."""
        self.session = replace(self.session, nodes=tuple(nodes))

    def network_directories(self) -> list[Path]:
        """Where the logs are, for a failure's report."""
        return [self.session.network.directory]

    def rpc(self, node: int, role: ChainRole = ChainRole.ZK) -> Rpc:
        """One chain at one node."""
        return self._rpcs[node, role]

    def client(self, node: int, role: ChainRole) -> ChainClient:
        """A wallet of one chain at one node."""
        return self.session.client(node, role)

    def status(self, node: int) -> dict[str, Any]:
        """A node's status."""
        return self.rpc(node).status()

    def statuses(self) -> list[dict[str, Any]]:
        """All nodes' statuses."""
        return [self.status(node) for node in range(self.count)]

    def try_status(self, node: int) -> dict[str, Any] | None:
        """A node's status, unless it is away."""
        with contextlib.suppress(httpx.HTTPError):
            answer = self.rpc(node).request("braid_status")
            status: dict[str, Any] | None = answer.get("result")
            return status
        return None

    def wait_for_height(self, node: int, height: int, seconds: float = 60.0) -> None:
        """Wait until a node holds a final block at that height."""

        def is_there() -> bool:
            status = self.try_status(node)
            return status is not None and status["final_height"] >= height

        wait_until(is_there, f"height {height} at node {node}", seconds)

    def wait_until_agree(self, *nodes: int) -> None:
        """These nodes, or all, are connected, go on, and have the same blocks and roots."""
        chosen = nodes or tuple(range(self.count))
        wait_until(lambda: all(self._is_connected(node, chosen) for node in chosen), "peers")
        target = max(self.status(node)["final_height"] for node in chosen) + 1
        for node in chosen:
            self.wait_for_height(node, target)
        heights = range(max(1, target - COMPARED_BLOCKS), target + 1)
        assert _are_same([self.rpc(node).digest(height) for height in heights] for node in chosen)
        for role in ChainRole:
            self._assert_same_blocks(role, chosen)

    def _assert_same_blocks(self, role: ChainRole, nodes: tuple[int, ...]) -> None:
        rpcs = [self.rpc(node, role) for node in nodes]
        newest = min(
            int(rpc.result("eth_getBlockByNumber", "safe", False)["number"], 16) for rpc in rpcs
        )
        numbers = range(max(0, newest - COMPARED_BLOCKS), newest + 1)
        assert _are_same(
            [rpc.result("eth_getBlockByNumber", hex(number), True) for number in numbers]
            for rpc in rpcs
        )

    def process_of(self, node: int, actor: str) -> psutil.Process:
        """The process of an actor: the one that writes the actor's log."""
        log = self.session.network.nodes[node].log_directory / f"{actor}.jsonl"

        def found() -> psutil.Process | None:
            for process in psutil.process_iter():
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    is_actor = process.name().startswith("ray::")
                    if is_actor and any(file.path == str(log) for file in process.open_files()):
                        return process
            return None

        process: psutil.Process = wait_until(found, f"a process of node {node}'s {actor}")
        return process

    def _is_connected(self, node: int, peers: tuple[int, ...]) -> bool:
        status = self.try_status(node)
        return status is not None and all(
            status["peers"][str(peer)]["state"] == "connected" for peer in peers if peer != node
        )


def _are_same(values: Any) -> bool:
    first, *others = values
    return all(other == first for other in others)
