"""Nodes that were away: they catch up by blocks or begin from a snapshot, liars or not."""

import shutil
from functools import partial
from typing import Any, Final

from actors.messages import HistoryResponse
from actors.transport.interface import Channel
from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.processes import run_inside
from cluster.chaos.scenario import Finding, Scenario, Setup
from ledger.codec import decode, encode
from ledger.errors import CodecError

VICTIM: Final = 3
OTHERS: Final = (0, 1, 2)
LIAR: Final = 0
MISSED_BLOCKS: Final = 400
"""Seven ranges, of which a peer is asked for two at a time: so each of three has its share."""

SPACING_BLOCKS: Final = 64
THRESHOLD_BLOCKS: Final = 100
GROWTH_SECONDS: Final = 180.0
RETURN_SECONDS: Final = 120.0
ON_DISK: Final = ("ledger", "zk", "fast", "journal", "snapshots")


def catch_up(arena: Arena) -> Finding:
    """Have a node miss blocks, come back and fetch them."""
    began = _miss(arena, MISSED_BLOCKS)
    head = arena.head(*OTHERS)
    arrived = arena.wait_for_height(head, VICTIM, seconds=RETURN_SECONDS)
    voted = arena.wait_until_voting([VICTIM], above=head, seconds=RETURN_SECONDS)
    fetched = _catch_up_status(arena)["fetched_blocks"]
    arena.heal(f"node {VICTIM} votes again; {fetched} blocks in {arrived - began:.1f} s")
    if fetched < MISSED_BLOCKS // 2:  # The last ones may come with their certificates.
        raise InvariantBroken(f"{fetched} blocks were fetched, {MISSED_BLOCKS} had been missed")
    if _lies_held_against(arena):
        raise InvariantBroken(f"honest peers are named: {_lies_held_against(arena)}")
    return Finding(recovery_seconds=voted - began)


def empty_disk(arena: Arena) -> Finding:
    """Have a node lose all that it had on disk, its journal too; it begins from a snapshot."""
    arena.wait_for_height(2 * THRESHOLD_BLOCKS + SPACING_BLOCKS, seconds=GROWTH_SECONDS)
    head = arena.head()
    with arena.ray_lock:
        arena.power_off()
        directory = arena.node(VICTIM).config.directory
        for name in ON_DISK:
            shutil.rmtree(directory / name, ignore_errors=True)
        arena.fault(f"node {VICTIM}'s disk is empty, but for its keys")
        began = arena.now()
        arena.power_on()
    arena.wait_until(partial(_has_begun_anew, arena), "a beginning from a snapshot", RETURN_SECONDS)
    arena.note(f"node {VICTIM} begins from a snapshot")
    voted = arena.wait_until_voting([VICTIM], above=head, seconds=RETURN_SECONDS)
    arena.heal(f"node {VICTIM} votes again")
    return Finding(recovery_seconds=voted - began)


def lying_peer(arena: Arena) -> Finding:
    """Have one of three peers send forged blocks to a node that catches up."""
    run_inside(arena.actor(LIAR, "validator"), _lie_to, VICTIM)
    arena.fault(f"node {LIAR} forges the blocks that it serves")
    began = _miss(arena, MISSED_BLOCKS)
    head = arena.head(*OTHERS)
    arena.wait_for_height(head, VICTIM, seconds=RETURN_SECONDS)
    voted = arena.wait_until_voting([VICTIM], above=head, seconds=RETURN_SECONDS)
    named = _lies_held_against(arena)
    if set(named) != {LIAR}:
        raise InvariantBroken(f"node {LIAR} lied, named are {named}")
    arena.heal(f"node {VICTIM} votes again and names node {LIAR}: {', '.join(named[LIAR])}")
    return Finding(recovery_seconds=voted - began)


def _miss(arena: Arena, blocks: int) -> float:
    """Stop a validator for so many blocks, and start it again; gives the moment of the start."""
    arena.stop_validator(VICTIM)
    arena.wait_for_growth(blocks, *OTHERS, seconds=GROWTH_SECONDS)
    began = arena.note(f"node {VICTIM} is started again, {blocks} blocks later")
    arena.start_validator(VICTIM)
    return began


def _has_begun_anew(arena: Arena) -> bool:
    status = arena.status(VICTIM)
    return status is not None and int(status["oldest_height"]) > 1


def _catch_up_status(arena: Arena) -> dict[str, Any]:
    status = arena.wait_until(lambda: arena.status(VICTIM), f"an answer of node {VICTIM}")
    found: dict[str, Any] = status["catch_up"]
    return found


def _lies_held_against(arena: Arena) -> dict[int, list[str]]:
    """What the node holds against whom; silence is not counted, which a busy machine makes."""
    peers = _catch_up_status(arena)["misbehaviour"]["peers"]
    kinds = {
        int(peer): sorted(set(held["faults"]) - {"PeerSilent"}) for peer, held in peers.items()
    }
    return {peer: found for peer, found in kinds.items() if found}


def _lie_to(actor: Any, victim: int) -> None:
    """Turn a validator into one that forges a block in each of its answers to another."""
    transport = actor._node.transport
    send = transport.send

    def lying(peer: int, channel: Channel, payload: bytes) -> None:
        if channel is Channel.BACKFILL and peer == victim:
            payload = _forged(payload)
        send(peer, channel, payload)

    transport.send = lying


def _forged(payload: bytes) -> bytes:
    try:
        answer = decode(payload, HistoryResponse, limit_bytes=len(payload))
    except CodecError:
        return payload  # Something else than blocks.
    forged = bytearray(answer.blocks[-1])
    forged[-1] ^= 1
    return encode(
        HistoryResponse((*answer.blocks[:-1], bytes(forged)), answer.link, answer.finalization)
    )


SCENARIOS = (
    Scenario(
        "catch-up",
        "a validator that was away fetches what it missed, and votes again",
        f"one validator misses {MISSED_BLOCKS} blocks",
        catch_up,
    ),
    Scenario(
        "empty-disk",
        "a validator with an empty disk begins from a snapshot, has the others' states and votes",
        "a power cut, after which everything but the keys of one node is gone",
        empty_disk,
        setup=Setup(
            snapshot_spacing_blocks=SPACING_BLOCKS, snapshot_threshold_blocks=THRESHOLD_BLOCKS
        ),
    ),
    Scenario(
        "lying-peer",
        "a peer that serves forged blocks is named, and the others are enough",
        f"one validator misses {MISSED_BLOCKS} blocks, and one of its peers forges what it serves",
        lying_peer,
    ),
)
