"""The example game: pass, arena, report, trophies and market, over both chains."""

import random

import pytest
from contract_world import ALICE, BOB, MALLORY, World
from eth_hash.auto import keccak
from evm_harness import (
    ETHER,
    START_SECONDS,
    Contract,
    Outcome,
    account_address,
    reverting_code,
    sent_messages,
)

from bridge.work import RecordZkRoot
from contracts import artifact
from contracts.system_calls import system_transaction
from execution.types import SYSTEM_ADDRESS, Address

PRICE_WEI = ETHER // 100
OPERATOR = ALICE
ARENA_DEADLINE = START_SECONDS + 250
ROUND_DEADLINE = START_SECONDS + 3600
PLAYERS = [account_address(f"player {i}") for i in range(20)]
OWNERS_SLOT = artifact("AccessPass").storage_layout["erc721._owners"]
MAX_MOVE_GAS = 60_000


class Game:
    """A deployed game with twenty players who each own and proved the pass of their index."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.zk.fund(*PLAYERS)
        self.access_pass = world.zk.deploy("AccessPass", PRICE_WEI, 1000, sender=OPERATOR)
        for player in PLAYERS:
            bought = self.access_pass.transact("mint", sender=player, value_wei=PRICE_WEI)
            assert bought.is_success
        sent = self.access_pass.transact("announce_owner_slot", sender=BOB)
        world.carry(sent, world.zk)
        self.trophy = world.zk.deploy("Trophy", sender=OPERATOR)
        self.arena = world.fast.deploy("Arena", self.access_pass.address, sender=OPERATOR)
        world.guard.transact("register_game", self.trophy.address, sender=OPERATOR)

    def record_root(self) -> int:
        """Tell the fast chain the ZK chain's state root; return the block number it has there."""
        number = self.world.oracle.view("latest_zk_block_number") + 1
        call = system_transaction(0, RecordZkRoot(number, self.world.zk.state_root))
        outcome = self.world.fast.execute(
            call.to, call.data, sender=SYSTEM_ADDRESS, gas=call.gas_limit
        )
        assert outcome.is_success
        return number

    def prove(self, token_id: int, owner: Address) -> Outcome:
        """Prove to the fast chain who owns a pass now."""
        number = self.record_root()
        entry = keccak(OWNERS_SLOT.to_bytes(32) + token_id.to_bytes(32))
        zk, token = self.world.zk, self.access_pass.address
        return self.world.oracle.transact(
            "prove_ownership",
            number,
            token,
            token_id,
            owner,
            zk.account_proof(token),
            zk.storage_proof(token, int.from_bytes(entry)),
            sender=owner,
        )

    def open_round(self, max_mints: int, max_winners: int = 10) -> int:
        """Open a round on both chains and return its id."""
        opened = self.world.guard.transact(
            "open_round",
            self.arena.address,
            self.trophy.address,
            max_mints,
            ETHER,
            0,
            ROUND_DEADLINE,
            sender=OPERATOR,
            value_wei=max_mints * ETHER // 100,
        )
        round_id = int.from_bytes(opened.output)
        started = self.arena.transact(
            "start_round", round_id, ARENA_DEADLINE, max_winners, sender=OPERATOR
        )
        assert opened.is_success
        assert started.is_success
        return round_id

    def join(self, round_id: int, index: int, key: Address | None = None) -> Outcome:
        """Let a player prove their pass and join."""
        assert self.prove(index, PLAYERS[index]).is_success
        return self.arena.transact(
            "join", round_id, index, key or Address(bytes(20)), sender=PLAYERS[index]
        )


@pytest.fixture
def game(world: World) -> Game:
    """Return a deployed game."""
    return Game(world)


# THE WHOLE STORY


def test_twenty_players_play_two_hundred_moves_and_the_best_get_trophies(game: Game) -> None:
    round_id = game.open_round(max_mints=50, max_winners=10)
    generator = random.Random(20)
    for index in range(20):
        assert game.join(round_id, index).is_success
    most_gas = 0
    for _ in range(10):
        for player in PLAYERS:
            moved = game.arena.transact("move", round_id, generator.randrange(4), sender=player)
            assert moved.is_success
            most_gas = max(most_gas, moved.gas_used)
    assert most_gas <= MAX_MOVE_GAS

    scores = [game.arena.view("score", round_id, player) for player in PLAYERS]
    ranking = sorted(range(20), key=lambda index: (-scores[index], index))
    finished = game.arena.transact("finish", round_id, sender=OPERATOR)
    (reported,) = game.world.carry(finished, game.world.fast)
    assert reported.events("Reported", "RoundGuard") == [
        {"round_id": round_id, "asked": 10, "granted": 10}
    ]
    for rank, index in enumerate(ranking):
        winner = PLAYERS[index]
        pending = game.world.guard.view("pending_trophies", round_id, winner)
        for _ in range(pending):
            game.world.guard.transact("claim_trophy", round_id, winner, sender=BOB)
        assert game.trophy.view("balanceOf", winner) == (1 if rank < 10 else 0)
    assert game.world.guard.view("remaining", round_id) == 40


# ACCESS PASS


def test_a_pass_costs_its_price(game: Game) -> None:
    for value_wei in (0, PRICE_WEI - 1, PRICE_WEI + 1):
        outcome = game.access_pass.transact("mint", sender=BOB, value_wei=value_wei)
        assert outcome.reason == "access pass: wrong price"


def test_only_the_owner_mints_for_free_and_takes_the_proceeds(game: Game) -> None:
    assert game.access_pass.transact("mint_to", BOB, sender=OPERATOR).is_success
    assert not game.access_pass.transact("mint_to", MALLORY, sender=MALLORY).is_success
    assert not game.access_pass.transact("withdraw", MALLORY, sender=MALLORY).is_success
    before = game.world.zk.balance_wei(BOB)
    assert game.access_pass.transact("withdraw", BOB, sender=OPERATOR).is_success
    assert game.world.zk.balance_wei(BOB) == before + 20 * PRICE_WEI


def test_passes_sell_out(world: World) -> None:
    scarce = world.zk.deploy("AccessPass", 0, 1, sender=OPERATOR)
    assert scarce.transact("mint", sender=BOB).is_success
    assert scarce.transact("mint", sender=BOB).reason == "access pass: sold out"


# TROPHY


def test_nobody_but_the_round_guard_mints_a_trophy(game: Game) -> None:
    for sender in (OPERATOR, MALLORY):
        outcome = game.trophy.transact("mint", sender, sender=sender)
        assert outcome.reason == "trophy: caller is not the round guard"


# ARENA


def test_only_the_proved_owner_of_a_pass_joins(game: Game) -> None:
    round_id = game.open_round(50)
    unproved = game.arena.transact("join", round_id, 3, bytes(20), sender=PLAYERS[3])
    assert unproved.reason == "arena: no fresh proof that the caller owns the pass"
    assert game.join(round_id, 3).is_success
    stolen = game.arena.transact("join", round_id, 3, bytes(20), sender=MALLORY)
    assert stolen.reason == "arena: no fresh proof that the caller owns the pass"


def test_a_pass_admits_one_player_per_round(game: Game) -> None:
    round_id = game.open_round(50)
    assert game.join(round_id, 0).is_success
    game.access_pass.transact("transferFrom", PLAYERS[0], PLAYERS[1], 0, sender=PLAYERS[0])
    assert game.prove(0, PLAYERS[1]).is_success
    again = game.arena.transact("join", round_id, 0, bytes(20), sender=PLAYERS[1])
    assert again.reason == "arena: the pass was used"


def test_a_player_joins_once(game: Game) -> None:
    round_id = game.open_round(50)
    game.access_pass.transact("transferFrom", PLAYERS[1], PLAYERS[0], 1, sender=PLAYERS[1])
    for token_id in (0, 1):
        assert game.prove(token_id, PLAYERS[0]).is_success
    assert game.arena.transact("join", round_id, 0, bytes(20), sender=PLAYERS[0]).is_success
    twice = game.arena.transact("join", round_id, 1, bytes(20), sender=PLAYERS[0])
    assert twice.reason == "arena: already joined"


def test_a_stale_proof_does_not_admit(game: Game) -> None:
    started = game.arena.transact("start_round", 9, START_SECONDS + 900, 1, sender=OPERATOR)
    assert started.is_success
    for index in (0, 1):
        game.prove(index, PLAYERS[index])
    game.world.at(START_SECONDS + 300)
    assert game.arena.transact("join", 9, 0, bytes(20), sender=PLAYERS[0]).is_success
    game.world.at(START_SECONDS + 301)
    late = game.arena.transact("join", 9, 1, bytes(20), sender=PLAYERS[1])
    assert late.reason == "arena: no fresh proof that the caller owns the pass"


def test_a_session_key_moves_for_its_player(game: Game) -> None:
    round_id = game.open_round(50)
    key = account_address("session key")
    game.join(round_id, 0, key)
    assert game.arena.transact("move", round_id, 1, sender=key).is_success
    assert game.arena.transact("move", round_id, 1, sender=PLAYERS[0]).is_success
    assert game.arena.view("move_count", round_id, PLAYERS[0]) == 2


def test_a_session_key_serves_one_player_only(game: Game) -> None:
    round_id = game.open_round(50)
    key = account_address("session key")
    game.join(round_id, 0, key)
    assert game.join(round_id, 1, key).reason == "arena: the session key is taken"


def test_naming_a_player_as_session_key_does_not_steal_their_moves(game: Game) -> None:
    round_id = game.open_round(50)
    game.join(round_id, 1, key=PLAYERS[0])
    game.join(round_id, 0)
    assert game.arena.transact("move", round_id, 1, sender=PLAYERS[0]).is_success
    assert game.arena.view("move_count", round_id, PLAYERS[0]) == 1
    assert game.arena.view("move_count", round_id, PLAYERS[1]) == 0


def test_who_has_not_joined_does_not_move(game: Game) -> None:
    round_id = game.open_round(50)
    moved = game.arena.transact("move", round_id, 0, sender=MALLORY)
    assert moved.reason == "arena: not a player"


def test_an_unknown_direction_is_refused(game: Game) -> None:
    round_id = game.open_round(50)
    game.join(round_id, 0)
    moved = game.arena.transact("move", round_id, 4, sender=PLAYERS[0])
    assert moved.reason == "arena: unknown direction"


def test_no_move_counts_after_the_deadline_or_the_finish(game: Game) -> None:
    round_id = game.open_round(50)
    game.join(round_id, 0)
    game.world.at(ARENA_DEADLINE + 1)
    late = game.arena.transact("move", round_id, 0, sender=PLAYERS[0])
    assert late.reason == "arena: the round is not running"
    game.world.at(ARENA_DEADLINE)
    assert game.arena.transact("move", round_id, 0, sender=PLAYERS[0]).is_success
    game.arena.transact("finish", round_id, sender=OPERATOR)
    after = game.arena.transact("move", round_id, 0, sender=PLAYERS[0])
    assert after.reason == "arena: the round is not running"


def walk(game: Game, round_id: int, moves: list[int]) -> list[tuple[int, int]]:
    """Move player 0 and return the field and score after each move."""
    path = []
    for direction in moves:
        moved = game.arena.transact("move", round_id, direction, sender=PLAYERS[0])
        (event,) = moved.events("Moved", "Arena")
        path.append((event["field"], event["score"]))
    return path


def test_moves_wrap_around_the_board(game: Game) -> None:
    round_id = game.open_round(50)
    game.join(round_id, 0)
    fields = [field for field, _ in walk(game, round_id, [0, 3, 2, 1])]
    assert fields == [15 * 16, 15 * 16 + 15, 15, 0]


def test_points_follow_from_seed_field_and_move(game: Game) -> None:
    round_id = game.open_round(50)
    game.join(round_id, 0)
    seed = game.arena.view("rounds", round_id)[3]
    expected_score = 0
    path = walk(game, round_id, [1, 1, 2, 0, 3])
    for number, (field, score) in enumerate(path, start=1):
        word = seed + field.to_bytes(32) + number.to_bytes(32)
        expected_score += int.from_bytes(keccak(word)) % 8
        assert score == expected_score


def test_only_the_operator_starts_rounds_and_finishes_early(game: Game) -> None:
    stolen = game.arena.transact("start_round", 5, ARENA_DEADLINE, 1, sender=MALLORY)
    assert stolen.reason == "arena: caller is not the operator"
    round_id = game.open_round(50)
    early = game.arena.transact("finish", round_id, sender=MALLORY)
    assert early.reason == "arena: only the operator finishes before the deadline"
    game.world.at(ARENA_DEADLINE + 1)
    assert game.arena.transact("finish", round_id, sender=MALLORY).is_success


def test_a_round_starts_and_finishes_once(game: Game) -> None:
    round_id = game.open_round(50)
    twice = game.arena.transact("start_round", round_id, ARENA_DEADLINE, 1, sender=OPERATOR)
    assert twice.reason == "arena: the round has started before"
    assert game.arena.transact("finish", round_id, sender=OPERATOR).is_success
    again = game.arena.transact("finish", round_id, sender=OPERATOR)
    assert again.reason == "arena: the round is finished"


def test_a_round_without_points_reports_nobody(game: Game) -> None:
    round_id = game.open_round(50)
    game.join(round_id, 0)
    finished = game.arena.transact("finish", round_id, sender=OPERATOR)
    assert finished.is_success
    assert sent_messages(finished, game.world.fast) == []


def test_there_is_no_way_to_name_winners() -> None:
    writes = {
        entry["name"]
        for entry in artifact("Arena").abi
        if entry["type"] == "function" and entry["stateMutability"] in ("nonpayable", "payable")
    }
    assert writes == {"start_round", "join", "replace_session_key", "move", "finish"}


# MARKET


@pytest.fixture
def market(game: Game) -> Contract:
    """Return a market on which player 0 offers pass 0 for one ETH."""
    market = game.world.zk.deploy("Market", sender=OPERATOR)
    game.access_pass.transact("approve", market.address, 0, sender=PLAYERS[0])
    listed = market.transact("list_token", game.access_pass.address, 0, ETHER, sender=PLAYERS[0])
    assert listed.is_success
    return market


def buy(market: Contract, token: Contract, value_wei: int = ETHER) -> Outcome:
    """Let Bob buy token 0."""
    return market.transact("buy", token.address, 0, sender=BOB, value_wei=value_wei)


def test_a_listed_token_is_bought_and_its_seller_paid(game: Game, market: Contract) -> None:
    assert buy(market, game.access_pass).is_success
    assert game.access_pass.view("ownerOf", 0) == "0x" + BOB.hex()
    before = game.world.zk.balance_wei(PLAYERS[0])
    assert market.transact("withdraw", PLAYERS[0], sender=PLAYERS[0]).is_success
    assert game.world.zk.balance_wei(PLAYERS[0]) == before + ETHER
    again = market.transact("withdraw", PLAYERS[0], sender=PLAYERS[0])
    assert again.reason == "market: nothing to withdraw"


def test_a_token_is_not_bought_twice_or_unlisted(game: Game, market: Contract) -> None:
    assert buy(market, game.access_pass).is_success
    assert buy(market, game.access_pass).reason == "market: not listed"


@pytest.mark.parametrize("value_wei", [0, ETHER - 1, ETHER + 1])
def test_a_wrong_price_is_refused(game: Game, market: Contract, value_wei: int) -> None:
    assert buy(market, game.access_pass, value_wei).reason == "market: wrong price"


def test_a_token_that_was_moved_cannot_be_bought(game: Game, market: Contract) -> None:
    game.access_pass.transact("transferFrom", PLAYERS[0], MALLORY, 0, sender=PLAYERS[0])
    before = game.world.zk.balance_wei(BOB)
    outcome = buy(market, game.access_pass)
    assert outcome.reason == "market: the seller no longer owns the token"
    assert game.world.zk.balance_wei(BOB) == before
    cleared = market.transact("cancel", game.access_pass.address, 0, sender=BOB)
    assert cleared.is_success


def test_a_token_whose_approval_is_gone_cannot_be_bought(game: Game, market: Contract) -> None:
    game.access_pass.transact("approve", Address(bytes(20)), 0, sender=PLAYERS[0])
    assert buy(market, game.access_pass).reason == "market: the token is not approved"


def test_only_the_owner_lists_and_only_with_approval(game: Game, market: Contract) -> None:
    token = game.access_pass.address
    stolen = market.transact("list_token", token, 1, ETHER, sender=MALLORY)
    assert stolen.reason == "market: caller does not own the token"
    unapproved = market.transact("list_token", token, 1, ETHER, sender=PLAYERS[1])
    assert unapproved.reason == "market: the token is not approved"
    free = market.transact("list_token", token, 0, 0, sender=PLAYERS[0])
    assert free.reason == "market: no price"
    game.access_pass.transact("setApprovalForAll", market.address, True, sender=PLAYERS[1])
    assert market.transact("list_token", token, 1, ETHER, sender=PLAYERS[1]).is_success


def test_only_the_seller_cancels_while_owning_the_token(game: Game, market: Contract) -> None:
    token = game.access_pass.address
    stolen = market.transact("cancel", token, 0, sender=MALLORY)
    assert stolen.reason == "market: caller is not the seller"
    assert market.transact("cancel", token, 0, sender=PLAYERS[0]).is_success
    assert buy(market, game.access_pass).reason == "market: not listed"


def test_a_seller_that_refuses_ether_spoils_no_purchase(game: Game, market: Contract) -> None:
    game.world.zk.put_code(PLAYERS[0], reverting_code())
    assert buy(market, game.access_pass).is_success


def test_a_token_that_does_not_move_takes_no_ether(game: Game, market: Contract) -> None:
    """The hostile token approves the market and names Mallory as owner, before and after."""
    code = b"".join(
        [
            # if the selector is not getApproved's: RETURN(Mallory)
            bytes.fromhex("5f3560e01c63081812fc14602957"),
            bytes.fromhex("73") + MALLORY + bytes.fromhex("5f5260205ff3"),
            # else: RETURN(market)
            bytes.fromhex("5b73") + market.address + bytes.fromhex("5f5260205ff3"),
        ]
    )
    token = game.world.zk.put_code(account_address("hostile token"), code)
    assert market.transact("list_token", token, 0, ETHER, sender=MALLORY).is_success
    before = game.world.zk.balance_wei(BOB)
    outcome = market.transact("buy", token, 0, sender=BOB, value_wei=ETHER)
    assert outcome.reason == "market: the token did not move"
    assert game.world.zk.balance_wei(BOB) == before
    assert market.view("proceeds_wei", MALLORY) == 0
