"""A running network as a scenario sees it: how far its nodes are, and waiting for more."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import httpx
import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError

from cluster.chain_client import ChainClient
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.timeline import Timeline
from cluster.launcher import NodeHandles
from cluster.participation import participants
from cluster.session import Session
from ledger.types import ChainRole

POLL_SECONDS: Final = 0.05
WAIT_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 5.0
_IN_FLIGHT_BLOCKS: Final = 2
"""Blocks above the head at the moment of a fault that votes from before it may still make final."""

Status = dict[str, Any]


class Observer:
    """Looks at the nodes of a network, and waits."""

    def __init__(self, session: Session, timeline: Timeline) -> None:
        self.session = session
        self.timeline = timeline
        self.count = len(session.nodes)

    # LOOKING

    def now(self) -> float:
        """Seconds since the start of the scenario."""
        return self.timeline.now()

    def node(self, index: int) -> NodeHandles:
        """Handles of one node's actors."""
        return self.session.nodes[index]

    def actor(self, node: int, part: str) -> ActorHandle:
        """One actor: a core part of a node, or ``settlement``."""
        handles = self.node(node)
        if part.startswith("executor-"):
            return handles.executors[ChainRole[part.removeprefix("executor-").upper()]]
        if part == "settlement":
            assert handles.settlement is not None, "the network settles nowhere"
            return handles.settlement.settlement
        found: ActorHandle = getattr(handles, part)
        return found

    def client(self, node: int, role: ChainRole) -> ChainClient:
        """A wallet of one chain at one node."""
        return self.session.client(node, role)

    def ask(self, node: int, part: str, method: str, *arguments: Any) -> Any:
        """Call a method of an actor; None if it is away."""
        actor = self.actor(node, part)
        try:
            return ray.get(getattr(actor, method).remote(*arguments), timeout=ANSWER_SECONDS)
        except (RayActorError, GetTimeoutError):
            return None

    def status(self, node: int) -> Status | None:
        """A validator's status; None if it is away."""
        found: Status | None = self.ask(node, "validator", "status")
        return found

    def executed(self, node: int, chain: str) -> int:
        """The last final block of a chain, ``zk`` or ``fast``, that a node has executed."""
        found = self.ask(node, f"executor-{chain}", "progress")
        return -1 if found is None else int(found.final_number)

    def gateway_answers(self, node: int) -> bool:
        """Whether a node answers JSON-RPC with a status of its validator."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "braid_status", "params": []}
        try:
            url = self.session.url(node, ChainRole.ZK)
            answer = httpx.post(url, json=body, timeout=ANSWER_SECONDS).json()
        except (httpx.HTTPError, ValueError):
            return False
        return "result" in answer

    def head(self, *nodes: int) -> int:
        """The highest final height that the nodes, or all, know of."""
        chosen = nodes or tuple(range(self.count))
        statuses = [self.status(node) for node in chosen]
        return max((found["final_height"] for found in statuses if found is not None), default=0)

    # WAITING

    def wait_until(
        self, condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS
    ) -> Any:
        """Poll until something is true, and give it.

        Raises
        ------
        InvariantBroken
            If it does not become true.
        """
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise InvariantBroken(f"{what} did not happen in {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        return found

    def wait_for_height(self, height: int, *nodes: int, seconds: float = WAIT_SECONDS) -> float:
        """Wait until the nodes, or all, hold a final block at a height; gives the moment."""

        def is_there(node: int) -> bool:
            found = self.ask(node, "validator", "ledger_height")
            return found is not None and int(found) >= height

        for node in nodes or tuple(range(self.count)):
            self.wait_until(partial(is_there, node), f"height {height} at node {node}", seconds)
        return self.now()

    def wait_for_execution(
        self, node: int, chain: str, number: int, seconds: float = WAIT_SECONDS
    ) -> float:
        """Wait until a node has executed a final block of a chain; gives the moment."""
        self.wait_until(
            lambda: self.executed(node, chain) >= number,
            f"execution of {chain} block {number} at node {node}",
            seconds,
        )
        return self.now()

    def wait_for_growth(self, blocks: int, *nodes: int, seconds: float = WAIT_SECONDS) -> float:
        """Wait until the nodes, or all, have so many more final blocks; gives the moment."""
        return self.wait_for_height(self.head(*nodes) + blocks, *nodes, seconds=seconds)

    def wait_until_voting(
        self, nodes: Iterable[int], above: int | None = None, seconds: float = WAIT_SECONDS
    ) -> float:
        """Wait until each of the nodes has proposed or signed a final block; gives the moment.

        Parameters
        ----------
        above
            Blocks up to this height do not count; the head of now if it is not given.
        """
        missing = set(nodes)
        watched = 0
        height = (self.head() if above is None else above) + 1 + _IN_FLIGHT_BLOCKS

        def all_seen() -> bool:
            nonlocal height, watched
            block = self.ask(watched, "validator", "ledger_block", height)
            if block is None:
                watched = (watched + 1) % self.count
                return not missing
            missing.difference_update(participants(block))
            height += 1
            return not missing

        try:
            self.wait_until(all_seen, "a vote", seconds)
        except InvariantBroken as error:
            raise InvariantBroken(
                f"nodes {sorted(missing)} did not vote again in {seconds:.0f} s"
            ) from error
        return self.now()
