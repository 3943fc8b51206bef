"""Entries of L1's queue: which the ledger takes, and what ZK blocks do with them."""

from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    GENESIS,
    VALIDATORS,
    ZK,
    LedgerWorld,
    build_block,
    certify,
    checkpoint_of,
    forced,
    l1_message,
    message,
    messages,
)

from bridge.errors import (
    L1MessageOutOfOrder,
    L1MessageRejected,
    L1MessageTooLarge,
    L1QueueFull,
    MalformedForcedTransaction,
    NoL1,
)
from bridge.l1_queue import accept_l1_messages
from bridge.proposing import MAX_L1_BYTES, choose_chain, select_parts
from bridge.rules import has_work
from bridge.state import MAX_PENDING_L1_MESSAGES, BridgeState, initial_state
from bridge.work import (
    MAX_MESSAGE_GAS,
    MAX_ZK_DELIVERY_CYCLES_PER_BLOCK,
    ChainWork,
    delivery_cycles,
)
from ledger.block import MAX_L1_MESSAGES_PER_BLOCK
from ledger.codec import encode
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, MAX_MESSAGE_DATA_BYTES, Message
from ledger.genesis import NO_L1
from ledger.types import ChainId

START = initial_state(GENESIS)


def entries(count: int, first: int = 0) -> tuple[Message, ...]:
    return tuple(l1_message(nonce) for nonce in range(first, first + count))


def waiting(*pending: Message, state: BridgeState = START) -> LedgerWorld:
    """A ledger with these entries of L1 on it."""
    return LedgerWorld(accept_l1_messages(state, pending))


def nonces(work: ChainWork) -> list[int]:
    return [delivery.message.nonce for delivery in work.l1_deliveries]


# WHAT IS TAKEN


def test_entries_are_taken_in_the_order_of_their_nonces() -> None:
    state = accept_l1_messages(START, entries(2))
    state = accept_l1_messages(state, entries(1, first=2))
    assert state.next_l1_nonce == 3
    assert state.pending_l1 == entries(3)


@pytest.mark.parametrize(
    ("following", "error"),
    [
        ((l1_message(0),), L1MessageOutOfOrder),
        ((l1_message(2),), L1MessageOutOfOrder),
        ((l1_message(1), l1_message(1)), L1MessageOutOfOrder),
        ((message(FAST, 1),), L1MessageOutOfOrder),
        ((l1_message(1, gas_limit=MAX_MESSAGE_GAS + 1),), L1MessageTooLarge),
        ((l1_message(1, bytes(MAX_MESSAGE_DATA_BYTES + 1)),), L1MessageTooLarge),
        ((replace(forced(1), value_wei=1),), MalformedForcedTransaction),
        ((replace(forced(1), gas_limit=1),), MalformedForcedTransaction),
        ((forced(1, raw=b""),), MalformedForcedTransaction),
    ],
)
def test_an_entry_that_could_not_be_delivered_next_is_refused(
    following: tuple[Message, ...], error: type[L1MessageRejected]
) -> None:
    state = accept_l1_messages(START, entries(1))
    with pytest.raises(error):
        accept_l1_messages(state, following)


@pytest.mark.parametrize(
    "entry",
    [
        l1_message(0, gas_limit=MAX_MESSAGE_GAS),
        l1_message(0, bytes(MAX_MESSAGE_DATA_BYTES)),
        forced(0, bytes(MAX_MESSAGE_DATA_BYTES)),
        forced(0, b"\xff"),
    ],
)
def test_an_entry_at_the_limits_is_taken(entry: Message) -> None:
    assert accept_l1_messages(START, (entry,)).pending_l1 == (entry,)


def test_a_network_without_l1_takes_none() -> None:
    alone = initial_state(replace(GENESIS, l1=NO_L1))
    assert accept_l1_messages(alone, ()) == alone
    with pytest.raises(NoL1):
        accept_l1_messages(alone, (replace(l1_message(0), source_chain_id=ChainId(0)),))


def test_the_queue_on_the_ledger_is_bounded() -> None:
    full = accept_l1_messages(START, entries(MAX_PENDING_L1_MESSAGES))
    assert accept_l1_messages(full, ()) == full
    with pytest.raises(L1QueueFull):
        accept_l1_messages(full, entries(1, first=MAX_PENDING_L1_MESSAGES))


def test_a_block_with_a_refused_entry_is_refused_whichever_chain_it_is_of() -> None:
    ledger = LedgerWorld()
    for role in (ZK, FAST):
        ledger.try_push(build_block(ledger.state, role, l1_messages=entries(2)))
        with pytest.raises(L1MessageOutOfOrder):
            ledger.try_push(build_block(ledger.state, role, l1_messages=entries(1, first=1)))


# WHAT IS DELIVERED


def test_a_zk_block_delivers_what_it_brings_and_a_fast_block_leaves_it() -> None:
    ledger = LedgerWorld()
    assert nonces(ledger.push(FAST, l1_messages=entries(2))) == []
    assert has_work(ledger.state, ZK)
    assert not has_work(ledger.state, FAST)
    assert nonces(ledger.push(ZK, l1_messages=entries(1, first=2))) == [0, 1, 2]
    assert ledger.state.pending_l1 == ()
    assert not has_work(ledger.state, ZK)


def test_waiting_entries_ask_for_a_zk_block() -> None:
    timing, now_ms = GENESIS.timing, START.zk.timestamp_ms + GENESIS.timing.zk_interval_ms
    assert choose_chain(START, timing, now_ms, has_zk_transactions=False) is FAST
    ledger = waiting(l1_message(0))
    assert choose_chain(ledger.state, timing, now_ms, has_zk_transactions=False) is ZK


def test_l1_comes_before_the_fast_chain_and_after_a_quarantines_change() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST)
    sent = messages(FAST, 0, 1)
    checkpoint = certify(checkpoint_of(ledger.state, FAST, 1, sent), sent)
    work = ledger.push(ZK, checkpoints=(checkpoint,), l1_messages=(l1_message(0), l1_message(1)))
    items = [item for _, item in work.numbered_items()]
    assert items == [*work.l1_deliveries, *work.deliveries]
    assert nonces(work) == [0, 1]
    assert [delivery.message for delivery in work.deliveries] == list(sent)
    assert work.next_system_nonce == 3


def test_l1_is_delivered_during_a_quarantine_and_the_fast_chain_is_not() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST)
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 1, count=1),), l1_messages=entries(1))
    work = ledger.quarantine()
    assert nonces(work) == [0]
    assert len(work.quarantine) == 1
    assert work.deliveries == ()
    assert nonces(ledger.push(ZK, l1_messages=(forced(1),))) == [1]
    assert len(ledger.state.zk.pending) == 1


def test_a_resume_drops_nothing_of_l1() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST)
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 1),))
    point = ledger.state.fast.certified
    ledger.quarantine(role=FAST)
    work = ledger.push(FAST, l1_messages=entries(2))
    assert work.l1_deliveries == ()
    work = ledger.resume(point.number, point.state_root, role=FAST)
    assert work.replay is not None
    assert ledger.state.pending_l1 == entries(2)
    assert nonces(ledger.push(ZK)) == [0, 1]


def test_a_block_has_at_most_one_forced_transaction() -> None:
    ledger = waiting(
        l1_message(0), forced(1, b"a"), l1_message(2), forced(3, b"b"), forced(4, b"c")
    )
    works = [ledger.push(ZK) for _ in range(6)]
    assert [nonce for work in works for nonce in nonces(work)] == [0, 1, 2, 3, 4]
    assert max(len(work.forced_transactions) for work in works) == 1
    assert [raw for work in works for raw in work.forced_transactions] == [b"a", b"b", b"c"]


def test_the_fast_chain_goes_on_where_l1_waits_for_its_forced_transaction() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST, l1_messages=(forced(0), forced(1)))
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 1, count=1),))
    assert [nonces(ledger.push(ZK)) for _ in range(2)] == [[0], [1]]
    assert len(ledger.push(ZK).deliveries) == 1


def test_only_l1_can_force_a_transaction() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST)
    sent = (replace(message(FAST, 0, b"raw", gas_limit=0), target=FORCED_TRANSACTION_ADDRESS),)
    work = ledger.push(ZK, checkpoints=(certify(checkpoint_of(ledger.state, FAST, 1, sent), sent),))
    assert len(work.deliveries) == 1
    assert work.forced_transactions == ()


def test_deliveries_of_both_sources_keep_within_one_bound() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST, l1_messages=tuple(l1_message(nonce, gas_limit=0) for nonce in range(2)))
    light = tuple(message(FAST, nonce, gas_limit=0) for nonce in range(20))
    certified = certify(checkpoint_of(ledger.state, FAST, 1, light), light)
    work = ledger.push(ZK, checkpoints=(certified,))
    both = work.l1_deliveries + work.deliveries
    cycles = sum(delivery_cycles(entry.message) for entry in both)
    assert cycles <= MAX_ZK_DELIVERY_CYCLES_PER_BLOCK
    assert nonces(work) == list(range(2))
    assert 0 < len(work.deliveries) < len(light)
    rest = ledger.push(ZK)
    assert rest.deliveries[0].message.nonce == len(work.deliveries)


@pytest.mark.parametrize("gas_limit", [0, 100_000, MAX_MESSAGE_GAS])
def test_deliveries_of_l1_keep_within_what_one_proof_covers(gas_limit: int) -> None:
    ledger = waiting(*(l1_message(nonce, gas_limit=gas_limit) for nonce in range(50)))
    seen: list[int] = []
    while ledger.state.pending_l1:
        work = ledger.push(ZK)
        cycles = sum(delivery_cycles(entry.message) for entry in work.l1_deliveries)
        assert len(work.l1_deliveries) == 1 or cycles <= MAX_ZK_DELIVERY_CYCLES_PER_BLOCK
        seen += nonces(work)
    assert seen == list(range(50))


# WHAT A LEADER TAKES


def test_a_leader_takes_the_next_entries_in_their_order() -> None:
    state = accept_l1_messages(START, entries(2))
    parts = select_parts(state, VALIDATORS, l1_messages=entries(3, first=2))
    assert parts.l1_messages == entries(3, first=2)
    assert parts.state.next_l1_nonce == 5
    assert parts.encoded_bytes == sum(len(encode(entry)) for entry in parts.l1_messages)
    ledger = LedgerWorld(state)
    ledger.try_push(build_block(state, ZK, l1_messages=parts.l1_messages))


def test_a_leader_stops_at_an_entry_that_is_not_the_next() -> None:
    gap = (*entries(2), l1_message(3), l1_message(2))
    assert select_parts(START, VALIDATORS, l1_messages=gap).l1_messages == entries(2)
    stale = accept_l1_messages(START, entries(1))
    assert select_parts(stale, VALIDATORS, l1_messages=entries(2)).l1_messages == ()


def test_a_leader_keeps_within_count_and_bytes() -> None:
    many = tuple(l1_message(nonce) for nonce in range(MAX_L1_MESSAGES_PER_BLOCK + 1))
    parts = select_parts(START, VALIDATORS, l1_messages=many)
    assert parts.l1_messages == many[:MAX_L1_MESSAGES_PER_BLOCK]
    long = tuple(l1_message(nonce, bytes(MAX_MESSAGE_DATA_BYTES)) for nonce in range(20))
    parts = select_parts(START, VALIDATORS, l1_messages=long)
    assert 1 < len(parts.l1_messages) < 20
    assert parts.encoded_bytes <= MAX_L1_BYTES


def test_l1_has_room_beside_other_parts_that_fill_theirs() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST)
    checkpoint = ledger.certified(FAST, 1)
    parts = select_parts(
        ledger.state, VALIDATORS, checkpoints=(checkpoint,), l1_messages=entries(2), limit_bytes=1
    )
    assert parts.checkpoints == ()
    assert parts.l1_messages == entries(2)
