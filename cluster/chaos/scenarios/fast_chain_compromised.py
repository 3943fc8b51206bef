"""The adversary holds the fast chain's execution: on one node, and on all of them."""

from functools import partial
from typing import Final

from cluster.chaos.arena import Arena
from cluster.chaos.compromise import ForgedMessage, Forgery
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.fast_chain import (
    certified_checkpoint,
    certified_number,
    next_lie,
    restore_all,
    resume_from,
    turn,
    turn_all,
    wait_for_quarantine,
)
from cluster.chaos.scenario import Finding, Scenario, Setup
from cluster.chaos.staked_rounds import (
    GAME,
    THIEF,
    UNIT_WEI,
    address_text,
    balance_wei,
    credit_wei,
    guard_message,
    leave,
    open_rounds,
)
from ledger.types import ChainRole

LIAR: Final = 3
SHORT_SECONDS: Final = 20
LONG_SECONDS: Final = 3600


def liar(arena: Arena) -> Finding:
    """Have one node attest what nobody else executes, with value for the thief in its outbox."""
    first = next_lie(arena)
    theft = ForgedMessage(THIEF, THIEF, value_wei=10**9)
    lies = dict.fromkeys(range(first, first + 200), (theft,))
    turn(arena, LIAR, Forgery(first, lies, accent=b"alone"))
    arena.fault(f"node {LIAR}'s fast chain lies")
    began = arena.now()
    for node in range(arena.count - 1):
        arena.wait_until(
            partial(_has_seen_divergence, arena, node), f"a divergence named by node {node}"
        )
    arena.wait_until(lambda: certified_number(arena) > first, "an honest checkpoint after the lie")
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    if status["quarantine"]["is_active"] or status["quarantine"]["votes"]:
        raise InvariantBroken("one liar of four has led to votes for a quarantine")
    stolen = balance_wei(arena.client(0, ChainRole.ZK), THIEF)
    arena.heal("the liar is named, the checkpoints are the honest ones")
    return Finding(recovery_seconds=arena.now() - began, loss_wei=stolen)


def everywhere(arena: Arena) -> Finding:
    """Have every node report, pay out and withdraw what nobody earned; then come back."""
    zk = arena.client(0, ChainRole.ZK)
    rounds = open_rounds(zk, SHORT_SECONDS, LONG_SECONDS)
    short, long = rounds.round_ids
    good = certified_checkpoint(arena)
    bound_wei = int(zk.rpc("braid_getLossBound")["loss_bound_wei"])

    # THE ATTACK
    first = next_lie(arena)
    began = turn_all(arena, Forgery(first, {first: _forged_messages(long, bound_wei)}))
    wait_for_quarantine(arena)
    cut_off = arena.now() - began
    nfts = int(rounds.trophy.functions.balanceOf(address_text(THIEF)).call())
    # What the thief holds: value, credit, and trophies at what the bound counts them.
    loss_wei = balance_wei(zk, THIEF) + credit_wei(zk, THIEF) + nfts * UNIT_WEI
    arena.loss(loss_wei, int(zk.rpc("braid_getLossBound")["loss_bound_wei"]))

    # THE PLAYER, WITHOUT THE FAST CHAIN, AND THE WAY BACK
    leave(arena, zk, short, rounds.player)
    restore_all(arena)
    resume_from(arena, good, past=first)
    return Finding(cut_off, loss_wei=loss_wei, bound_wei=bound_wei, nfts_lost_to_cap=nfts)


def _forged_messages(round_id: int, bound_wei: int) -> tuple[ForgedMessage, ...]:
    """Everything that a round could give, many times over, and more than is locked."""
    thief = address_text(THIEF)
    payout = "payout(uint256,address[],uint256[])"
    asked = [
        guard_message(GAME, "report(uint256,address[])", round_id, [thief] * 64),
        guard_message(GAME, payout, round_id, [thief], [2**255]),
    ]
    drain = ForgedMessage(THIEF, THIEF, value_wei=bound_wei)
    return (*asked * 5, drain)


def _has_seen_divergence(arena: Arena, node: int) -> bool:
    status = arena.status(node)
    return status is not None and status["quarantine"]["triggers"]["divergences"] > 0


SCENARIOS = (
    Scenario(
        "fast-chain-liar",
        "a lying execution on f nodes changes nothing, and is named",
        "the fast chain's execution of one node of four lies",
        liar,
        setup=Setup(liars=(LIAR,)),
    ),
    Scenario(
        "fast-chain-compromised",
        "a fast chain that lies on every node takes at most the bound, and comes back honest",
        "the fast chain's execution of all nodes tells one lie",
        everywhere,
    ),
)
