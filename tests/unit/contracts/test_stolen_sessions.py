"""A stolen session key, and a fast chain that speaks in a player's name: what a thief gets."""

import pytest
from contract_world import FAST_CHAIN_ID, MALLORY, World
from evm_harness import ETHER, Outcome, account_address
from test_example_game import ARENA_DEADLINE, PLAYERS, ROUND_DEADLINE, Game

from contracts.addresses import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from execution.types import Address
from ledger.crossing import Message

VICTIM = PLAYERS[0]
STOLEN = account_address("stolen session key")
FRESH = account_address("fresh session key")
NO_KEY = Address(bytes(20))


@pytest.fixture
def game(world: World) -> Game:
    """Return a game with a running round, in which the victim plays with a session key."""
    game = Game(world)
    round_id = game.open_round(max_mints=5, max_winners=1)
    assert game.join(round_id, 0, STOLEN).is_success
    return game


def replace_key(game: Game, old: Address, new: Address, sender: Address = VICTIM) -> Outcome:
    """Replace a session key of the running round."""
    return game.arena.transact("replace_session_key", 1, old, new, sender=sender)


def move(game: Game, sender: Address) -> Outcome:
    """Make a move of the running round."""
    return game.arena.transact("move", 1, 1, sender=sender)


def say(game: Game, sender: Address, target: Address, data: bytes) -> Outcome:
    """Deliver to the ZK chain what a fast chain that lies says in anybody's name."""
    zk, nonce = game.world.zk, game.world.zk_portal.view("next_inbound_nonce")
    return zk.deliver(Message(FAST_CHAIN_ID, nonce, sender, target, 0, 1_000_000, data))


# THE KEY ALONE


def test_a_thief_with_the_key_wins_for_the_player(game: Game) -> None:
    while game.arena.view("score", 1, VICTIM) == 0:
        assert move(game, STOLEN).is_success
    game.world.at(ARENA_DEADLINE + 1)
    finished = game.arena.transact("finish", 1, sender=MALLORY)
    game.world.carry(finished, game.world.fast)
    assert game.trophy.view("balanceOf", VICTIM) == 1
    assert game.trophy.view("balanceOf", STOLEN) == 0


def test_a_thief_with_the_key_does_nothing_but_move(game: Game) -> None:
    refused = {
        "arena: not a player": replace_key(game, STOLEN, FRESH, sender=STOLEN),
        "arena: no fresh proof that the caller owns the pass": game.arena.transact(
            "join", 1, 0, FRESH, sender=STOLEN
        ),
        "arena: only the operator finishes before the deadline": game.arena.transact(
            "finish", 1, sender=STOLEN
        ),
        "round guard: not entered": game.world.guard.transact("leave", 1, sender=STOLEN),
    }
    assert {outcome.reason for outcome in refused.values()} == set(refused)


def test_the_player_takes_the_stolen_key_its_right(game: Game) -> None:
    assert move(game, STOLEN).is_success
    replaced = replace_key(game, STOLEN, FRESH)
    (event,) = replaced.events("SessionKeyReplaced", "Arena")
    assert event == {
        "round_id": 1,
        "player": "0x" + VICTIM.hex(),
        "old_key": "0x" + STOLEN.hex(),
        "new_key": "0x" + FRESH.hex(),
    }
    assert move(game, STOLEN).reason == "arena: not a player"
    assert move(game, FRESH).is_success
    assert game.arena.view("move_count", 1, VICTIM) == 2


def test_a_key_may_be_taken_away_with_no_other_in_its_place(game: Game) -> None:
    assert replace_key(game, STOLEN, NO_KEY).is_success
    assert move(game, STOLEN).reason == "arena: not a player"
    assert move(game, VICTIM).is_success
    assert replace_key(game, NO_KEY, FRESH).is_success
    assert move(game, FRESH).is_success


def test_nobody_replaces_the_key_of_another_player(game: Game) -> None:
    assert game.join(1, 1).is_success
    outcome = replace_key(game, STOLEN, FRESH, sender=PLAYERS[1])
    assert outcome.reason == "arena: not a session key of the caller"
    taken = replace_key(game, NO_KEY, STOLEN, sender=PLAYERS[1])
    assert taken.reason == "arena: the session key is taken"
    assert move(game, STOLEN).is_success


# THE WHOLE FAST CHAIN


def test_messages_in_a_players_name_move_nothing_of_the_player_on_the_zk_chain(
    game: Game,
) -> None:
    """A contract here sees the Portal as the caller; only the Portal's word names the player."""
    world = game.world
    assert world.guard.transact("enter", 1, sender=VICTIM, value_wei=ETHER).is_success
    report = world.guard.encode_call("report", 1, [VICTIM])
    won = say(game, game.arena.address, ROUND_GUARD_ADDRESS, report)
    assert won.event_count("MessageDelivered", "Portal") == 1
    before_wei = world.zk.balance_wei(VICTIM)
    world.at(ROUND_DEADLINE + 1)
    orders = [
        (ROUND_GUARD_ADDRESS, world.guard.encode_call("leave", 1)),
        (ROUND_GUARD_ADDRESS, world.guard.encode_call("withdraw", MALLORY)),
        (game.access_pass.address, transfer(game, "access_pass")),
        (game.trophy.address, transfer(game, "trophy")),
        (game.trophy.address, game.trophy.encode_call("approve", MALLORY, 0)),
    ]
    for target, data in orders:
        assert say(game, VICTIM, target, data).event_count("MessageParked", "Portal") == 1

    assert game.access_pass.view("ownerOf", 0) == "0x" + VICTIM.hex()
    assert game.trophy.view("ownerOf", 0) == "0x" + VICTIM.hex()
    assert world.zk.balance_wei(VICTIM) == before_wei
    assert world.guard.transact("leave", 1, sender=VICTIM).is_success
    assert world.zk.balance_wei(VICTIM) == before_wei + ETHER


def transfer(game: Game, token: str) -> bytes:
    """Return the call that would give the thief the victim's token."""
    return getattr(game, token).encode_call("transferFrom", VICTIM, MALLORY, 0)


def test_an_approval_of_the_portal_would_be_the_players_mistake(game: Game) -> None:
    """What the Portal is approved for is everybody's: the Portal's own page warns of it."""
    assert game.access_pass.transact("approve", PORTAL_ADDRESS, 0, sender=VICTIM).is_success
    forged = say(game, MALLORY, game.access_pass.address, transfer(game, "access_pass"))
    assert forged.event_count("MessageDelivered", "Portal") == 1
    assert game.access_pass.view("ownerOf", 0) == "0x" + MALLORY.hex()
