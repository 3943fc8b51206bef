"""Decoding and sender recovery at ingress: strict, bounded, and the same as the engine's."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth_account import Account

from execution import skip_reasons
from execution._wasm_abi import Operation, WasmInstance
from execution.errors import SenderRecoveryError, TransactionDecodeError, TransactionError
from execution.transactions import (
    MAX_TRANSACTION_BYTES,
    decode_transaction,
    intrinsic_gas,
    recover_sender,
    recover_senders,
    transaction_hash,
)
from ledger.hashing import keccak
from tests.differential.signing import SECP256K1_ORDER, Fields, authorize, sign
from tests.unit.execution.wasm_chain import ALICE, BOB, CHAIN_ID, STRANGER, transaction

SLOTS = [3, 2**256 - 1]
SECRET = b"\x01".rjust(32, b"\0")


@pytest.mark.parametrize("kind", [0, 1, 2, 4])
def test_every_field_of_every_type_is_decoded(kind: int) -> None:
    authorization = authorize(BOB, CHAIN_ID, STRANGER, 5)
    fields = Fields(
        kind=kind,
        chain_id=CHAIN_ID,
        nonce=300,
        gas_limit=123_456,
        to=STRANGER,
        value_wei=10**20,
        data=b"\0\1\2",
        max_fee_wei=2**127,
        tip_wei=77,
        access_list=[(STRANGER, SLOTS)],
        authorizations=[authorization],
    )
    raw = sign(ALICE, fields)

    decoded = decode_transaction(raw)

    assert decoded.raw == raw
    assert decoded.hash == transaction_hash(raw) == keccak(raw)
    assert (decoded.type, decoded.chain_id, decoded.nonce) == (kind, CHAIN_ID, 300)
    assert (decoded.to, decoded.value_wei, decoded.data) == (STRANGER, 10**20, b"\0\1\2")
    assert (decoded.gas_limit, decoded.max_fee_wei) == (123_456, 2**127)
    assert decoded.tip_wei == (77 if kind in (2, 4) else 2**127)
    slots = tuple(slot.to_bytes(32, "big") for slot in SLOTS)
    assert decoded.access_list == (() if kind == 0 else ((STRANGER, slots),))
    assert decoded.authorization_count == (1 if kind == 4 else 0)
    assert recover_sender(decoded) == ALICE.address


def test_what_eth_account_signs_is_decoded_and_recovered() -> None:
    account = Account.from_key(SECRET)
    common = {"nonce": 1, "to": "0x" + "22" * 20, "value": 5, "gas": 21_000, "chainId": CHAIN_ID}
    signed = [
        account.sign_transaction(common | {"gasPrice": 10}),
        account.sign_transaction(common | {"maxFeePerGas": 10, "maxPriorityFeePerGas": 1}),
    ]

    decoded = [decode_transaction(bytes(one.raw_transaction)) for one in signed]

    assert [one.hash for one in decoded] == [bytes(one.hash) for one in signed]
    assert {recover_sender(one) for one in decoded} == {bytes.fromhex(account.address[2:])}


def test_a_transaction_from_before_eip_155_has_no_chain_id() -> None:
    raw = transaction(kind=0, is_replay_protected=False)

    decoded = decode_transaction(raw)

    assert decoded.chain_id is None
    assert recover_sender(decoded) == ALICE.address
    assert rlp.decode(raw)[6] in (b"\x1b", b"\x1c")


def test_a_creation_has_no_recipient_but_a_set_code_transaction_needs_one() -> None:
    assert decode_transaction(transaction(to=b"")).to is None
    with pytest.raises(TransactionDecodeError):
        decode_transaction(transaction(kind=4, to=b"", authorizations=[]))


def nested(depth: int) -> bytes:
    encoded: list[object] = []
    for _ in range(depth):
        encoded = [encoded]
    raw: bytes = rlp.encode(encoded)
    return raw


def with_field(index: int, value: object) -> bytes:
    fields = rlp.decode(transaction()[1:])
    fields[index] = value
    return b"\x02" + bytes(rlp.encode(fields))


REFUSED = {
    "empty": (b"", skip_reasons.INVALID_ENCODING),
    "a string": (b"\x80", skip_reasons.INVALID_ENCODING),
    "type 3": (b"\x03" + transaction()[1:], skip_reasons.UNSUPPORTED_TYPE),
    "type 0": (b"\x00" + transaction()[1:], skip_reasons.UNSUPPORTED_TYPE),
    "system": (b"\x7e\xc0", skip_reasons.UNSUPPORTED_TYPE),
    "cut": (transaction()[:-1], skip_reasons.INVALID_ENCODING),
    "byte after the end": (transaction() + b"\0", skip_reasons.INVALID_ENCODING),
    "no fields": (b"\x02\xc0", skip_reasons.INVALID_ENCODING),
    "deep": (b"\x02" + nested(40), skip_reasons.INVALID_ENCODING),
    "long length": (b"\x02\xf8\x01\x80", skip_reasons.INVALID_ENCODING),
    "zero length": (b"\x02\xf9\x00\x40" + bytes(64), skip_reasons.INVALID_ENCODING),
    "length beyond the end": (b"\x02\xff" + b"\xff" * 8, skip_reasons.INVALID_ENCODING),
    "leading zero": (with_field(1, b"\0\1"), skip_reasons.INVALID_ENCODING),
    "wide nonce": (with_field(1, b"\1" + bytes(8)), skip_reasons.INVALID_ENCODING),
    "wide fee": (with_field(3, b"\1" + bytes(16)), skip_reasons.INVALID_ENCODING),
    "short recipient": (with_field(5, b"\1" * 19), skip_reasons.INVALID_ENCODING),
    "list as data": (with_field(7, [b"\1"]), skip_reasons.INVALID_ENCODING),
    "string as access list": (with_field(8, b"\1"), skip_reasons.INVALID_ENCODING),
    "short slot": (with_field(8, [[STRANGER, [b"\1"]]]), skip_reasons.INVALID_ENCODING),
    "parity 2": (with_field(9, b"\2"), skip_reasons.INVALID_SIGNATURE),
    "oversized": (bytes(MAX_TRANSACTION_BYTES + 1), skip_reasons.INVALID_ENCODING),
}


@pytest.mark.parametrize(("raw", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_transaction_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(TransactionDecodeError) as raised:
        decode_transaction(raw)

    assert raised.value.reason == reason


def test_a_high_s_is_refused_and_its_low_twin_is_not() -> None:
    low = decode_transaction(transaction())
    high = replace(low, s=SECP256K1_ORDER - low.s, is_y_odd=not low.is_y_odd)

    assert recover_sender(low) == ALICE.address
    with pytest.raises(SenderRecoveryError):
        recover_sender(high)


@pytest.mark.parametrize("r", [0, SECP256K1_ORDER, 5])
def test_an_r_that_is_no_point_is_refused(r: int) -> None:
    with pytest.raises(SenderRecoveryError):
        recover_sender(replace(decode_transaction(transaction()), r=r))


def test_a_batch_gives_an_address_or_an_error_for_each_in_order() -> None:
    good = [decode_transaction(transaction(nonce=nonce)) for nonce in range(150)]
    bad = replace(good[0], r=0)
    batch = [*good[:70], bad, *good[70:]]

    with ThreadPoolExecutor(2) as threads:
        results = recover_senders(batch, threads)

    assert isinstance(results[70], SenderRecoveryError)
    assert set(results[:70] + results[71:]) == {ALICE.address}
    assert [type(one) for one in recover_senders(batch)] == [type(one) for one in results]


def ingress_sender(raw: bytes) -> bytes | None:
    try:
        return recover_sender(decode_transaction(raw))
    except TransactionError:
        return None


def test_ingress_and_engine_agree_on_mutated_transactions() -> None:
    source = random.Random(3)
    authorization = authorize(BOB, CHAIN_ID, STRANGER, 0)
    originals = [
        transaction(kind=0),
        transaction(kind=0, is_replay_protected=False),
        transaction(kind=1, access_list=[(STRANGER, SLOTS)]),
        transaction(kind=2, data=b"\1" * 70),
        transaction(kind=4, authorizations=[authorization]),
    ]
    raws = list(originals)
    for _ in range(1_500):
        raw = bytearray(source.choice(originals))
        for _ in range(source.randint(1, 2)):
            raw[source.randrange(len(raw))] ^= 1 << source.randrange(8)
        raws.append(bytes(raw[: source.choice([len(raw), len(raw), source.randrange(len(raw))])]))

    engine_senders = WasmInstance().invoke(Operation.RECOVER_SENDERS, raws)

    assert engine_senders == [ingress_sender(raw) for raw in raws]
    assert engine_senders[: len(originals)] == [ALICE.address] * len(originals)


@pytest.mark.parametrize(
    ("changes", "gas"),
    [
        ({}, 21_000),
        ({"data": b"\0" * 10}, 21_000 + 10 * 10),
        ({"data": b"\1" * 10}, 21_000 + 10 * 40),
        ({"to": b"", "data": b"\0" * 33}, 21_000 + 32_000 + 33 * 4 + 2 * 2),
        ({"access_list": [(STRANGER, SLOTS)]}, 21_000 + 2_400 + 2 * 1_900),
        ({"kind": 4, "authorizations": [authorize(BOB, CHAIN_ID, STRANGER, 0)]}, 46_000),
    ],
)
def test_intrinsic_gas_is_what_a_block_asks_for(changes: dict[str, Any], gas: int) -> None:
    assert intrinsic_gas(decode_transaction(transaction(**changes))) == gas
