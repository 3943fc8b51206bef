"""The fast chain as scenarios take it away and bring it back: lies, silence, quarantine, resume."""

from functools import partial
from typing import Any, Final

from actors.bridge.desk import BridgeDesk
from actors.execution_messages import BridgeAnswer, FinalBlock
from actors.executor.core import ChainExecutor
from cluster.chaos.arena import Arena
from cluster.chaos.compromise import Forgery, compromise, restore
from cluster.chaos.errors import NotPossibleHere
from cluster.chaos.observer import WAIT_SECONDS
from cluster.chaos.processes import run_inside
from ledger.types import ChainRole

LEAD_BLOCKS: Final = 60
"""Fast blocks from the decision to lie to the first lie: every node has to lie from the same on."""


class MuteDesk(BridgeDesk):
    """A bridge that attests nothing of the fast chain, and does all else."""

    def attest(self, blocks: Any) -> BridgeAnswer:
        """Sign the ZK chain's blocks only."""
        kept: list[FinalBlock] = [
            block for block in blocks if block.executed.role is not ChainRole.FAST
        ]
        return super().attest(kept)


# WHAT THE NODES SAY


def certified_number(arena: Arena, node: int = 0) -> int:
    """The last certified fast block on a node's final ledger; -1 if the node is away."""
    status = arena.status(node)
    return -1 if status is None else int(status["chains"]["fast"]["certified_number"])


def is_quarantined(arena: Arena, node: int = 0) -> bool:
    """Whether a node says that the fast chain is cut off."""
    status = arena.status(node)
    return status is not None and bool(status["quarantine"]["is_active"])


def certified_checkpoint(arena: Arena) -> dict[str, Any]:
    """The newest certified checkpoint of the fast chain, once there is one."""
    arena.wait_until(lambda: certified_number(arena) > 0, "a checkpoint of the fast chain")
    found = arena.ask(0, "validator", "checkpoint", ChainRole.FAST, None)
    point: dict[str, Any] = found["certificate"]["checkpoint"]
    return point


def wait_for_quarantine(arena: Arena, seconds: float = WAIT_SECONDS) -> str:
    """Wait until every node has the fast chain cut off; gives the reason."""
    for node in range(arena.count):
        arena.wait_until(
            partial(is_quarantined, arena, node), f"a quarantine at node {node}", seconds
        )
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    reason = str(status["quarantine"]["reason"])
    arena.note(f"quarantine: {reason}")
    return reason


# WHAT IS DONE TO THEM


def next_lie(arena: Arena) -> int:
    """A fast block that no node has executed yet, nor will before all are turned."""
    return max(arena.executed(node, "fast") for node in range(arena.count)) + LEAD_BLOCKS


def turn(arena: Arena, node: int, forgery: Forgery) -> None:
    """Have a node's fast execution lie."""
    run_inside(arena.actor(node, "executor-fast"), _compromise, forgery)


def turn_all(arena: Arena, forgery: Forgery) -> float:
    """Have every node's fast execution tell one lie; gives the moment of the first.

    Raises
    ------
    NotPossibleHere
        A node was past the first lie before all had been turned.
    """
    for node in range(arena.count):
        turn(arena, node, forgery)
    first = forgery.first_number
    if any(arena.executed(node, "fast") >= first for node in range(arena.count)):
        raise NotPossibleHere("the nodes were too slow to turn together")
    arena.fault(f"the fast chain of every node lies from block {first} on")
    return arena.wait_for_execution(0, "fast", first)


def restore_all(arena: Arena) -> None:
    """Give every node its honest execution back."""
    for node in range(arena.count):
        run_inside(arena.actor(node, "executor-fast"), _restore)
    arena.heal("the executors are honest again")


def mute(arena: Arena, node: int) -> None:
    """Have a node attest nothing of the fast chain any more."""
    run_inside(arena.actor(node, "bridge"), _mute)


def unmute(arena: Arena, node: int) -> None:
    """Have it attest again."""
    run_inside(arena.actor(node, "bridge"), _unmute)


def resume_from(arena: Arena, point: dict[str, Any], past: int, seconds: float = 90.0) -> None:
    """Resume from a checkpoint by a quorum's votes, and wait for an honest one of later blocks."""
    root = bytes.fromhex(point["state_root"].removeprefix("0x"))
    for node in range(arena.count - 1):
        arena.ask(node, "validator", "vote_resume", point["number"], root)
    arena.wait_until(lambda: not is_quarantined(arena), "a resume")
    arena.wait_until(
        lambda: certified_number(arena) > past, f"a checkpoint past block {past}", seconds
    )
    arena.heal(f"the fast chain is replayed, and certified past block {past}")


def _compromise(actor: Any, forgery: Forgery) -> None:
    executor: ChainExecutor = actor._executor
    compromise(executor, forgery)


def _restore(actor: Any) -> None:
    executor: ChainExecutor = actor._executor
    restore(executor)


def _mute(actor: Any) -> None:
    actor._desk.__class__ = MuteDesk


def _unmute(actor: Any) -> None:
    actor._desk.__class__ = BridgeDesk
