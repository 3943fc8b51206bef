"""Session keys are stolen, then the whole fast chain: it plays and reports in players' names."""

from dataclasses import dataclass
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3.exceptions import ContractLogicError

from cluster.chain_client import call_of
from cluster.chaos.arena import Arena
from cluster.chaos.compromise import ForgedMessage, Forgery
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.fast_chain import (
    certified_checkpoint,
    next_lie,
    restore_all,
    resume_from,
    turn_all,
    wait_for_quarantine,
)
from cluster.chaos.scenario import Finding, Scenario
from cluster.chaos.staked_rounds import (
    STAKE_WEI,
    THIEF,
    address_text,
    balance_wei,
    call_data,
    credit_wei,
    guard_message,
    leave,
)
from cluster.demo.game import ROUND_CAP, TROPHY_VALUE_WEI, Game
from cluster.dev_genesis import dev_account
from ledger.types import ChainRole, EvmAddress

PLAYERS: Final = 3
ROUND_SECONDS: Final = 60
STOLEN_MOVES: Final = 5
MOST_FEES_WEI: Final = 10**16
"""More than it costs a player to leave."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a player has on the ZK chain."""

    wei: int
    has_pass: bool
    trophies: int


def run(arena: Arena) -> Finding:
    """Steal a key, lose it again, then lie on all nodes in the players' and the game's names."""
    zk, fast = arena.client(0, ChainRole.ZK), arena.client(0, ChainRole.FAST)
    players = [dev_account(1 + index) for index in range(PLAYERS)]
    keys = [dev_account(1 + PLAYERS + index) for index in range(PLAYERS)]
    game = Game(zk, fast, players=players, round_seconds=ROUND_SECONDS)
    passes = _begin(game, keys)
    good = certified_checkpoint(arena)
    bound_wei = ROUND_CAP * TROPHY_VALUE_WEI

    # A STOLEN KEY
    victim, stolen, fresh = players[0], keys[0], dev_account(1 + 2 * PLAYERS)
    moving = game.arena.functions.move(game.round_id, 1)
    arena.fault("a thief has a player's session key, and plays with it")
    fast.send_all(call_of(stolen, moving) for _ in range(STOLEN_MOVES))
    replacing = game.arena.functions.replace_session_key(
        game.round_id, stolen.address, fresh.address
    )
    fast.send(call_of(victim, replacing))
    _require_refused(moving, stolen)
    fast.send(call_of(fresh, moving))
    arena.heal("the player has replaced the key: the thief moves no more")

    # A STOLEN FAST CHAIN
    before = {token_id: _belongings(game, token_id, owner) for token_id, owner in passes}
    first = next_lie(arena)
    began = turn_all(arena, Forgery(first, {first: _forged_messages(game, passes)}))
    wait_for_quarantine(arena)
    cut_off = arena.now() - began
    nfts = int(game.trophy.functions.balanceOf(address_text(THIEF)).call())
    loss_wei = balance_wei(zk, THIEF) + credit_wei(zk, THIEF) + nfts * TROPHY_VALUE_WEI
    arena.loss(loss_wei, int(zk.rpc("braid_getLossBound")["loss_bound_wei"]))
    arena.note(f"the thief has {nfts} trophies of the round's {ROUND_CAP}")

    # WHAT IS THE PLAYERS' OWN
    for token_id, owner in passes:
        found = _belongings(game, token_id, owner)
        if found != before[token_id]:
            raise InvariantBroken(f"a player has {found}, expected {before[token_id]}")
    leave(arena, zk, game.round_id, *players)
    for token_id, owner in passes:
        gained_wei = _belongings(game, token_id, owner).wei - before[token_id].wei
        if not STAKE_WEI - MOST_FEES_WEI < gained_wei <= STAKE_WEI:
            raise InvariantBroken(f"a player got {gained_wei} wei of {STAKE_WEI} back")

    restore_all(arena)
    resume_from(arena, good, past=first)
    return Finding(cut_off, loss_wei=loss_wei, bound_wei=bound_wei, nfts_lost_to_cap=nfts)


def _begin(game: Game, keys: list[LocalAccount]) -> list[tuple[int, LocalAccount]]:
    """Have players with a pass enter with a stake and join with a session key; gives the passes."""
    game.deploy()
    minted_in_block = game.mint_passes()
    game.open_round()
    game.zk.send_all(
        call_of(player, game.guard.functions.enter(game.round_id), STAKE_WEI)
        for player in game.players
    )
    session_keys: dict[str, str] = {
        player.address: key.address for player, key in zip(game.players, keys, strict=True)
    }
    return game.passes(game.join(minted_in_block, session_keys))


def _forged_messages(
    game: Game, passes: list[tuple[int, LocalAccount]]
) -> tuple[ForgedMessage, ...]:
    """Reports of the game for the thief, and in each player's name whatever could be taken."""
    thief = address_text(THIEF)
    arena = _address(game.arena.address)
    report = guard_message(arena, "report(uint256,address[])", game.round_id, [thief] * 2)
    in_their_names = []
    for token_id, player in passes:
        sender = _address(player.address)
        in_their_names += [
            guard_message(sender, "leave(uint256)", game.round_id),
            guard_message(sender, "withdraw(address)", thief),
            ForgedMessage(
                sender,
                _address(game.access_pass.address),
                gas_limit=500_000,
                data=call_data(
                    "transferFrom(address,address,uint256)", player.address, thief, token_id
                ),
            ),
        ]
    return (*in_their_names, *[report] * 12)


def _belongings(game: Game, token_id: int, player: LocalAccount) -> Belongings:
    return Belongings(
        wei=balance_wei(game.zk, _address(player.address)),
        has_pass=game.access_pass.functions.ownerOf(token_id).call() == player.address,
        trophies=int(game.trophy.functions.balanceOf(player.address).call()),
    )


def _require_refused(moving: Any, key: LocalAccount) -> None:
    try:
        moving.call({"from": key.address})
    except ContractLogicError:
        return
    raise InvariantBroken("a session key that was replaced still moves")


def _address(text: str) -> EvmAddress:
    return EvmAddress(bytes.fromhex(text.removeprefix("0x")))


SCENARIOS = (
    Scenario(
        "stolen-sessions",
        "who plays and reports in the players' names gets the round's caps, and nothing of theirs",
        "a player's session key is stolen, then the fast chain's execution of all nodes",
        run,
    ),
)
