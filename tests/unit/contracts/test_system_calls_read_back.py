"""Deliveries in stored blocks are read back: the prover has to know what L1 forced in."""

import dataclasses

import pytest

from bridge.work import Delivery, SetQuarantine
from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS
from contracts.bindings import decode_deliver_call, deliver_call, locked_wei_call
from contracts.errors import MessageError
from contracts.system_calls import forced_transaction, system_transaction
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, Message
from ledger.types import BlockNumber, ChainId, EvmAddress

L1_CHAIN_ID, FAST_CHAIN_ID = ChainId(5), ChainId(7002)
SENDER = EvmAddress(b"\x51" * 20)
RAW = b"\x02 a raw transaction"
FORCED = Message(L1_CHAIN_ID, 3, SENDER, FORCED_TRANSACTION_ADDRESS, 0, 0, RAW)
DEPOSIT = dataclasses.replace(FORCED, target=SENDER, value_wei=10**18, gas_limit=100_000)


@pytest.mark.parametrize("message", [FORCED, DEPOSIT, dataclasses.replace(DEPOSIT, data=b"")])
def test_a_delivery_reads_back_as_it_was_written(message: Message) -> None:
    assert decode_deliver_call(deliver_call(message)) == message


def test_another_function_delivers_nothing() -> None:
    assert decode_deliver_call(locked_wei_call()) is None
    assert decode_deliver_call(b"") is None


def test_a_delivery_in_another_encoding_is_refused() -> None:
    call = deliver_call(DEPOSIT)
    for damaged in (call[:-1], call[:40], call + bytes(32)):
        with pytest.raises(MessageError):
            decode_deliver_call(damaged)


def test_only_l1s_entries_for_the_address_are_forced_transactions() -> None:
    forced = system_transaction(0, Delivery(FORCED))
    assert forced_transaction(forced, L1_CHAIN_ID) == RAW
    of_the_fast_chain = dataclasses.replace(FORCED, source_chain_id=FAST_CHAIN_ID)
    others = [
        system_transaction(0, Delivery(DEPOSIT)),
        system_transaction(0, Delivery(of_the_fast_chain)),
        system_transaction(0, SetQuarantine(True, BlockNumber(1))),
        dataclasses.replace(forced, to=OWNERSHIP_ORACLE_ADDRESS),
    ]
    assert [forced_transaction(entry, L1_CHAIN_ID) for entry in others] == [None] * 4
