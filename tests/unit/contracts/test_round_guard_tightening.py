"""Tightening: what rounds may bring shrinks at once, and what is a player's own does not."""

import pytest
from contract_world import ALICE, BOB, MALLORY, MAX_EXPOSURE_WEI, World
from evm_harness import ETHER, Contract, Outcome
from test_round_guard import (
    DEADLINE,
    PLAYERS,
    UNIT_WEI,
    granted_trophies,
    message_of_game,
    open_round,
    payout,
    registered_trophy,
    report,
)

from bridge.work import SetCapHalvings
from contracts.addresses import ROUND_GUARD_ADDRESS
from contracts.system_calls import BOOKKEEPING_GAS_LIMIT, system_transaction
from execution.types import SYSTEM_ADDRESS


@pytest.fixture
def trophy(world: World) -> Contract:
    """Return a trophy contract of Alice's, registered as a game."""
    return registered_trophy(world)


def set_halvings(world: World, halvings: int) -> Outcome:
    """Tighten or relax as the ledger does."""
    call = system_transaction(0, SetCapHalvings(halvings))
    outcome = world.zk.execute(call.to, call.data, sender=SYSTEM_ADDRESS, gas=call.gas_limit)
    assert outcome.is_success, outcome.reason
    assert outcome.gas_used < BOOKKEEPING_GAS_LIMIT // 2
    return outcome


def counted_exposure_wei(world: World) -> int:
    """Return what all open rounds may bring, added up round by round."""
    total = 0
    for round_id in range(1, world.guard.view("round_count") + 1):
        found = world.guard.view("rounds", round_id)
        total += found[5] * found[4] + found[6]
    return total


# WHO


@pytest.mark.parametrize("caller", [ALICE, MALLORY, ROUND_GUARD_ADDRESS])
def test_nobody_but_the_protocol_tightens_or_relaxes(world: World, caller: bytes) -> None:
    outcome = world.guard.transact("set_cap_halvings", 1, sender=caller)
    assert outcome.reason == "round guard: caller is not the system"
    assert world.guard.view("cap_halvings") == 0


# OPEN ROUNDS


def test_tightening_halves_the_loss_bound_at_once(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=50, value_wei=ETHER)
    open_round(world, trophy, mints=10)
    outcome = set_halvings(world, 1)
    assert world.guard.view("remaining_exposure_wei") == (60 * UNIT_WEI + ETHER) // 2
    assert outcome.events("CapsTightened", "RoundGuard") == [
        {"cap_halvings": 1, "remaining_exposure_wei": (60 * UNIT_WEI + ETHER) // 2}
    ]
    assert [world.guard.view("remaining", round_id) for round_id in (1, 2)] == [25, 5]


def test_a_forged_report_gets_half_of_what_was_left(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=20)
    report(world, PLAYERS[:4])
    set_halvings(world, 1)
    outcome = report(world, PLAYERS[10:30])
    assert outcome.events("RoundTightened", "RoundGuard") == [
        {"round_id": 1, "remaining_mints": 8, "remaining_value_wei": 0}
    ]
    assert outcome.events("OverCap", "RoundGuard") == [{"round_id": 1, "asked": 20, "granted": 8}]
    again = report(world, PLAYERS[30:40])
    assert again.event_count("RoundTightened", "RoundGuard") == 0
    assert granted_trophies(world, trophy, PLAYERS) == 12
    assert world.guard.view("remaining_exposure_wei") == 0


def test_a_forged_payout_gets_half_and_the_owner_the_other_half(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy, mints=0, value_wei=ETHER)
    set_halvings(world, 1)
    payout(world, [MALLORY], [2**256 - 1])
    assert world.guard.view("credit_wei", MALLORY) == ETHER // 2
    assert world.guard.view("credit_wei", ALICE) == ETHER // 2
    assert world.guard.view("remaining_exposure_wei") == 0
    assert world.zk.balance_wei(ROUND_GUARD_ADDRESS) == ETHER


def test_relaxing_gives_nothing_back_to_a_round_that_was_open(
    world: World, trophy: Contract
) -> None:
    """Or a chain that lies would only have to wait."""
    open_round(world, trophy, mints=20, value_wei=ETHER)
    set_halvings(world, 2)
    outcome = set_halvings(world, 0)
    assert outcome.events("CapsRelaxed", "RoundGuard") == [{"cap_halvings": 0}]
    assert world.guard.view("remaining", 1) == 5
    assert world.guard.view("remaining_exposure_wei") == (20 * UNIT_WEI + ETHER) // 4
    set_halvings(world, 1)
    assert world.guard.view("remaining", 1) == 2


def test_a_round_that_missed_several_steps_takes_them_all_at_once(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy, mints=64)
    for halvings in (1, 2, 1, 2, 3):
        set_halvings(world, halvings)
    outcome = report(world, PLAYERS)
    assert outcome.events("OverCap", "RoundGuard")[0]["granted"] == 64 >> 4


def test_half_a_trophy_is_none(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=1)
    set_halvings(world, 1)
    assert world.guard.view("remaining", 1) == 0
    report(world, [BOB])
    assert granted_trophies(world, trophy, [BOB]) == 0
    assert world.guard.view("remaining_exposure_wei") == 0


def test_the_bound_is_never_below_what_the_rounds_may_bring(world: World, trophy: Contract) -> None:
    """Odd caps do not divide; what is rounded off stays in the bound until a round settles."""
    for mints, value_wei in ((3, 1), (5, ETHER + 1), (7, 3), (1, 0)):
        assert open_round(world, trophy, mints=mints, value_wei=value_wei).is_success
    for halvings in (1, 2, 1, 3):
        set_halvings(world, halvings)
        above_wei = world.guard.view("remaining_exposure_wei") - counted_exposure_wei(world)
        assert 0 <= above_wei < 4 * (UNIT_WEI + 1)
    world.at(DEADLINE + 1)
    for round_id in range(1, 5):
        assert world.guard.transact("close_round", round_id, sender=MALLORY).is_success
    assert 0 <= world.guard.view("remaining_exposure_wei") < 4


def test_after_any_tightening_the_deposit_goes_back_to_the_last_wei(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy, mints=7, value_wei=ETHER + 1)
    bond_wei = 7 * UNIT_WEI // 100
    set_halvings(world, 3)
    payout(world, [BOB], [3])
    set_halvings(world, 4)
    world.at(DEADLINE + 1)
    assert world.guard.transact("close_round", 1, sender=ALICE).is_success
    assert world.guard.view("credit_wei", BOB) == 3
    assert world.guard.view("credit_wei", ALICE) == ETHER + 1 - 3 + bond_wei
    for owed in (ALICE, BOB):
        assert world.guard.transact("withdraw", owed, sender=owed).is_success
    assert world.zk.balance_wei(ROUND_GUARD_ADDRESS) == 0


def test_a_closed_round_takes_no_halving(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=4)
    assert world.guard.transact("close_round", 1, sender=ALICE).is_success
    set_halvings(world, 1)
    report(world, [BOB])
    assert world.guard.view("remaining_exposure_wei") == 0
    assert world.guard.view("remaining", 1) == 0


# NEW ROUNDS


def test_a_round_that_opens_in_a_tight_time_gets_tight_caps(world: World, trophy: Contract) -> None:
    set_halvings(world, 2)
    deposit_wei = world.guard.view("required_deposit_wei", 50, UNIT_WEI, ETHER)
    assert deposit_wei == ETHER // 4 + 12 * UNIT_WEI // 100
    opened = open_round(world, trophy, mints=50, value_wei=ETHER, deposit_wei=deposit_wei)
    (event,) = opened.events("RoundOpened", "RoundGuard")
    assert (event["max_mints"], event["max_value_wei"]) == (12, ETHER // 4)
    assert world.guard.view("remaining_exposure_wei") == 12 * UNIT_WEI + ETHER // 4
    report(world, PLAYERS[:13])
    assert granted_trophies(world, trophy, PLAYERS) == 12


def test_an_owner_who_has_not_noticed_opens_nothing(world: World, trophy: Contract) -> None:
    set_halvings(world, 1)
    assert open_round(world, trophy, value_wei=ETHER).reason == "round guard: wrong deposit"


def test_the_limit_of_the_sum_tightens_too(world: World, trophy: Contract) -> None:
    set_halvings(world, 1)
    half_wei = MAX_EXPOSURE_WEI // 2
    full = open_round(world, trophy, mints=2, unit_wei=half_wei, deposit_wei=half_wei // 100)
    assert full.is_success
    more = open_round(world, trophy, mints=2, unit_wei=1, deposit_wei=0)
    assert more.reason == "round guard: total exposure above its limit"


def test_after_relaxing_new_rounds_have_their_full_caps(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=20)
    set_halvings(world, 1)
    set_halvings(world, 0)
    open_round(world, trophy, mints=20)
    assert [world.guard.view("remaining", round_id) for round_id in (1, 2)] == [10, 20]
    assert world.guard.view("remaining_exposure_wei") == 30 * UNIT_WEI


# PLAYERS


def test_stakes_are_paid_back_in_full_however_tight_the_caps_are(
    world: World, trophy: Contract
) -> None:
    open_round(world, trophy, mints=2)
    assert world.guard.transact("enter", 1, sender=BOB, value_wei=ETHER).is_success
    before_wei = world.zk.balance_wei(BOB)
    set_halvings(world, 6)
    world.at(DEADLINE + 1)
    assert world.guard.transact("leave", 1, sender=BOB).is_success
    assert world.zk.balance_wei(BOB) == before_wei + ETHER


def test_what_was_won_before_stays_won(world: World, trophy: Contract) -> None:
    open_round(world, trophy, mints=64, value_wei=ETHER)
    report(world, PLAYERS[:20])
    payout(world, [BOB], [ETHER // 4])
    set_halvings(world, 6)
    assert granted_trophies(world, trophy, PLAYERS) == 20
    pending = [p for p in PLAYERS if world.guard.view("pending_trophies", 1, p)]
    assert pending
    assert world.guard.transact("claim_trophy", 1, pending[0], sender=MALLORY).is_success
    assert world.guard.view("credit_wei", BOB) == ETHER // 4


def test_the_fast_chain_cannot_relax_by_a_message(world: World) -> None:
    set_halvings(world, 3)
    outcome = message_of_game(world, "set_cap_halvings(uint256)", 0, sender=SYSTEM_ADDRESS)
    assert outcome.event_count("MessageParked", "Portal") == 1
    assert world.guard.view("cap_halvings") == 3
