"""What every scenario promises, checked after it on all nodes.

1. All validators vote again.
2. No final block is lost: what a node has told of as final, at any time of the run, is at its
   height on every node in the end.
3. All nodes have the same blocks at the same heights, those that began from a snapshot from there
   on.
4. All executors have the same state roots at the same numbers, but for liars.
5. Nobody is convicted who was not made to cheat.
"""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any, Final

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.timeline import Block
from ledger.types import ChainRole

ANSWER_SECONDS: Final = 30.0
VOTE_SECONDS: Final = 60.0
CATCH_UP_SECONDS: Final = 60.0
_RESULTS_PER_CALL: Final = 256


def check_common(arena: Arena, told: Mapping[int, str]) -> None:
    """Check all of them.

    Parameters
    ----------
    told
        Final digest of heights, as nodes have told them during the run.

    Raises
    ------
    InvariantBroken
        Naming the first that does not hold.
    """
    arena.wait_until_voting(range(arena.count), seconds=VOTE_SECONDS)
    height = arena.head()
    arena.wait_for_height(height, seconds=CATCH_UP_SECONDS)
    ledgers = [_ledger(arena, node, height) for node in range(arena.count)]
    whole = [block for block in ledgers[0] if block is not None]
    if len(whole) != height:
        raise InvariantBroken("node 0 has not been there from the first block on")
    _note_blocks(arena, whole)
    _check_digests([list(map(_digest, ledger)) for ledger in ledgers])
    _check_told(told, whole)
    _check_roots(arena)
    _check_convictions(arena)


def _digest(block: dict[str, Any] | None) -> str | None:
    return None if block is None else str(block["digest"])


def _check_digests(ledgers: list[list[str | None]]) -> None:
    """Compare digests by height; None where a node has no block since it began later."""
    for (node, left), (other, right) in pairwise(enumerate(ledgers)):
        for height, (mine, theirs) in enumerate(zip(left, right, strict=True), start=1):
            if mine is not None and theirs is not None and mine != theirs:
                raise InvariantBroken(
                    f"nodes {node} and {other} have different final blocks at height {height}: "
                    f"{mine[:18]} and {theirs[:18]}"
                )


def _check_told(told: Mapping[int, str], ledger: list[dict[str, Any]]) -> None:
    for height, digest in told.items():
        if height == 0:
            continue
        if height > len(ledger):
            raise InvariantBroken(f"final block {height} is lost: the ledger ends at {len(ledger)}")
        if ledger[height - 1]["digest"] != digest:
            raise InvariantBroken(
                f"final block {height} is lost: it was {digest[:18]}, "
                f"now there is {ledger[height - 1]['digest'][:18]}"
            )


def _check_roots(arena: Arena) -> None:
    honest = [node for node in range(arena.count) if node not in arena.setup.liars]
    for role in ChainRole:
        part = f"executor-{role.name.lower()}"
        status = arena.wait_until(lambda: arena.status(honest[0]), "an answer")
        number = status["chains"][role.name.lower()]["final_number"]
        for node in honest:
            arena.wait_for_execution(node, role.name.lower(), number, CATCH_UP_SECONDS)
        roots = {node: _roots(arena.actor(node, part), number) for node in honest}
        for left, right in pairwise(honest):
            shared = roots[left].keys() & roots[right].keys()
            for known in sorted(shared):
                if roots[left][known] != roots[right][known]:
                    raise InvariantBroken(
                        f"nodes {left} and {right} have different state roots after "
                        f"{role.name} block {known}"
                    )
            if number not in shared and number > 0:
                raise InvariantBroken(f"{role.name} block {number} has no result at a node")


def _check_convictions(arena: Arena) -> None:
    expected = sorted(arena.setup.convicted)
    for node in range(arena.count):
        status = arena.wait_until(partial(arena.status, node), f"an answer of node {node}")
        found = sorted(status["convicted"])
        if found != expected:
            raise InvariantBroken(f"node {node} convicts {found}, expected {expected}")


def _ledger(arena: Arena, node: int, height: int) -> list[dict[str, Any] | None]:
    """Final blocks from height 1 on; None before the one that the node began with."""
    validator = arena.actor(node, "validator")
    try:
        oldest: int = ray.get(validator.status.remote(), timeout=ANSWER_SECONDS)["oldest_height"]
        answers = [validator.ledger_block.remote(number) for number in range(1, height + 1)]
        blocks: list[dict[str, Any] | None] = ray.get(answers, timeout=ANSWER_SECONDS)
    except RayActorError as error:
        raise InvariantBroken(f"node {node}'s validator died although nothing was done") from error
    missing = [number for number, block in enumerate(blocks, start=1) if block is None]
    if missing != list(range(1, oldest)):
        raise InvariantBroken(
            f"node {node} lacks {len(missing)} of {height} final blocks, its first is {oldest}"
        )
    return blocks


def _roots(executor: ActorHandle, last: int) -> dict[int, bytes]:
    answers = [
        executor.final_results.remote(first, _RESULTS_PER_CALL)
        for first in range(1, last + 1, _RESULTS_PER_CALL)
    ]
    results = ray.get(answers, timeout=ANSWER_SECONDS)
    return {
        int(result.executed.number): bytes(result.executed.state_root)
        for part in results
        for result in part
    }


def _note_blocks(arena: Arena, ledger: list[dict[str, Any]]) -> None:
    began = arena.timeline.began_unix_seconds
    for height, block in enumerate(ledger, start=1):
        header = block["header"]
        seconds = int(header["timestamp_ms"]) / 1000 - began
        arena.timeline.blocks.append(Block(seconds, height, str(header["chain"])))
