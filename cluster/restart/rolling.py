"""Stops a node, starts it again, and waits until it takes part like before."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError

from actors.config import NodeConfig
from cluster.errors import NotRunning, RestartFailed
from cluster.launcher import (
    ActorChoice,
    NodeHandles,
    Progress,
    create_node,
    silent,
    standard_actors,
    stop_nodes,
    wait_until_ready,
)
from cluster.network import Network
from cluster.node_actors import kill_nodes
from cluster.node_launcher import find_node, places_of
from cluster.participation import participants
from cluster.restart.presence import Status, require_spare
from ledger.types import ChainRole

ANSWER_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.05
NAME_SECONDS: Final = 15.0
DEFAULT_PATIENCE_SECONDS: Final = 120.0
IN_FLIGHT_BLOCKS: Final = 2
"""Blocks above the head that votes from before the stop may still make final."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """One restarted node.

    Attributes
    ----------
    ready_seconds
        From the stop until its actors answered.
    voting_seconds
        From the stop until a final block was seen that it has proposed or signed.
    level_seconds
        From the stop until it had, and had executed, what was final when it voted.
    """

    node: int
    ready_seconds: float
    voting_seconds: float
    level_seconds: float


def roll(
    network: Network,
    configs: Sequence[NodeConfig],
    hosted: Sequence[NodeConfig],
    progress: Progress = silent,
    *,
    is_forced: bool = False,
    choose: ActorChoice = standard_actors,
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
) -> Iterable[Restarted]:
    """Restart nodes of this connection's Ray, each after the one before votes and is level.

    Parameters
    ----------
    configs
        To restart, in this order.
    hosted
        All nodes that run here: they are asked who takes part.
    is_forced
        Also where the ledger stands still meanwhile.
    patience_seconds
        For a node to vote again, and to be level.

    Raises
    ------
    RestartRefused
        If more than f validators would be away.
    RestartFailed
        If a node does not take part again in time; those after it were left alone.
    """
    for config in configs:
        statuses = {int(each.index): _status(each) for each in hosted}
        answering = [found for found in statuses.values() if found is not None]
        if not is_forced:
            own = statuses[config.index]
            require_spare(config.index, None if own is None else own["validator"], answering)
        head = max((int(found["final_height"]) for found in answering), default=0)
        yield _restart(network, config, head, progress, choose, patience_seconds)


def _restart(
    network: Network,
    config: NodeConfig,
    head: int,
    progress: Progress,
    choose: ActorChoice,
    patience_seconds: float,
) -> Restarted:
    label = f"node {config.index}"
    progress(f"{label}: stopping")
    began = time.monotonic()
    stop_nodes((config,), with_l1=False)
    kill_nodes((config,), with_l1=False)
    progress(f"{label}: starting")
    place = places_of((config,))[config.index]
    node = _wait(
        lambda: _create(network, config, choose, place), NAME_SECONDS, f"{label} to give way"
    )
    wait_until_ready([node], [])
    ready = time.monotonic()
    progress(f"{label}: waiting until it votes")
    voted_at = _wait_for_vote(node, head, patience_seconds)
    voting = time.monotonic()
    progress(f"{label}: waiting until it is level")
    targets = _wait(
        lambda: _chain_heads(node, voted_at), patience_seconds, f"{label} to hold block {voted_at}"
    )
    _wait(lambda: _has_executed(node, targets), patience_seconds, f"{label} to execute its chains")
    level = time.monotonic()
    return Restarted(config.index, ready - began, voting - began, level - began)


def _create(network: Network, config: NodeConfig, choose: ActorChoice, place: Any) -> Any:
    try:
        return create_node(config, network.l1, choose, place)
    except ValueError:  # Ray has not given all names free yet.
        kill_nodes((config,), with_l1=False)
        return None


def _wait_for_vote(node: NodeHandles, head: int, seconds: float) -> int:
    """Height of the first final block above the head of before that the node took part in.

    One that is no validator has nothing to say: of it the first block is enough.
    """
    label = f"node {node.config.index}"
    status = _wait(lambda: _ask(node.validator, "status"), seconds, f"an answer of {label}")
    validator = status["validator"]
    height = head + 1 + IN_FLIGHT_BLOCKS
    found = 0

    def has_voted() -> bool:
        nonlocal height, found
        while (block := _ask(node.validator, "ledger_block", height)) is not None:
            if validator is None or validator in participants(block):
                found = height
                return True
            height += 1
        return False

    _wait(has_voted, seconds, f"{label} to vote")
    return found


def _chain_heads(node: NodeHandles, height: int) -> dict[ChainRole, int] | None:
    """Final block of each chain, once the node holds the ledger up to a height."""
    status = _ask(node.validator, "status")
    if status is None or status["final_height"] < height:
        return None
    return {role: int(status["chains"][role.name.lower()]["final_number"]) for role in ChainRole}


def _has_executed(node: NodeHandles, targets: dict[ChainRole, int]) -> bool:
    done = {role: _ask(node.executors[role], "progress") for role in targets}
    return all(
        done[role] is not None and done[role].final_number >= number
        for role, number in targets.items()
    )


def _status(config: NodeConfig) -> Status | None:
    try:
        found: Status | None = _ask(find_node(config).validator, "status")
    except NotRunning:
        return None
    return found


def _ask(actor: ActorHandle, method: str, *arguments: Any) -> Any:
    """Answer of an actor; None if it is away."""
    try:
        return ray.get(getattr(actor, method).remote(*arguments), timeout=ANSWER_SECONDS)
    except (RayActorError, GetTimeoutError):
        return None


def _wait(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise RestartFailed(
                f"waited {seconds:.0f} s for {what}; the nodes after it were left alone: see "
                "`braid status` and the node's logs"
            )
        time.sleep(POLL_SECONDS)
    return found
