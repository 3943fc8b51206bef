"""ETH across the Portal: locking, conservation, returns and claims, and the quarantine."""

import random

import pytest
from contract_world import ALICE, BOB, FAST_CHAIN_ID, FAST_GENESIS_WEI, MALLORY, World, new_world
from eth_abi.abi import encode
from evm_harness import ETHER, Chain, account_address, reverting_code, sent_messages

from contracts.addresses import PORTAL_ADDRESS
from contracts.bindings import (
    locked_wei_call,
    loss_bound_wei,
    remaining_exposure_call,
    retry_call,
    set_quarantine_call,
    skip_outbound_nonces_call,
)
from contracts.predeploys import FAST_LIQUIDITY_WEI
from execution.types import SYSTEM_ADDRESS, Address
from ledger.crossing import Message

GAS = 100_000
REFUSER = account_address("refuser")


def forged(
    nonce: int, value_wei: int, *, sender: Address = MALLORY, target: Address = MALLORY
) -> Message:
    """Return a message that a forged fast chain might certify."""
    return Message(FAST_CHAIN_ID, nonce, sender, target, value_wei, GAS, b"")


def forged_return(nonce: int, original_nonce: int, value_wei: int, to: Address) -> Message:
    """Return a return message that a forged fast chain might certify."""
    data = encode(["uint256"], [original_nonce])
    return Message(FAST_CHAIN_ID, nonce, PORTAL_ADDRESS, to, value_wei, 50_000, data)


def is_solvent(world: World) -> bool:
    """Return whether the ZK Portal holds what it owes."""
    owed = world.zk_portal.view("locked_wei") + world.zk_portal.view("claimable_total_wei")
    return bool(world.zk.balance_wei(PORTAL_ADDRESS) >= owed)


def value_on_fast_wei(world: World) -> int:
    """Return what circulates on the fast chain: what its Portal has paid out of its liquidity."""
    return FAST_GENESIS_WEI + FAST_LIQUIDITY_WEI - world.fast.balance_wei(PORTAL_ADDRESS)


def quarantine(world: World, is_active: bool) -> None:
    """Begin or end a quarantine as the protocol does."""
    call = set_quarantine_call(is_active, last_good_checkpoint=17)
    assert world.zk.execute(PORTAL_ADDRESS, call, sender=SYSTEM_ADDRESS).is_success


def test_value_sent_to_the_fast_chain_is_locked_and_arrives(world: World) -> None:
    sent = world.zk_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=3 * ETHER)
    world.carry(sent, world.zk)
    assert world.fast.balance_wei(BOB) == 3 * ETHER
    assert world.zk_portal.view("locked_wei") == FAST_GENESIS_WEI + 3 * ETHER


def test_value_sent_back_is_unlocked_and_arrives(world: World) -> None:
    before = world.zk.balance_wei(BOB)
    sent = world.fast_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=2 * ETHER)
    world.carry(sent, world.fast)
    assert world.zk.balance_wei(BOB) == before + 2 * ETHER
    assert world.zk_portal.view("locked_wei") == FAST_GENESIS_WEI - 2 * ETHER


def test_all_that_is_locked_may_come_back(world: World) -> None:
    assert world.zk.deliver(forged(0, FAST_GENESIS_WEI)).event_count("MessageDelivered", "Portal")
    assert world.zk_portal.view("locked_wei") == 0


@pytest.mark.parametrize("excess_wei", [1, 10**30, 2**256 - 1 - FAST_GENESIS_WEI])
def test_one_wei_more_than_locked_does_not_come_back(world: World, excess_wei: int) -> None:
    before = world.zk.balance_wei(MALLORY)
    outcome = world.zk.deliver(forged(0, FAST_GENESIS_WEI + excess_wei))
    assert outcome.is_success
    assert outcome.event_count("ConservationViolation", "Portal") == 1
    assert world.zk_portal.view("conservation_violations") == 1
    assert world.zk.balance_wei(MALLORY) == before
    assert world.zk_portal.view("locked_wei") == FAST_GENESIS_WEI


def test_a_forged_chain_takes_at_most_what_is_locked(world: World) -> None:
    before = world.zk.balance_wei(MALLORY)
    for nonce in range(8):
        world.zk.deliver(forged(nonce, ETHER))
    assert world.zk.balance_wei(MALLORY) - before == FAST_GENESIS_WEI
    assert world.zk_portal.view("conservation_violations") == 3


def test_the_loss_bound_is_read_in_two_calls(world: World) -> None:
    locked = world.zk.execute(PORTAL_ADDRESS, locked_wei_call(), sender=BOB, is_kept=False)
    exposure = world.zk.execute(
        world.guard.address, remaining_exposure_call(), sender=BOB, is_kept=False
    )
    assert loss_bound_wei(locked.output, exposure.output) == FAST_GENESIS_WEI


@pytest.mark.parametrize("is_from_zk", [True, False])
def test_the_value_of_a_failed_call_returns_to_its_sender(world: World, is_from_zk: bool) -> None:
    source, other = (world.zk, world.fast) if is_from_zk else (world.fast, world.zk)
    portal = world.zk_portal if is_from_zk else world.fast_portal
    other.put_code(REFUSER, reverting_code())
    before = source.balance_wei(ALICE)

    sent = portal.transact("send", REFUSER, GAS, b"", sender=ALICE, value_wei=ETHER)
    assert source.balance_wei(ALICE) == before - ETHER
    (failed,) = world.carry(sent, source)
    assert failed.event_count("MessageReturned", "Portal") == 1
    assert failed.event_count("MessageParked", "Portal") == 0
    (returned,) = world.carry(failed, other)

    assert returned.events("ValueReturned", "Portal")[0]["is_paid"]
    assert source.balance_wei(ALICE) == before
    assert other.balance_wei(REFUSER) == 0
    assert world.zk_portal.view("locked_wei") == FAST_GENESIS_WEI == value_on_fast_wei(world)


def test_a_returned_message_cannot_be_retried(world: World) -> None:
    world.fast.put_code(REFUSER, reverting_code())
    sent = world.zk_portal.transact("send", REFUSER, GAS, b"", sender=ALICE, value_wei=ETHER)
    (message,) = sent_messages(sent, world.zk)
    world.carry(sent, world.zk)
    world.fast.put_code(REFUSER, b"")
    retried = world.fast.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY)
    assert retried.reason == "portal: no such parked message"


def test_a_return_that_its_receiver_refuses_is_claimable_and_does_not_bounce(world: World) -> None:
    wallet = account_address("wallet")
    world.zk.fund(wallet)
    world.fast.put_code(REFUSER, reverting_code())
    sent = world.zk_portal.transact("send", REFUSER, GAS, b"", sender=wallet, value_wei=ETHER)
    world.zk.put_code(wallet, reverting_code())
    (failed,) = world.carry(sent, world.zk)
    (returned,) = world.carry(failed, world.fast)
    assert sent_messages(returned, world.zk) == []
    assert world.zk_portal.view("claimable_wei", wallet) == ETHER
    assert is_solvent(world)

    world.zk.put_code(wallet, b"")
    before = world.zk.balance_wei(BOB)
    assert world.zk_portal.transact("claim", BOB, sender=wallet).is_success
    assert world.zk.balance_wei(BOB) == before + ETHER
    again = world.zk_portal.transact("claim", BOB, sender=wallet)
    assert again.reason == "portal: nothing to claim"
    assert is_solvent(world)


def test_a_forged_return_of_a_value_never_sent_is_refused(world: World) -> None:
    before = world.zk.balance_wei(MALLORY)
    refused = world.zk.deliver(forged_return(0, original_nonce=0, value_wei=ETHER, to=MALLORY))
    assert refused.event_count("ReturnRefused", "Portal") == 1
    assert world.zk.balance_wei(MALLORY) == before


def test_a_forged_return_pays_nobody_but_the_sender_and_only_once(world: World) -> None:
    world.zk_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=ETHER)
    before = world.zk.balance_wei(ALICE)
    attempts = [
        forged_return(0, original_nonce=0, value_wei=ETHER, to=MALLORY),
        forged_return(1, original_nonce=0, value_wei=2 * ETHER, to=ALICE),
        forged_return(2, original_nonce=1, value_wei=ETHER, to=ALICE),
    ]
    for attempt in attempts:
        assert world.zk.deliver(attempt).event_count("ReturnRefused", "Portal") == 1
    genuine = forged_return(3, original_nonce=0, value_wei=ETHER, to=ALICE)
    assert world.zk.deliver(genuine).event_count("ValueReturned", "Portal") == 1
    twice = forged_return(4, original_nonce=0, value_wei=ETHER, to=ALICE)
    assert world.zk.deliver(twice).event_count("ReturnRefused", "Portal") == 1
    assert world.zk.balance_wei(ALICE) == before + ETHER


def test_a_forged_return_without_a_nonce_is_refused(world: World) -> None:
    for nonce, data in enumerate((b"", b"\x00" * 31, b"\x00" * 33)):
        message = Message(FAST_CHAIN_ID, nonce, PORTAL_ADDRESS, MALLORY, 0, 50_000, data)
        assert world.zk.deliver(message).event_count("ReturnRefused", "Portal") == 1


def test_a_resumed_fast_chain_refuses_the_returns_of_forged_messages(world: World) -> None:
    """A forged message fails on the ZK chain; its return meets an honest replay."""
    world.zk.put_code(REFUSER, reverting_code())
    failed = world.zk.deliver(forged(0, ETHER, target=REFUSER))
    quarantine(world, True)

    # The honest replay never sent nonce 0, and skips it, so that it never will.
    skip = skip_outbound_nonces_call(world.zk_portal.view("next_inbound_nonce"))
    assert world.fast.execute(PORTAL_ADDRESS, skip, sender=SYSTEM_ADDRESS).is_success
    world.fast.fund(MALLORY, value_wei=ETHER)
    world.fast_portal.transact("send", MALLORY, GAS, b"", sender=MALLORY, value_wei=ETHER)
    (returned,) = world.carry(failed, world.zk)
    assert returned.event_count("ReturnRefused", "Portal") == 1
    assert world.fast.balance_wei(MALLORY) == 0


def test_after_a_resume_the_two_nonces_meet(world: World) -> None:
    world.zk.deliver(forged(0, 0))
    quarantine(world, True)
    quarantine(world, False)
    skip = skip_outbound_nonces_call(world.zk_portal.view("next_inbound_nonce"))
    world.fast.execute(PORTAL_ADDRESS, skip, sender=SYSTEM_ADDRESS)
    sent = world.fast_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=ETHER)
    (outcome,) = world.carry(sent, world.fast)
    assert outcome.event_count("MessageDelivered", "Portal") == 1


def test_outbound_nonces_are_not_used_twice(world: World) -> None:
    world.fast_portal.transact("send", BOB, GAS, b"", sender=ALICE)
    back = world.fast.execute(PORTAL_ADDRESS, skip_outbound_nonces_call(0), sender=SYSTEM_ADDRESS)
    assert back.reason == "portal: a nonce would be used twice"


def test_only_the_system_quarantines_and_skips(world: World) -> None:
    set_call = set_quarantine_call(True, 0)
    skip_call = skip_outbound_nonces_call(9)
    for chain, call in ((world.zk, set_call), (world.fast, skip_call)):
        outcome = chain.execute(PORTAL_ADDRESS, call, sender=MALLORY)
        assert outcome.reason == "portal: caller is not the system"


def test_each_side_refuses_what_is_the_other_sides(world: World) -> None:
    wrong_set = world.fast.execute(
        PORTAL_ADDRESS, set_quarantine_call(True, 0), sender=SYSTEM_ADDRESS
    )
    wrong_skip = world.zk.execute(
        PORTAL_ADDRESS, skip_outbound_nonces_call(9), sender=SYSTEM_ADDRESS
    )
    assert wrong_set.reason == "portal: only the asset side is quarantined"
    assert wrong_skip.reason == "portal: the asset side never skips"


def test_a_quarantine_stops_deliveries_and_a_resume_lets_them_go_on(world: World) -> None:
    quarantine(world, True)
    assert world.zk_portal.view("last_good_checkpoint") == 17
    assert world.zk.deliver(forged(0, 0)).reason == "portal: deliveries are quarantined"
    quarantine(world, False)
    assert world.zk.deliver(forged(0, 0)).is_success


@pytest.mark.parametrize("value_wei", [0, 1])
def test_a_quarantine_refuses_every_message_to_the_fast_chain(world: World, value_wei: int) -> None:
    quarantine(world, True)
    sent = world.zk_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=value_wei)
    assert sent.reason == "portal: the fast chain is quarantined"
    assert world.zk_portal.view("next_outbound_nonce") == 0


@pytest.mark.parametrize("value_wei", [0, 1])
def test_after_a_quarantine_messages_to_the_fast_chain_are_taken_again(
    world: World, value_wei: int
) -> None:
    quarantine(world, True)
    quarantine(world, False)
    sent = world.zk_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=value_wei)
    (outcome,) = world.carry(sent, world.zk)
    assert outcome.event_count("MessageDelivered", "Portal") == 1


def test_a_quarantined_fast_chain_still_sends_what_a_replay_will_certify(world: World) -> None:
    quarantine(world, True)
    sent = world.fast_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=1)
    assert sent.is_success


def test_a_token_announces_its_slot_after_the_quarantine_not_during_it(world: World) -> None:
    token = world.zk.deploy("AccessPass", 0, 10, sender=ALICE)
    quarantine(world, True)
    during = token.transact("announce_owner_slot", sender=ALICE)
    quarantine(world, False)
    after = token.transact("announce_owner_slot", sender=ALICE)
    assert during.reason == "portal: the fast chain is quarantined"
    (registered,) = world.carry(after, world.zk)
    assert registered.event_count("TokenRegistered", "OwnershipOracle") == 1


def test_a_quarantine_voids_what_a_forged_chain_has_parked(world: World) -> None:
    """Or else the forged message could run after the resume, against new rounds."""
    world.zk.put_code(REFUSER, reverting_code())
    message = forged(0, 0, target=REFUSER)
    world.zk.deliver(message)
    world.zk.put_code(REFUSER, b"")

    quarantine(world, True)
    during = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY)
    quarantine(world, False)
    after = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY)
    assert during.reason == "portal: deliveries are quarantined"
    assert after.reason == "portal: no such parked message"


def test_a_second_vote_in_one_quarantine_voids_nothing_more(world: World) -> None:
    quarantine(world, True)
    quarantine(world, True)
    assert world.zk_portal.view("quarantine_epoch") == 1


def test_plain_ether_to_the_portal_is_refused(world: World) -> None:
    assert not world.zk.execute(PORTAL_ADDRESS, sender=ALICE, value_wei=1).is_success


@pytest.mark.parametrize("seed", range(4))
def test_random_traffic_conserves_value(seed: int) -> None:
    """After each round of traffic, what circulates on the fast chain is what is locked."""
    generator = random.Random(seed)
    world = new_world()
    people = [ALICE, BOB, MALLORY]
    refusers = [REFUSER, account_address("refuser2")]
    for chain in (world.zk, world.fast):
        chain.put_code(REFUSER, reverting_code())
    total_wei = sum(world.zk.balance_wei(a) for a in (*people, PORTAL_ADDRESS, REFUSER))

    for _ in range(12):
        source: Chain = generator.choice([world.zk, world.fast])
        portal = world.zk_portal if source is world.zk else world.fast_portal
        sender = generator.choice(people)
        amount = generator.randrange(0, source.balance_wei(sender) // 3 + 1)
        target = generator.choice(people + refusers)
        sent = portal.transact("send", target, GAS, b"", sender=sender, value_wei=amount)
        for outcome in world.carry(sent, source):
            world.carry(outcome, world.fast if source is world.zk else world.zk)

        assert world.zk_portal.view("locked_wei") == value_on_fast_wei(world)
        assert is_solvent(world)
    holders = (*people, *refusers, PORTAL_ADDRESS)
    assert sum(world.zk.balance_wei(a) for a in holders) == total_wei
    assert world.zk_portal.view("conservation_violations") == 0
