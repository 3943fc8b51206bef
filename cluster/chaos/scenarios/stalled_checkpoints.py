"""The fast chain's checkpoints stop: too few attest it, whatever they execute."""

from dataclasses import replace
from typing import Any, Final

from bridge.triggers import QuarantineReason
from cluster.chain_client import ChainClient
from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.fast_chain import (
    certified_checkpoint,
    certified_number,
    mute,
    resume_from,
    unmute,
    wait_for_quarantine,
)
from cluster.chaos.processes import run_inside
from cluster.chaos.scenario import Finding, Scenario
from cluster.chaos.staked_rounds import leave, open_rounds
from ledger.types import ChainRole

LIMIT_BLOCKS: Final = 64
"""In place of the product's 2,048, which take minutes on an idle network."""
MOST_BLOCKS_LATER: Final = 40
"""Fast blocks from the limit to the quarantine: votes wait for their nodes to lead."""
ROUND_SECONDS: Final = 30
QUARANTINE_HALVINGS: Final = 2


def run(arena: Arena) -> Finding:
    """Have f+1 nodes attest nothing of the fast chain until all cut it off; then come back."""
    zk = arena.client(0, ChainRole.ZK)
    rounds = open_rounds(zk, ROUND_SECONDS)
    (round_id,) = rounds.round_ids
    for node in range(arena.count):
        run_inside(arena.actor(node, "validator"), _set_limit, LIMIT_BLOCKS)
    exposed_wei = _exposed_wei(zk)
    certified_checkpoint(arena)

    # SILENCE
    silent = tuple(range((arena.count - 1) // 3 + 1))
    for node in silent:
        mute(arena, node)
    arena.fault(f"nodes {', '.join(map(str, silent))} attest the fast chain no more")
    reason = wait_for_quarantine(arena, seconds=180)
    if reason != QuarantineReason.STALLED_CHECKPOINT.value:
        raise InvariantBroken(f"the quarantine is for {reason!r}")
    ran_on = _blocks_without_checkpoint(arena)
    stalled_at = certified_number(arena)
    arena.note(f"quarantine at most {ran_on} fast blocks after the last certified one")
    if not LIMIT_BLOCKS <= ran_on <= LIMIT_BLOCKS + MOST_BLOCKS_LATER:
        raise InvariantBroken(f"a quarantine after {ran_on} fast blocks, the limit {LIMIT_BLOCKS}")

    # CAPS AND STAKES
    arena.wait_until(
        lambda: _halvings(zk) == QUARANTINE_HALVINGS, "caps that are a quarter of what they were"
    )
    left_wei = _exposed_wei(zk)
    if left_wei > exposed_wei >> QUARANTINE_HALVINGS:
        raise InvariantBroken(f"rounds may still bring {left_wei} wei of {exposed_wei}")
    leave(arena, zk, round_id, rounds.player)

    # THE WAY BACK
    for node in silent:
        unmute(arena, node)
    began = arena.heal("all nodes attest again")
    resume_from(arena, certified_checkpoint(arena), past=stalled_at + LIMIT_BLOCKS)
    return Finding(recovery_seconds=arena.now() - began)


def _set_limit(actor: Any, blocks: int) -> None:
    watch = actor._node.watch
    watch.limits = replace(watch.limits, blocks_without_checkpoint=blocks)


def _blocks_without_checkpoint(arena: Arena) -> int:
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    return int(status["quarantine"]["triggers"]["blocks_without_checkpoint"])


def _exposed_wei(zk: ChainClient) -> int:
    return int(zk.rpc("braid_getLossBound")["remaining_exposure_wei"])


def _halvings(zk: ChainClient) -> int:
    return int(zk.rpc("braid_getLossBound")["cap_halvings"])


SCENARIOS = (
    Scenario(
        "stalled-checkpoints",
        "a fast chain that is certified no more is cut off, tightens caps, and comes back",
        "f+1 nodes stop to attest the fast chain; the limit is 64 blocks in place of 2,048",
        run,
    ),
)
