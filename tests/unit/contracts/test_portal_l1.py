"""The ZK chain's Portal and L1: its queue is delivered, and withdrawals are written down."""

import random
from typing import Any

import pytest
from contract_world import (
    ALICE,
    BOB,
    FAST_CHAIN_ID,
    FAST_GENESIS_WEI,
    L1_CHAIN_ID,
    MALLORY,
    ROLLUP,
    World,
    new_world,
)
from evm_harness import (
    ETHER,
    Outcome,
    account_address,
    gas_burning_code,
    reverting_code,
    view_to_slot_code,
)

from contracts import FORCED_TRANSACTION_ADDRESS, PORTAL_ADDRESS, zk_predeploys
from contracts.bindings import retry_call, retry_l1_call, send_call, set_quarantine_call
from contracts.errors import GenesisError, LogError
from contracts.predeploys import L1_RESERVE_WEI
from contracts.withdrawals import (
    ETH_TOKEN,
    Withdrawal,
    decode_withdrawal_requested,
    is_withdrawal_requested,
    withdraw_call,
    withdrawal_hash,
    withdrawal_slot,
)
from execution.types import SYSTEM_ADDRESS, Address, Hash32, Log
from ledger.crossing import Message

TARGET = account_address("target")
REFUSER = account_address("refuser")
GAS = 100_000


def from_l1(
    nonce: int,
    value_wei: int = 0,
    target: Address = TARGET,
    data: bytes = b"",
    gas: int = GAS,
    sender: Address = ALICE,
) -> Message:
    """Return an entry of L1's queue."""
    return Message(L1_CHAIN_ID, nonce, sender, target, value_wei, gas, data)


def from_fast(nonce: int, value_wei: int = 0, target: Address = TARGET) -> Message:
    """Return a message of the fast chain."""
    return Message(FAST_CHAIN_ID, nonce, ALICE, target, value_wei, GAS, b"")


def quarantine(world: World) -> None:
    """Begin a quarantine as the protocol does."""
    call = set_quarantine_call(is_active=True, last_good_checkpoint=1)
    assert world.zk.execute(PORTAL_ADDRESS, call, sender=SYSTEM_ADDRESS).is_success


def withdrawals_of(outcome: Outcome) -> list[Withdrawal]:
    """Return the withdrawals that a transaction wrote down."""
    return [
        decode_withdrawal_requested(log) for log in outcome.logs if is_withdrawal_requested(log)
    ]


# ---- DELIVERIES ----


def test_a_deposit_is_paid_from_the_reserve(settled: World) -> None:
    held = settled.zk.balance_wei(PORTAL_ADDRESS)
    assert held == FAST_GENESIS_WEI + L1_RESERVE_WEI
    outcome = settled.zk.deliver(from_l1(0, 7 * ETHER))
    assert outcome.events("L1MessageDelivered", "Portal") == [{"nonce": 0}]
    assert settled.zk.balance_wei(TARGET) == 7 * ETHER
    assert settled.zk.balance_wei(PORTAL_ADDRESS) == held - 7 * ETHER
    assert settled.zk_portal.view("locked_wei") == FAST_GENESIS_WEI


def test_both_sources_have_their_own_nonces(settled: World) -> None:
    for message in (from_l1(0), from_fast(0), from_fast(1), from_l1(1)):
        assert settled.zk.deliver(message).is_success
    assert settled.zk_portal.view("next_l1_nonce") == 2
    assert settled.zk_portal.view("next_inbound_nonce") == 2
    for repeated in (from_l1(1), from_l1(3), from_fast(1)):
        assert settled.zk.deliver(repeated).reason == "portal: nonce out of order"


def test_a_contract_learns_that_l1_is_the_source(settled: World) -> None:
    code = view_to_slot_code("message_sender()", 0) + view_to_slot_code("message_source_chain()", 1)
    settled.zk.put_code(TARGET, code)
    for message, chain_id in ((from_l1(0), L1_CHAIN_ID), (from_fast(0), FAST_CHAIN_ID)):
        assert settled.zk.deliver(message).is_success
        assert settled.zk.storage(TARGET, 0) == int.from_bytes(ALICE)
        assert settled.zk.storage(TARGET, 1) == chain_id


def test_only_the_system_delivers_what_is_l1s(settled: World) -> None:
    fields = (L1_CHAIN_ID, 0, MALLORY, MALLORY, ETHER, GAS, b"")
    refused = settled.zk_portal.transact("deliver", *fields, sender=MALLORY)
    assert refused.reason == "portal: caller is not the system"


def test_a_chain_without_l1_takes_nothing_from_one(world: World, settled: World) -> None:
    message = from_l1(0, ETHER)
    assert world.zk.deliver(message).reason == "portal: unknown source chain"
    assert settled.fast.deliver(message).reason == "portal: unknown source chain"
    none = Message(0, 0, MALLORY, MALLORY, ETHER, GAS, b"")
    for chain in (world.zk, settled.fast):
        assert chain.deliver(none).reason == "portal: unknown source chain"


def test_a_quarantine_stops_the_fast_chain_but_not_l1(settled: World) -> None:
    quarantine(settled)
    assert settled.zk.deliver(from_fast(0)).reason == "portal: deliveries are quarantined"
    assert settled.zk.deliver(from_l1(0, ETHER)).is_success
    assert settled.zk.balance_wei(TARGET) == ETHER


def test_a_forced_transactions_entry_is_a_harmless_call(settled: World) -> None:
    entry = from_l1(0, target=FORCED_TRANSACTION_ADDRESS, gas=0, data=b"x" * 8192)
    outcome = settled.zk.deliver(entry)
    assert outcome.event_count("L1MessageDelivered", "Portal") == 1


# ---- WHAT FAILS ----


def test_a_message_that_fails_is_parked_and_retried(settled: World) -> None:
    settled.zk.put_code(TARGET, reverting_code())
    message = from_l1(0, data=b"call")
    outcome = settled.zk.deliver(message)
    assert outcome.events("L1MessageParked", "Portal") == [{"nonce": 0, "reason": b"nope"}]
    retried = settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(message), sender=BOB)
    assert retried.reason == "portal: the call failed again"
    settled.zk.put_code(TARGET, b"\x00")
    retried = settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(message), sender=BOB)
    assert retried.events("L1MessageRetried", "Portal") == [{"nonce": 0}]
    again = settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(message), sender=BOB)
    assert again.reason == "portal: no such parked message"


def test_what_l1_parked_outlives_a_quarantine(settled: World) -> None:
    settled.zk.put_code(TARGET, reverting_code())
    l1_message, fast_message = from_l1(0), from_fast(0)
    for message in (l1_message, fast_message):
        assert settled.zk.deliver(message).is_success
    settled.zk.put_code(TARGET, b"\x00")
    quarantine(settled)
    assert settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(l1_message), sender=BOB).is_success
    resume = set_quarantine_call(is_active=False, last_good_checkpoint=1)
    assert settled.zk.execute(PORTAL_ADDRESS, resume, sender=SYSTEM_ADDRESS).is_success
    voided = settled.zk.execute(PORTAL_ADDRESS, retry_call(fast_message), sender=BOB)
    assert voided.reason == "portal: no such parked message"


def test_a_parked_message_of_one_source_is_none_of_the_other(settled: World) -> None:
    settled.zk.put_code(TARGET, reverting_code())
    l1_message, fast_message = from_l1(0), from_fast(0)
    settled.zk.deliver(l1_message)
    settled.zk.put_code(TARGET, b"\x00")
    as_fast = settled.zk.execute(PORTAL_ADDRESS, retry_call(fast_message), sender=MALLORY)
    assert as_fast.reason == "portal: no such parked message"
    assert settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(l1_message), sender=BOB).is_success


@pytest.mark.parametrize("code", [reverting_code(), gas_burning_code()])
def test_a_value_that_cannot_be_delivered_becomes_a_withdrawal(settled: World, code: bytes) -> None:
    settled.zk.put_code(TARGET, code)
    held = settled.zk.balance_wei(PORTAL_ADDRESS)
    outcome = settled.zk.deliver(from_l1(0, 2 * ETHER))
    withdrawal = Withdrawal(0, PORTAL_ADDRESS, ALICE, 2 * ETHER)
    assert withdrawals_of(outcome) == [withdrawal]
    (event,) = outcome.events("L1MessageReturned", "Portal")
    assert (event["withdrawal_index"], event["value_wei"]) == (0, 2 * ETHER)
    assert settled.zk_portal.view("withdrawals", 0) == withdrawal_hash(withdrawal)
    assert settled.zk.balance_wei(PORTAL_ADDRESS) == held
    # It is one or the other: the call is never made again.
    settled.zk.put_code(TARGET, b"\x00")
    retried = settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(from_l1(0)), sender=ALICE)
    assert retried.reason == "portal: no such parked message"


@pytest.mark.parametrize(
    "changes",
    [{"target": PORTAL_ADDRESS}, {"gas": 2_000_001}, {"target": SYSTEM_ADDRESS}],
)
def test_what_may_not_be_called_is_dropped_or_returned(
    settled: World, changes: dict[str, Any]
) -> None:
    dropped = settled.zk.deliver(from_l1(0, **changes))
    assert dropped.events("L1MessageDropped", "Portal") == [{"nonce": 0}]
    returned = settled.zk.deliver(from_l1(1, ETHER, **changes))
    assert withdrawals_of(returned) == [Withdrawal(0, PORTAL_ADDRESS, ALICE, ETHER)]


def test_a_sender_with_the_portals_address_returns_nothing(settled: World) -> None:
    """On L1 that address is nobody's; were it somebody's, it could not claim returns."""
    sent = settled.zk_portal.transact("send", BOB, GAS, b"", sender=ALICE, value_wei=ETHER)
    assert sent.is_success
    claim = from_l1(0, ETHER, target=ALICE, data=bytes(32), sender=PORTAL_ADDRESS)
    outcome = settled.zk.deliver(claim)
    assert outcome.event_count("ValueReturned", "Portal") == 0
    assert settled.zk_portal.view("locked_wei") == FAST_GENESIS_WEI + ETHER


def test_a_call_that_sends_to_the_quarantined_fast_chain_comes_back(settled: World) -> None:
    code = bytes.fromhex("365f5f37 5f5f365f47 73") + PORTAL_ADDRESS
    settled.zk.put_code(TARGET, code + bytes.fromhex("5af1 600157 5f5ffd 5b00"))
    quarantine(settled)
    outcome = settled.zk.deliver(from_l1(0, ETHER, data=send_call(BOB, GAS, b"")))
    assert [entry.receiver for entry in withdrawals_of(outcome)] == [ALICE]


@pytest.mark.parametrize("gas", [0, 21_000, 2_000_000])
@pytest.mark.parametrize("data", [b"", b"\xff" * 8192])
@pytest.mark.parametrize("code", [b"", reverting_code(), gas_burning_code()])
@pytest.mark.parametrize("value_wei", [0, ETHER])
def test_whatever_l1_sends_can_be_delivered(
    settled: World, gas: int, data: bytes, code: bytes, value_wei: int
) -> None:
    """The queue cannot skip an entry: one that reverts `deliver` would stop it for ever."""
    settled.zk.put_code(TARGET, code)
    outcome = settled.zk.deliver(from_l1(0, value_wei, data=data, gas=gas))
    assert outcome.is_success, outcome.reason
    assert settled.zk_portal.view("next_l1_nonce") == 1


# ---- WITHDRAWALS ----


def test_a_withdrawal_is_written_down(settled: World) -> None:
    for index, value_wei in enumerate((1, 3 * ETHER)):
        call = withdraw_call(BOB)
        outcome = settled.zk.execute(PORTAL_ADDRESS, call, sender=ALICE, value_wei=value_wei)
        withdrawal = Withdrawal(index, ALICE, BOB, value_wei)
        assert withdrawals_of(outcome) == [withdrawal]
        assert int.from_bytes(outcome.output) == index
        stored = settled.zk.storage(PORTAL_ADDRESS, withdrawal_slot(index))
        assert stored == int.from_bytes(withdrawal_hash(withdrawal))
    assert settled.zk_portal.view("next_withdrawal_index") == 2
    assert settled.zk_portal.view("locked_wei") == FAST_GENESIS_WEI


def test_what_cannot_be_withdrawn_is_refused(settled: World, world: World) -> None:
    refused = settled.zk_portal.transact("withdraw", BOB, sender=ALICE)
    assert refused.reason == "portal: nothing to withdraw"
    zero = settled.zk_portal.transact("withdraw", Address(bytes(20)), sender=ALICE, value_wei=1)
    assert zero.reason == "portal: zero receiver"
    for portal in (world.zk_portal, settled.fast_portal):
        outcome = portal.transact("withdraw", BOB, sender=ALICE, value_wei=1)
        assert outcome.reason == "portal: no L1 behind this chain"


def test_only_bridged_tokens_writes_tokens_down(settled: World) -> None:
    fields = (ALICE, MALLORY, ROLLUP, 7)
    refused = settled.zk_portal.transact("withdraw_token", *fields, sender=MALLORY)
    assert refused.reason == "portal: caller is not the bridged tokens"


def test_a_withdrawal_is_open_in_a_quarantine(settled: World) -> None:
    quarantine(settled)
    assert settled.zk.execute(
        PORTAL_ADDRESS, withdraw_call(BOB), sender=ALICE, value_wei=1
    ).is_success


def withdrawal_log(settled: World) -> Log:
    """Return a genuine log."""
    outcome = settled.zk.execute(PORTAL_ADDRESS, withdraw_call(BOB), sender=ALICE, value_wei=5)
    (log,) = (log for log in outcome.logs if is_withdrawal_requested(log))
    return log


def test_hostile_withdrawal_logs_are_refused(settled: World) -> None:
    log = withdrawal_log(settled)
    assert decode_withdrawal_requested(log) == Withdrawal(0, ALICE, BOB, 5, ETH_TOKEN, 0)
    dirty = Hash32(b"\x01" + log.topics[2][1:])
    hostile = [
        Log(ALICE, log.topics, log.data),
        Log(log.address, (), log.data),
        Log(log.address, (Hash32(bytes(32)), *log.topics[1:]), log.data),
        Log(log.address, log.topics[:3], log.data),
        Log(log.address, (*log.topics, log.topics[0]), log.data),
        Log(log.address, (*log.topics[:3], Hash32(b"short")), log.data),
        Log(log.address, (*log.topics[:2], dirty, log.topics[3]), log.data),
        Log(log.address, log.topics, log.data[:-1]),
        Log(log.address, log.topics, log.data + b"\x00"),
        Log(log.address, log.topics, log.data[:32] + b"\xff" * 32 + log.data[64:]),
    ]
    for wrong in hostile:
        with pytest.raises(LogError):
            decode_withdrawal_requested(wrong)


@pytest.mark.parametrize("seed", range(3))
def test_every_wei_is_accounted_for_in_random_traffic(seed: int) -> None:
    """The Portal holds its reserve, what is locked and what is claimable; L1 holds the rest."""
    world, chance = new_world(L1_CHAIN_ID), random.Random(seed)
    world.zk.put_code(REFUSER, reverting_code())
    on_l1 = 0
    for _ in range(60):
        value_wei = chance.randrange(1, ETHER)
        target = chance.choice([BOB, TARGET, REFUSER, PORTAL_ADDRESS])
        move = chance.randrange(4)
        if move == 0:
            nonce = world.zk_portal.view("next_l1_nonce")
            outcome = world.zk.deliver(from_l1(nonce, value_wei, target))
            on_l1 += value_wei
        elif move == 1:
            call = withdraw_call(ALICE)
            outcome = world.zk.execute(PORTAL_ADDRESS, call, sender=ALICE, value_wei=value_wei)
        elif move == 2 and target != PORTAL_ADDRESS:
            outcome = world.zk_portal.transact(
                "send", target, GAS, b"", sender=ALICE, value_wei=value_wei
            )
        else:
            nonce = world.zk_portal.view("next_inbound_nonce")
            forged = from_fast(nonce, chance.randrange(10 * ETHER), target)
            outcome = world.zk.deliver(forged)
        on_l1 -= sum(entry.value_wei for entry in withdrawals_of(outcome))
        held = world.zk.balance_wei(PORTAL_ADDRESS)
        owed = world.zk_portal.view("locked_wei") + world.zk_portal.view("claimable_total_wei")
        assert held == L1_RESERVE_WEI - on_l1 + owed


# ---- GENESIS ----


def test_a_chain_without_l1_has_no_reserve() -> None:
    assert zk_predeploys(FAST_CHAIN_ID)[PORTAL_ADDRESS].balance_wei == 0


def test_l1_and_rollup_are_named_together() -> None:
    with pytest.raises(GenesisError, match="both a chain id of L1 and a Rollup"):
        zk_predeploys(FAST_CHAIN_ID, l1_chain_id=1)
    with pytest.raises(GenesisError, match="both a chain id of L1 and a Rollup"):
        zk_predeploys(FAST_CHAIN_ID, rollup=ROLLUP)
