"""Messages of the Portal: the outbox, delivery in order and once, parking and retrying."""

import pytest
from contract_world import ALICE, BOB, FAST_CHAIN_ID, MALLORY, ZK_CHAIN_ID, World
from eth_abi.abi import encode
from evm_harness import (
    account_address,
    gas_burning_code,
    reverting_code,
    sent_messages,
    view_to_slot_code,
)

from bridge.work import delivery_gas
from contracts.addresses import PORTAL_ADDRESS
from contracts.bindings import deliver_call, retry_call
from execution.types import SYSTEM_ADDRESS, Address
from ledger.crossing import Message

TARGET = account_address("target")
GAS = 100_000


RECORD_CONTEXT_CODE = view_to_slot_code("message_sender()", 0) + view_to_slot_code(
    "message_source_chain()", 1
)


def message_to(target: Address, nonce: int = 0, data: bytes = b"", gas: int = GAS) -> Message:
    """Return a message of Alice's from the fast chain."""
    return Message(FAST_CHAIN_ID, nonce, ALICE, target, 0, gas, data)


def test_the_outbox_numbers_messages_from_zero(world: World) -> None:
    for nonce in range(3):
        sent = world.zk_portal.transact("send", TARGET, GAS, b"hello", sender=ALICE)
        (message,) = sent_messages(sent, world.zk)
        assert message == Message(ZK_CHAIN_ID, nonce, ALICE, TARGET, 0, GAS, b"hello")
    assert world.zk_portal.view("next_outbound_nonce") == 3


@pytest.mark.parametrize(
    "target",
    [
        Address(bytes(20)),
        Address((1).to_bytes(20)),
        Address((0x11).to_bytes(20)),
        Address((0xFFFF).to_bytes(20)),
        PORTAL_ADDRESS,
        SYSTEM_ADDRESS,
    ],
)
def test_send_rejects_a_forbidden_target(world: World, target: Address) -> None:
    sent = world.zk_portal.transact("send", target, GAS, b"", sender=MALLORY)
    assert sent.reason == "portal: forbidden target"


def test_send_accepts_the_largest_message(world: World) -> None:
    sent = world.zk_portal.transact("send", TARGET, 2_000_000, b"x" * 8192, sender=ALICE)
    assert sent.is_success


def test_send_rejects_more_gas_than_the_limit(world: World) -> None:
    sent = world.zk_portal.transact("send", TARGET, 2_000_001, b"", sender=MALLORY)
    assert sent.reason == "portal: gas limit above 2000000"


def test_send_rejects_more_data_than_the_limit(world: World) -> None:
    sent = world.zk_portal.transact("send", TARGET, GAS, b"x" * 8193, sender=MALLORY)
    assert not sent.is_success


def test_a_delivered_call_sees_who_sent_the_message_and_where(world: World) -> None:
    world.zk.put_code(TARGET, RECORD_CONTEXT_CODE)
    delivered = world.zk.deliver(message_to(TARGET))
    assert delivered.event_count("MessageDelivered", "Portal") == 1
    assert world.zk.storage(TARGET, 0) == int.from_bytes(ALICE)
    assert world.zk.storage(TARGET, 1) == FAST_CHAIN_ID


def test_message_sender_reverts_outside_a_delivery(world: World) -> None:
    world.zk.deliver(message_to(TARGET))
    for view in ("message_sender", "message_source_chain"):
        asked = world.zk_portal.transact(view, sender=MALLORY)
        assert asked.reason == "portal: no delivery is running"


def test_only_the_system_delivers(world: World) -> None:
    message = message_to(TARGET)
    stolen = world.zk.execute(PORTAL_ADDRESS, deliver_call(message), sender=MALLORY)
    assert stolen.reason == "portal: caller is not the system"
    assert world.zk.deliver(message).is_success


def test_a_message_is_not_delivered_twice(world: World) -> None:
    assert world.zk.deliver(message_to(TARGET, nonce=0)).is_success
    assert world.zk.deliver(message_to(TARGET, nonce=0)).reason == "portal: nonce out of order"


def test_a_message_is_not_skipped(world: World) -> None:
    assert world.zk.deliver(message_to(TARGET, nonce=1)).reason == "portal: nonce out of order"
    assert world.zk_portal.view("next_inbound_nonce") == 0


def test_a_message_of_a_third_chain_is_not_delivered(world: World) -> None:
    foreign = Message(ZK_CHAIN_ID, 0, ALICE, TARGET, 0, GAS, b"")
    assert world.zk.deliver(foreign).reason == "portal: unknown source chain"


def test_too_little_gas_reverts_the_delivery_and_parks_nothing(world: World) -> None:
    message = message_to(TARGET, gas=2_000_000)
    starved = world.zk.execute(
        PORTAL_ADDRESS, deliver_call(message), sender=SYSTEM_ADDRESS, gas=2_100_000
    )
    assert starved.reason == "portal: too little gas for the call"
    assert world.zk_portal.view("next_inbound_nonce") == 0


@pytest.mark.parametrize("code", [reverting_code(), gas_burning_code(), b"\xfe"])
@pytest.mark.parametrize("gas", [0, GAS, 2_000_000])
def test_a_failing_call_is_parked_and_the_next_message_goes_on(
    world: World, code: bytes, gas: int
) -> None:
    world.zk.put_code(TARGET, code)
    parked = world.zk.deliver(message_to(TARGET, nonce=0, gas=gas, data=b"x" * 8192))
    assert parked.is_success
    assert parked.event_count("MessageParked", "Portal") == 1
    assert world.zk.deliver(message_to(BOB, nonce=1)).is_success


def test_the_reason_of_a_parked_message_is_logged(world: World) -> None:
    world.zk.put_code(TARGET, reverting_code())
    parked = world.zk.deliver(message_to(TARGET))
    assert parked.events("MessageParked", "Portal") == [{"nonce": 0, "reason": b"nope"}]


def test_a_return_data_bomb_costs_the_message_only(world: World) -> None:
    # PUSH3 100000 PUSH0 REVERT: 100,000 bytes of revert data.
    world.zk.put_code(TARGET, bytes.fromhex("620186a05ffd"))
    parked = world.zk.deliver(message_to(TARGET, gas=2_000_000))
    (event,) = parked.events("MessageParked", "Portal")
    assert len(event["reason"]) == 256


def test_anyone_retries_a_parked_message_once_it_works(world: World) -> None:
    message = message_to(TARGET)
    world.zk.put_code(TARGET, reverting_code())
    world.zk.deliver(message)

    again = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=BOB)
    assert again.reason == "portal: the call failed again"

    world.zk.put_code(TARGET, RECORD_CONTEXT_CODE)
    retried = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=BOB)
    assert retried.event_count("MessageRetried", "Portal") == 1
    assert world.zk.storage(TARGET, 0) == int.from_bytes(ALICE)


def test_a_parked_message_is_not_retried_twice(world: World) -> None:
    message = message_to(TARGET)
    world.zk.put_code(TARGET, reverting_code())
    world.zk.deliver(message)
    world.zk.put_code(TARGET, b"")
    assert world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=BOB).is_success
    twice = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=BOB)
    assert twice.reason == "portal: no such parked message"


def test_a_delivered_message_cannot_be_retried(world: World) -> None:
    message = message_to(TARGET)
    world.zk.deliver(message)
    retried = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY)
    assert retried.reason == "portal: no such parked message"


def test_a_retry_cannot_change_the_message(world: World) -> None:
    world.zk.put_code(TARGET, reverting_code())
    world.zk.deliver(message_to(TARGET))
    changed = [
        message_to(BOB),
        message_to(TARGET, data=b"x"),
        message_to(TARGET, gas=GAS - 1),
        Message(FAST_CHAIN_ID, 0, MALLORY, TARGET, 0, GAS, b""),
    ]
    for message in changed:
        retried = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY)
        assert retried.reason == "portal: no such parked message"


def test_a_message_that_ran_out_of_gas_is_retried_with_more(world: World) -> None:
    message = message_to(TARGET, gas=1_000)
    world.zk.put_code(TARGET, RECORD_CONTEXT_CODE)
    assert world.zk.deliver(message).event_count("MessageParked", "Portal") == 1
    retried = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=BOB)
    assert retried.is_success


def test_a_retry_with_less_gas_than_the_message_had_is_refused(world: World) -> None:
    message = message_to(TARGET, gas=2_000_000)
    world.zk.put_code(TARGET, reverting_code())
    world.zk.deliver(message)
    retried = world.zk.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY, gas=2_000_000)
    assert retried.reason == "portal: too little gas for the call"


def test_a_delivered_call_cannot_retry_under_another_name(world: World) -> None:
    """The target re-enters the Portal to run a parked message inside its own delivery."""
    parked = message_to(TARGET, nonce=0)
    world.zk.put_code(TARGET, reverting_code())
    world.zk.deliver(parked)
    world.zk.put_code(TARGET, b"")

    attacker = account_address("reenterer")
    world.zk.put_code(attacker, forwarding_code(retry_call(parked)))
    delivered = world.zk.deliver(message_to(attacker, nonce=1, gas=2_000_000))
    (event,) = delivered.events("MessageParked", "Portal")
    assert b"portal: retry inside a delivery" in event["reason"]


def test_a_delivered_call_cannot_deliver(world: World) -> None:
    attacker = account_address("reenterer")
    forged = deliver_call(message_to(TARGET, nonce=1))
    world.zk.put_code(attacker, forwarding_code(forged))
    delivered = world.zk.deliver(message_to(attacker, gas=2_000_000))
    (event,) = delivered.events("MessageParked", "Portal")
    assert b"caller is not the system" in event["reason"]


def test_a_delivered_call_may_send_an_answer(world: World) -> None:

    call = world.zk_portal.encode_call("send", BOB, GAS, b"pong")
    world.zk.put_code(TARGET, forwarding_code(call))
    delivered = world.zk.deliver(message_to(TARGET, gas=1_000_000))
    (message,) = sent_messages(delivered, world.zk)
    assert (message.sender, message.target, message.data) == (TARGET, BOB, b"pong")


@pytest.mark.parametrize("target", [PORTAL_ADDRESS, SYSTEM_ADDRESS, Address((4).to_bytes(20))])
def test_a_forged_message_to_a_forbidden_target_is_dropped(world: World, target: Address) -> None:
    data = world.zk_portal.encode_call("send", MALLORY, GAS, encode(["uint256"], [0]))
    dropped = world.zk.deliver(message_to(target, data=data))
    assert dropped.event_count("MessageDropped", "Portal") == 1
    assert sent_messages(dropped, world.zk) == []
    retried = world.zk.execute(
        PORTAL_ADDRESS, retry_call(message_to(target, data=data)), sender=MALLORY
    )
    assert retried.reason == "portal: no such parked message"


def test_a_forged_message_from_nobody_is_dropped(world: World) -> None:
    forged = Message(FAST_CHAIN_ID, 0, Address(bytes(20)), TARGET, 0, GAS, b"")
    assert world.zk.deliver(forged).event_count("MessageDropped", "Portal") == 1


def test_the_gas_limit_of_the_bindings_suffices_for_the_worst_message(world: World) -> None:
    world.zk.put_code(TARGET, gas_burning_code())
    message = message_to(TARGET, gas=2_000_000, data=b"\xff" * 8192)
    outcome = world.zk.deliver(message)
    assert outcome.event_count("MessageParked", "Portal") == 1
    assert outcome.gas_used < delivery_gas(message)


def forwarding_code(call: bytes) -> bytes:
    """Return code that calls the Portal with fixed data and reverts with its answer if it fails."""
    length = len(call).to_bytes(2)
    prefix_length = 56
    prefix = b"".join(
        [
            # CODECOPY(0, prefix_length, length)
            bytes.fromhex("61") + length + bytes.fromhex("60") + bytes([prefix_length, 0x5F, 0x39]),
            # CALL(gas, portal, 0, 0, length, 0, 0)
            bytes.fromhex("5f5f61") + length + bytes.fromhex("5f5f73") + PORTAL_ADDRESS,
            bytes.fromhex("5af1"),
            # if it failed: RETURNDATACOPY(0, 0, RETURNDATASIZE), REVERT(0, RETURNDATASIZE)
            bytes.fromhex("60") + bytes([prefix_length - 2]) + bytes.fromhex("573d5f5f3e3d5ffd"),
        ]
    )
    padding = b"\x5b" * (prefix_length - 2 - len(prefix))
    return prefix + padding + bytes.fromhex("5b00") + call
