"""Rounds: who opens them, what they may bring back, and that no lie brings more."""

import pytest
from contract_world import (
    ALICE,
    BOB,
    FAST_CHAIN_ID,
    L1_CHAIN_ID,
    MALLORY,
    MAX_EXPOSURE_WEI,
    World,
)
from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector
from evm_harness import (
    ETHER,
    START_SECONDS,
    Contract,
    Outcome,
    account_address,
    gas_burning_code,
    reverting_code,
)

from contracts.addresses import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.bindings import set_quarantine_call
from execution.types import SYSTEM_ADDRESS, Address
from ledger.crossing import Message

GAME = account_address("game on fast")
DEADLINE = START_SECONDS + 3600
UNIT_WEI = ETHER // 10
PLAYERS = [account_address(f"player {i}") for i in range(64)]


@pytest.fixture
def trophy(world: World) -> Contract:
    """Return a trophy contract of Alice's, registered as a game."""
    return registered_trophy(world)


def registered_trophy(world: World) -> Contract:
    """Deploy a trophy contract of Alice's and register it as a game."""
    trophy = world.zk.deploy("Trophy", sender=ALICE)
    assert world.guard.transact("register_game", trophy.address, sender=ALICE).is_success
    return trophy


def open_round(
    world: World,
    trophy: Contract,
    *,
    mints: int = 50,
    unit_wei: int = UNIT_WEI,
    value_wei: int = 0,
    deadline: int = DEADLINE,
    game: Address = GAME,
    sender: Address = ALICE,
    deposit_wei: int | None = None,
) -> Outcome:
    """Open a round; the deposit is the right one unless named."""
    if deposit_wei is None:
        deposit_wei = value_wei + mints * unit_wei // 100
    return world.guard.transact(
        "open_round",
        game,
        trophy.address,
        mints,
        unit_wei,
        value_wei,
        deadline,
        sender=sender,
        value_wei=deposit_wei,
    )


def message_of_game(
    world: World, signature: str, *arguments: object, sender: Address = GAME, gas: int = 2_000_000
) -> Outcome:
    """Deliver a message of the fast chain's to the round guard."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    data = function_signature_to_4byte_selector(signature) + encode(types, arguments)
    nonce = world.zk_portal.view("next_inbound_nonce")
    outcome = world.zk.deliver(
        Message(FAST_CHAIN_ID, nonce, sender, ROUND_GUARD_ADDRESS, 0, gas, data)
    )
    assert outcome.is_success
    return outcome


def report(
    world: World,
    receivers: list[Address],
    round_id: int = 1,
    sender: Address = GAME,
    gas: int = 2_000_000,
) -> Outcome:
    """Deliver a report."""
    return message_of_game(
        world, "report(uint256,address[])", round_id, receivers, sender=sender, gas=gas
    )


def payout(world: World, receivers: list[Address], values_wei: list[int]) -> Outcome:
    """Deliver a payout of round 1."""
    return message_of_game(world, "payout(uint256,address[],uint256[])", 1, receivers, values_wei)


def granted_trophies(world: World, trophy: Contract, receivers: list[Address]) -> int:
    """Return how many trophies these receivers own or are granted in round 1."""
    return sum(
        trophy.view("balanceOf", receiver) + world.guard.view("pending_trophies", 1, receiver)
        for receiver in receivers
    )


# REGISTERING AND OPENING


def test_the_owner_of_a_trophy_registers_its_game(world: World, trophy: Contract) -> None:
    assert world.guard.view("game_owner", trophy.address) == "0x" + ALICE.hex()


def test_nobody_registers_a_game_with_another_ones_trophy(world: World, trophy: Contract) -> None:
    stolen = world.guard.transact("register_game", trophy.address, sender=MALLORY)
    assert stolen.reason == "round guard: caller does not own the trophy"
    opened = open_round(world, trophy, sender=MALLORY)
    assert opened.reason == "round guard: caller does not own the game"


def test_a_trophy_with_another_minter_is_not_registered(world: World) -> None:
    # Answers every call with Mallory's address: owner and minter both.
    fake = world.zk.put_code(
        account_address("fake trophy"),
        bytes.fromhex("73") + MALLORY + bytes.fromhex("5f5260205ff3"),
    )
    outcome = world.guard.transact("register_game", fake, sender=MALLORY)
    assert outcome.reason == "round guard: the trophy has another minter"


def test_an_account_without_code_is_not_registered(world: World) -> None:
    assert not world.guard.transact("register_game", BOB, sender=MALLORY).is_success


def test_an_open_round_counts_into_the_loss_bound(world: World, trophy: Contract) -> None:
    assert open_round(world, trophy, mints=50, value_wei=ETHER).is_success
    assert world.guard.view("remaining", 1) == 50
    assert world.guard.view("remaining_exposure_wei") == 50 * UNIT_WEI + ETHER


def test_the_sum_of_open_rounds_has_a_limit(world: World, trophy: Contract) -> None:
    assert open_round(world, trophy, mints=1, unit_wei=MAX_EXPOSURE_WEI - 1).is_success
    too_much = open_round(world, trophy, mints=2, unit_wei=1)
    assert too_much.reason == "round guard: total exposure above its limit"
    assert open_round(world, trophy, mints=1, unit_wei=1).is_success


def test_an_exposure_that_overflows_is_refused(world: World, trophy: Contract) -> None:
    assert not open_round(world, trophy, mints=2**200, unit_wei=2**200, deposit_wei=0).is_success
    assert world.guard.view("remaining_exposure_wei") == 0


def test_a_round_without_its_deposit_is_refused(world: World, trophy: Contract) -> None:
    for deposit_wei in (0, ETHER + 50 * UNIT_WEI // 100 - 1, ETHER + 50 * UNIT_WEI // 100 + 1):
        opened = open_round(world, trophy, value_wei=ETHER, deposit_wei=deposit_wei)
        assert opened.reason == "round guard: wrong deposit"


def test_the_deposit_is_announced(world: World) -> None:
    deposit_wei = world.guard.view("required_deposit_wei", 50, UNIT_WEI, ETHER)
    assert deposit_wei == ETHER + 50 * UNIT_WEI // 100


def test_trophies_without_a_value_are_refused(world: World, trophy: Contract) -> None:
    opened = open_round(world, trophy, unit_wei=0)
    assert opened.reason == "round guard: a trophy must have a value"


@pytest.mark.parametrize("deadline", [0, START_SECONDS, START_SECONDS + 30 * 86400 + 1])
def test_a_deadline_in_the_past_or_too_far_is_refused(
    world: World, trophy: Contract, deadline: int
) -> None:
    opened = open_round(world, trophy, deadline=deadline)
    assert opened.reason == "round guard: deadline passed or too far away"


# REPORTS


def test_a_report_within_the_cap_mints_to_every_winner(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    outcome = report(world, PLAYERS[:3])
    assert outcome.event_count("OverCap", "RoundGuard") == 0
    assert [trophy.view("balanceOf", player) for player in PLAYERS[:4]] == [1, 1, 1, 0]
    assert world.guard.view("remaining", 1) == 47
    assert world.guard.view("remaining_exposure_wei") == 47 * UNIT_WEI


def test_a_report_past_the_cap_mints_what_fits(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=5)
    outcome = report(world, PLAYERS[:8])
    assert outcome.events("OverCap", "RoundGuard") == [{"round_id": 1, "asked": 8, "granted": 5}]
    assert granted_trophies(world, trophy, PLAYERS) == 5
    assert granted_trophies(world, trophy, PLAYERS[:5]) == 5
    assert world.guard.view("remaining_exposure_wei") == 0


def test_a_forged_report_for_fifty_more_gets_none(world: World, trophy: Contract) -> None:
    """A dishonest game contract on the fast chain spends the cap, then asks again."""
    forger = world.fast.deploy("ForgedArena", sender=ALICE)
    open_round(world, trophy, mints=50, game=forger.address)
    for _ in range(2):
        sent = forger.transact("send_report", 1, PLAYERS[:50], sender=MALLORY)
        (outcome,) = world.carry(sent, world.fast)
    assert outcome.events("OverCap", "RoundGuard") == [{"round_id": 1, "asked": 50, "granted": 0}]
    assert granted_trophies(world, trophy, PLAYERS) == 50


def test_the_largest_report_fits_into_the_largest_message(world: World, trophy: Contract) -> None:
    """What the gas does not suffice to mint at once is granted as pending, and minted later."""
    open_round(world, trophy, mints=64)
    outcome = report(world, PLAYERS)
    assert outcome.event_count("MessageDelivered", "Portal") == 1
    assert granted_trophies(world, trophy, PLAYERS) == 64
    minted = trophy.view("totalSupply")
    assert 0 < minted < 64

    last = PLAYERS[-1]
    assert world.guard.transact("claim_trophy", 1, last, sender=BOB).is_success
    assert trophy.view("balanceOf", last) == 1
    again = world.guard.transact("claim_trophy", 1, last, sender=BOB)
    assert again.reason == "round guard: no trophy is pending"


@pytest.mark.parametrize("gas", [60_000, 150_000, 300_000, 700_000, 2_000_000])
def test_with_any_gas_a_report_grants_all_or_is_parked(
    world: World, trophy: Contract, gas: int
) -> None:
    open_round(world, trophy)
    outcome = report(world, PLAYERS[:20], gas=gas)
    is_parked = outcome.event_count("MessageParked", "Portal") == 1
    granted = granted_trophies(world, trophy, PLAYERS)
    assert granted == (0 if is_parked else 20)
    assert world.guard.view("remaining", 1) == 50 - granted


def test_only_the_game_of_the_round_reports(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    outcome = report(world, [MALLORY], sender=MALLORY)
    (event,) = outcome.events("MessageParked", "Portal")
    assert b"not the game of this round" in event["reason"]
    assert world.guard.view("remaining", 1) == 50


def test_the_games_address_on_l1_reports_nothing(settled: World) -> None:
    """One address can be different people's on L1 and on the fast chain."""
    open_round(settled, registered_trophy(settled))
    data = settled.guard.encode_call("report", 1, [MALLORY])
    from_l1 = Message(L1_CHAIN_ID, 0, GAME, ROUND_GUARD_ADDRESS, 0, 2_000_000, data)
    (event,) = settled.zk.deliver(from_l1).events("L1MessageParked", "Portal")
    assert b"not from the fast chain" in event["reason"]
    assert settled.guard.view("remaining", 1) == 50
    assert report(settled, [BOB]).event_count("MessageDelivered", "Portal") == 1


def test_nobody_reports_without_the_portal(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    outcome = world.guard.transact("report", 1, [MALLORY], sender=GAME)
    assert outcome.reason == "round guard: caller is not the portal"


def test_a_report_for_a_round_that_is_not_open_yet_is_parked(world: World) -> None:
    outcome = report(world, [MALLORY], round_id=7)
    assert outcome.event_count("MessageParked", "Portal") == 1


def test_a_report_after_the_deadline_grants_nothing(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    world.at(DEADLINE)
    assert report(world, [BOB]).event_count("OverCap", "RoundGuard") == 0
    world.at(DEADLINE + 1)
    late = report(world, [BOB])
    assert late.events("OverCap", "RoundGuard") == [{"round_id": 1, "asked": 1, "granted": 0}]
    assert trophy.view("balanceOf", BOB) == 1


@pytest.mark.parametrize("code", [reverting_code(), gas_burning_code()])
def test_a_hostile_trophy_spoils_its_own_round_only(
    world: World, trophy: Contract, code: bytes
) -> None:
    open_round(world, trophy)
    world.zk.put_code(trophy.address, code)
    outcome = report(world, PLAYERS[:10])
    assert outcome.event_count("MessageDelivered", "Portal") == 1
    assert sum(world.guard.view("pending_trophies", 1, player) for player in PLAYERS[:10]) == 10


def test_a_trophy_for_the_zero_address_spends_the_cap_and_loses_no_other(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy)
    report(world, [Address(bytes(20)), BOB])
    assert trophy.view("balanceOf", BOB) == 1
    assert world.guard.view("remaining", 1) == 48


# PAYOUTS


def test_a_payout_within_the_cap_can_be_withdrawn(world: World, trophy: Contract) -> None:
    open_round(world, trophy, value_wei=ETHER)
    payout(world, [BOB, MALLORY], [ETHER // 4, ETHER // 4])
    assert world.guard.view("remaining_exposure_wei") == 50 * UNIT_WEI + ETHER // 2
    before = world.zk.balance_wei(BOB)
    assert world.guard.transact("withdraw", BOB, sender=BOB).is_success
    assert world.zk.balance_wei(BOB) == before + ETHER // 4
    again = world.guard.transact("withdraw", BOB, sender=BOB)
    assert again.reason == "round guard: nothing to withdraw"


def test_a_payout_past_the_cap_pays_what_is_left(world: World, trophy: Contract) -> None:
    open_round(world, trophy, value_wei=ETHER)
    outcome = payout(world, [BOB, MALLORY, ALICE], [ETHER // 2, ETHER, 5])
    (event,) = outcome.events("OverValueCap", "RoundGuard")
    assert event == {"round_id": 1, "asked_wei": 3 * ETHER // 2 + 5, "granted_wei": ETHER}
    assert world.guard.view("credit_wei", MALLORY) == ETHER // 2
    assert world.guard.view("credit_wei", ALICE) == 0


def test_a_forged_payout_that_overflows_takes_no_more(world: World, trophy: Contract) -> None:
    open_round(world, trophy, value_wei=ETHER)
    for _ in range(3):
        outcome = payout(world, [MALLORY, MALLORY], [2**256 - 1, 2**256 - 1])
        assert outcome.event_count("OverValueCap", "RoundGuard") == 1
    assert world.guard.view("credit_wei", MALLORY) == ETHER


def test_a_payout_with_a_value_too_few_is_parked(world: World, trophy: Contract) -> None:
    open_round(world, trophy, value_wei=ETHER)
    outcome = payout(world, [BOB, MALLORY], [1])
    assert outcome.event_count("MessageParked", "Portal") == 1


def test_the_largest_payout_fits_into_the_largest_message(world: World, trophy: Contract) -> None:
    open_round(world, trophy, value_wei=ETHER)
    outcome = payout(world, PLAYERS, [ETHER // 64] * 64)
    assert outcome.event_count("MessageDelivered", "Portal") == 1


# CLOSING


def test_anyone_closes_after_the_deadline_and_the_owner_gets_the_rest(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy, value_wei=ETHER)
    payout(world, [BOB], [ETHER // 4])
    world.at(DEADLINE + 1)
    assert world.guard.transact("close_round", 1, sender=MALLORY).is_success
    assert world.guard.view("remaining_exposure_wei") == 0
    assert world.guard.view("credit_wei", ALICE) == 3 * ETHER // 4 + 50 * UNIT_WEI // 100
    twice = world.guard.transact("close_round", 1, sender=MALLORY)
    assert twice.reason == "round guard: the round is not open"


def test_only_the_owner_closes_before_the_deadline(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    stolen = world.guard.transact("close_round", 1, sender=MALLORY)
    assert stolen.reason == "round guard: only the owner closes before the deadline"
    assert world.guard.transact("close_round", 1, sender=ALICE).is_success


def test_the_owner_does_not_take_the_prizes_back_before_the_deadline(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy, value_wei=ETHER)
    closed = world.guard.transact("close_round", 1, sender=ALICE)
    assert closed.reason == "round guard: players wait for the deadline"


def test_a_closed_round_grants_nothing(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    world.guard.transact("close_round", 1, sender=ALICE)
    outcome = report(world, [MALLORY])
    assert outcome.events("OverCap", "RoundGuard")[0]["granted"] == 0
    assert trophy.view("balanceOf", MALLORY) == 0


# SESSIONS


def test_a_player_leaves_with_the_stake_even_in_a_quarantine(
    world: World, trophy: Contract
) -> None:

    open_round(world, trophy)
    before = world.zk.balance_wei(BOB)
    assert world.guard.transact("enter", 1, sender=BOB, value_wei=ETHER).is_success
    world.zk.execute(PORTAL_ADDRESS, set_quarantine_call(True, 0), sender=SYSTEM_ADDRESS)
    world.at(DEADLINE + 1)
    assert world.guard.transact("leave", 1, sender=BOB).is_success
    assert world.zk.balance_wei(BOB) == before


def test_a_stake_is_paid_back_once_and_not_before_the_deadline(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy)
    world.guard.transact("enter", 1, sender=BOB, value_wei=ETHER)
    early = world.guard.transact("leave", 1, sender=BOB)
    assert early.reason == "round guard: the deadline has not passed"
    world.at(DEADLINE + 1)
    assert world.guard.transact("leave", 1, sender=BOB).is_success
    twice = world.guard.transact("leave", 1, sender=BOB)
    assert twice.reason == "round guard: not entered"


def test_the_owner_cannot_close_over_a_player_who_entered(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    world.guard.transact("enter", 1, sender=BOB, value_wei=ETHER)
    closed = world.guard.transact("close_round", 1, sender=ALICE)
    assert closed.reason == "round guard: players wait for the deadline"


def test_a_player_enters_once_and_in_time(world: World, trophy: Contract) -> None:
    open_round(world, trophy)
    world.guard.transact("enter", 1, sender=BOB)
    assert world.guard.transact("enter", 1, sender=BOB).reason == "round guard: already entered"
    world.at(DEADLINE + 1)
    late = world.guard.transact("enter", 1, sender=MALLORY)
    assert late.reason == "round guard: the round is not running"


def test_the_guard_always_holds_what_it_owes(world: World, trophy: Contract) -> None:
    open_round(world, trophy, value_wei=ETHER)
    world.guard.transact("enter", 1, sender=BOB, value_wei=ETHER)
    payout(world, [MALLORY], [10 * ETHER])
    world.at(DEADLINE + 1)
    world.guard.transact("close_round", 1, sender=BOB)
    for address in (ALICE, MALLORY):
        assert world.guard.transact("withdraw", address, sender=address).is_success
    assert world.guard.transact("leave", 1, sender=BOB).is_success
    assert world.zk.balance_wei(ROUND_GUARD_ADDRESS) == 0
