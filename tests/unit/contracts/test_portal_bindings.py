"""The bindings agree with the ABI, and hostile logs and answers end in typed errors."""

import dataclasses
import random

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector

from bridge.work import (
    Delivery,
    RecordZkRoot,
    SetCapHalvings,
    SetQuarantine,
    SkipOutboundNonces,
)
from contracts import artifact
from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.bindings import (
    MESSAGE_SENT_TOPIC,
    cap_halvings_call,
    decode_message_sent,
    decode_uint256,
    deliver_call,
    is_message_sent,
    locked_wei_call,
    loss_bound_wei,
    next_inbound_nonce_call,
    next_outbound_nonce_call,
    record_call,
    remaining_exposure_call,
    retry_call,
    send_call,
    set_cap_halvings_call,
    set_quarantine_call,
    skip_outbound_nonces_call,
)
from contracts.errors import ContractError, LogError, MessageError, ReturnDataError
from contracts.system_calls import system_transaction
from execution.types import Address, Hash32, Log
from ledger.crossing import Message

CHAIN_ID = 7002
SENDER = Address(b"\x51" * 20)
TARGET = Address(b"\x7a" * 20)
MESSAGE = Message(CHAIN_ID, 3, SENDER, TARGET, 10**18, 100_000, b"call data")


def word(number: int) -> Hash32:
    """Return a topic."""
    return Hash32(number.to_bytes(32))


def log_of(message: Message) -> Log:
    """Return the log that a Portal writes for a message."""
    return Log(
        PORTAL_ADDRESS,
        (
            MESSAGE_SENT_TOPIC,
            word(message.nonce),
            word(int.from_bytes(message.sender)),
            word(int.from_bytes(message.target)),
        ),
        encode(
            ["uint256", "uint256", "bytes"], [message.value_wei, message.gas_limit, message.data]
        ),
    )


@pytest.mark.parametrize(
    ("contract", "function", "call"),
    [
        ("Portal", "deliver", deliver_call(MESSAGE)),
        ("Portal", "retry", retry_call(MESSAGE)),
        ("Portal", "send", send_call(TARGET, 1, b"")),
        ("Portal", "set_quarantine", set_quarantine_call(True, 1)),
        ("Portal", "skip_outbound_nonces", skip_outbound_nonces_call(1)),
        ("Portal", "locked_wei", locked_wei_call()),
        ("Portal", "next_inbound_nonce", next_inbound_nonce_call()),
        ("Portal", "next_outbound_nonce", next_outbound_nonce_call()),
        ("RoundGuard", "remaining_exposure_wei", remaining_exposure_call()),
        ("RoundGuard", "cap_halvings", cap_halvings_call()),
        ("RoundGuard", "set_cap_halvings", set_cap_halvings_call(1)),
        ("OwnershipOracle", "record", record_call(1, word(1))),
    ],
)
def test_each_call_has_the_selector_of_its_function(
    contract: str, function: str, call: bytes
) -> None:
    (entry,) = (e for e in artifact(contract).abi if e.get("name") == function)
    assert call[:4] == function_abi_to_4byte_selector(entry)


@pytest.mark.parametrize(
    ("item", "target"),
    [
        (Delivery(MESSAGE), PORTAL_ADDRESS),
        (SetQuarantine(True, 5), PORTAL_ADDRESS),
        (SkipOutboundNonces(5), PORTAL_ADDRESS),
        (SetCapHalvings(5), ROUND_GUARD_ADDRESS),
        (RecordZkRoot(5, word(1)), OWNERSHIP_ORACLE_ADDRESS),
    ],
)
def test_each_work_item_becomes_a_system_transaction(item: object, target: Address) -> None:
    transaction = system_transaction(9, item)
    assert (transaction.nonce, transaction.to) == (9, target)


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 32, b"x" * 8192])
def test_a_message_sent_log_is_decoded(data: bytes) -> None:
    message = dataclasses.replace(MESSAGE, data=data)
    assert decode_message_sent(log_of(message), CHAIN_ID) == message


def test_other_logs_are_not_messages() -> None:
    genuine = log_of(MESSAGE)
    assert is_message_sent(genuine)
    others = [
        dataclasses.replace(genuine, address=TARGET),
        dataclasses.replace(genuine, topics=(word(1), *genuine.topics[1:])),
        dataclasses.replace(genuine, topics=()),
    ]
    for other in others:
        assert not is_message_sent(other)
        with pytest.raises(LogError, match="not a MessageSent"):
            decode_message_sent(other, CHAIN_ID)


def test_a_malformed_log_is_refused() -> None:
    genuine = log_of(MESSAGE)
    topics = genuine.topics
    dirty = Hash32(b"\x01" + topics[2][1:])
    malformed = [
        dataclasses.replace(genuine, topics=topics[:3]),
        dataclasses.replace(genuine, topics=(*topics, word(1))),
        dataclasses.replace(genuine, topics=(*topics[:2], dirty, topics[3])),
        dataclasses.replace(genuine, topics=(*topics[:3], Hash32(b"short"))),
        dataclasses.replace(genuine, data=b""),
        dataclasses.replace(genuine, data=genuine.data[:-1]),
        dataclasses.replace(genuine, data=genuine.data + bytes(32)),
        dataclasses.replace(genuine, data=genuine.data[:-1] + b"\x01"),
        dataclasses.replace(genuine, data=bytes(10_000)),
        dataclasses.replace(genuine, data=genuine.data[:64] + b"\xff" * 32 + genuine.data[96:]),
        dataclasses.replace(genuine, data=genuine.data[:96] + b"\xff" * 32 + genuine.data[128:]),
    ]
    for log in malformed:
        with pytest.raises(LogError):
            decode_message_sent(log, CHAIN_ID)


def test_a_message_that_the_ledger_cannot_carry_is_refused() -> None:
    genuine = log_of(MESSAGE)
    far = dataclasses.replace(genuine, topics=(genuine.topics[0], word(2**63), *genuine.topics[2:]))
    with pytest.raises(MessageError, match="nonce"):
        decode_message_sent(far, CHAIN_ID)
    with pytest.raises(MessageError, match="gas_limit"):
        decode_message_sent(log_of(dataclasses.replace(MESSAGE, gas_limit=2**63)), CHAIN_ID)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_end_in_a_typed_error_or_a_message(seed: int) -> None:
    generator = random.Random(seed)
    genuine = log_of(MESSAGE)
    for _ in range(50):
        data = bytearray(genuine.data)
        for _ in range(generator.randrange(1, 6)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        log = dataclasses.replace(genuine, data=bytes(data[: generator.randrange(len(data) + 1)]))
        try:
            decoded = decode_message_sent(log, CHAIN_ID)
        except ContractError:
            continue
        assert log_of(decoded).data == log.data


def test_the_loss_bound_is_the_sum_of_two_words() -> None:
    assert loss_bound_wei(word(3), word(4)) == 7


@pytest.mark.parametrize("output", [b"", bytes(31), bytes(33), bytes(64)])
def test_an_answer_that_is_no_word_is_refused(output: bytes) -> None:
    with pytest.raises(ReturnDataError, match=r"Portal\.locked_wei"):
        loss_bound_wei(output, word(0))
    with pytest.raises(ReturnDataError, match="expected 32 bytes"):
        decode_uint256("a view", output)
