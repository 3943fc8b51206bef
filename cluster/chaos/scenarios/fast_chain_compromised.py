"""The adversary holds the fast chain's execution: on one node, and on all of them."""

from functools import partial
from typing import Any, Final

from eth_abi.abi import encode
from web3 import Web3

from actors.executor.core import ChainExecutor
from cluster.chain_client import ChainClient, call_of
from cluster.chaos.arena import Arena
from cluster.chaos.compromise import ForgedMessage, Forgery, compromise, restore
from cluster.chaos.errors import InvariantBroken, NotPossibleHere
from cluster.chaos.processes import run_inside
from cluster.chaos.scenario import Finding, Scenario, Setup
from cluster.dev_genesis import dev_account
from contracts.addresses import ROUND_GUARD_ADDRESS
from ledger.hashing import keccak
from ledger.types import ChainRole, EvmAddress

LIAR: Final = 3
LEAD_BLOCKS: Final = 60
"""Fast blocks from the decision to lie to the first lie: every node has to lie from the same on."""
ROUND_CAP: Final = 3
UNIT_WEI: Final = 10**17
PAYOUT_CAP_WEI: Final = 10**18
STAKE_WEI: Final = 10**17
SHORT_SECONDS: Final = 20
LONG_SECONDS: Final = 3600
THIEF: Final = EvmAddress(keccak(b"thief")[12:])
GAME: Final = EvmAddress(keccak(b"game on the fast chain")[12:])


def liar(arena: Arena) -> Finding:
    """Have one node attest what nobody else executes, with value for the thief in its outbox."""
    first = max(arena.executed(node, "fast") for node in range(arena.count)) + LEAD_BLOCKS
    theft = ForgedMessage(THIEF, THIEF, value_wei=10**9)
    lies = dict.fromkeys(range(first, first + 200), (theft,))
    _turn(arena, LIAR, Forgery(first, lies, accent=b"alone"))
    arena.fault(f"node {LIAR}'s fast chain lies")
    began = arena.now()
    for node in range(arena.count - 1):
        arena.wait_until(
            partial(_has_seen_divergence, arena, node), f"a divergence named by node {node}"
        )
    arena.wait_until(lambda: _certified(arena) > first, "an honest checkpoint after the lie")
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    if status["quarantine"]["is_active"] or status["quarantine"]["votes"]:
        raise InvariantBroken("one liar of four has led to votes for a quarantine")
    stolen = _balance(arena.client(0, ChainRole.ZK), THIEF)
    arena.heal("the liar is named, the checkpoints are the honest ones")
    return Finding(recovery_seconds=arena.now() - began, loss_wei=stolen)


def everywhere(arena: Arena) -> Finding:
    """Have every node report, pay out and withdraw what nobody earned; then come back."""
    zk = arena.client(0, ChainRole.ZK)
    trophy, rounds = _open_rounds(zk)
    arena.wait_until(lambda: _certified(arena) > 0, "a checkpoint of the fast chain")
    good = arena.ask(0, "validator", "checkpoint", ChainRole.FAST, None)
    bound_wei = int(zk.rpc("braid_getLossBound")["loss_bound_wei"])

    # THE ATTACK
    first = max(arena.executed(node, "fast") for node in range(arena.count)) + LEAD_BLOCKS
    forgery = Forgery(first, {first: _forged_messages(rounds[LONG_SECONDS], bound_wei)})
    for node in range(arena.count):
        _turn(arena, node, forgery)
    if any(arena.executed(node, "fast") >= first for node in range(arena.count)):
        raise NotPossibleHere("the nodes were too slow to turn together")
    arena.fault(f"the fast chain of every node lies from block {first} on")
    began = arena.wait_for_execution(0, "fast", first)
    for node in range(arena.count):
        arena.wait_until(partial(_is_quarantined, arena, node), f"a quarantine at node {node}")
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    arena.note(f"quarantine: {status['quarantine']['reason']}")
    cut_off = arena.now() - began
    nfts = int(trophy.functions.balanceOf(_text(THIEF)).call())
    loss_wei = _loss(zk, nfts)
    arena.loss(loss_wei, bound_wei)

    # THE PLAYER, WITHOUT THE FAST CHAIN
    _leave(arena, zk, rounds[SHORT_SECONDS])

    # THE WAY BACK
    for node in range(arena.count):
        run_inside(arena.actor(node, "executor-fast"), _restore)
    arena.heal("the executors are honest again")
    point = good["certificate"]["checkpoint"]
    root = bytes.fromhex(point["state_root"].removeprefix("0x"))
    for node in range(arena.count - 1):
        arena.ask(node, "validator", "vote_resume", point["number"], root)
    arena.wait_until(lambda: not _is_quarantined(arena, 0), "a resume")
    arena.wait_until(
        lambda: _certified(arena) > first, "an honest checkpoint past the forged ones", 90
    )
    arena.heal("the fast chain is replayed, and certified past the forged blocks")
    return Finding(cut_off, loss_wei=loss_wei, bound_wei=bound_wei, nfts_lost_to_cap=nfts)


def _turn(arena: Arena, node: int, forgery: Forgery) -> None:
    run_inside(arena.actor(node, "executor-fast"), _compromise, forgery)


def _compromise(actor: Any, forgery: Forgery) -> None:
    executor: ChainExecutor = actor._executor
    compromise(executor, forgery)


def _restore(actor: Any) -> None:
    executor: ChainExecutor = actor._executor
    restore(executor)


def _open_rounds(zk: ChainClient) -> tuple[Any, dict[int, int]]:
    """Open a long round, and a short one that a player enters; gives trophy and ids by length."""
    owner, player = dev_account(0), dev_account(1)
    guard = zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
    trophy = zk.deploy(owner, "Trophy")
    zk.send(call_of(owner, guard.functions.register_game(trophy.address)))
    now = zk.web3.eth.get_block("latest")["timestamp"]
    deposit = guard.functions.required_deposit_wei(ROUND_CAP, UNIT_WEI, PAYOUT_CAP_WEI).call()
    rounds = {}
    for seconds in (SHORT_SECONDS, LONG_SECONDS):
        opening = guard.functions.open_round(
            _text(GAME), trophy.address, ROUND_CAP, UNIT_WEI, PAYOUT_CAP_WEI, now + seconds
        )
        receipt = zk.send(call_of(owner, opening, deposit))
        (opened,) = guard.events.RoundOpened().process_receipt(receipt)
        rounds[seconds] = int(opened["args"]["round_id"])
    zk.send(call_of(player, guard.functions.enter(rounds[SHORT_SECONDS]), STAKE_WEI))
    return trophy, rounds


def _forged_messages(round_id: int, bound_wei: int) -> tuple[ForgedMessage, ...]:
    """Everything that a round could give, many times over, and more than is locked."""
    guard = EvmAddress(ROUND_GUARD_ADDRESS)
    thief = _text(THIEF)

    def call(signature: str, *arguments: Any) -> bytes:
        types = signature[signature.index("(") + 1 : -1].split(",")
        return bytes(keccak(signature.encode())[:4] + encode(types, arguments))

    report = call("report(uint256,address[])", round_id, [thief] * 64)
    payout = call("payout(uint256,address[],uint256[])", round_id, [thief], [2**255])
    asked = [
        ForgedMessage(GAME, guard, gas_limit=2_000_000, data=data) for data in (report, payout)
    ]
    drain = ForgedMessage(THIEF, THIEF, value_wei=bound_wei)
    return (*asked * 5, drain)


def _leave(arena: Arena, zk: ChainClient, round_id: int) -> None:
    """A player takes the stake back in the quarantine, after the round's deadline."""
    guard = zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
    deadline = int(zk.rpc("braid_getRound", round_id)["deadline_seconds"])
    arena.wait_until(
        lambda: zk.web3.eth.get_block("latest")["timestamp"] > deadline, "the round's deadline"
    )
    receipt = zk.send(call_of(dev_account(1), guard.functions.leave(round_id)))
    (left,) = guard.events.Left().process_receipt(receipt)
    if left["args"]["stake_wei"] != STAKE_WEI or not _is_quarantined(arena, 0):
        raise InvariantBroken(f"a player got {left['args']['stake_wei']} of {STAKE_WEI} wei back")
    arena.note("a player has left with the whole stake")


def _loss(zk: ChainClient, nfts: int) -> int:
    """What the thief holds: value, credit, and trophies at what the bound counts them."""
    guard = zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
    credit = int(guard.functions.credit_wei(_text(THIEF)).call())
    return _balance(zk, THIEF) + credit + nfts * UNIT_WEI


def _balance(zk: ChainClient, address: EvmAddress) -> int:
    return int(zk.web3.eth.get_balance(_text(address)))


def _text(address: EvmAddress) -> Any:
    return Web3.to_checksum_address("0x" + address.hex())


def _certified(arena: Arena) -> int:
    status = arena.status(0)
    return -1 if status is None else int(status["chains"]["fast"]["certified_number"])


def _is_quarantined(arena: Arena, node: int) -> bool:
    status = arena.status(node)
    return status is not None and bool(status["quarantine"]["is_active"])


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
