"""However blocks bring and take entries of L1's queue: each is delivered once and in order."""

from bridge_world import VALIDATORS, ZK, LedgerWorld, forced, l1_message
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.proposing import select_parts
from bridge.state import BridgeState
from bridge.work import MAX_FORCED_TRANSACTIONS_PER_BLOCK
from ledger.block import open_block
from ledger.codec import decode, encode
from ledger.crossing import Message
from ledger.types import ChainRole

queues = st.lists(st.booleans(), max_size=20).map(
    lambda kinds: tuple(
        forced(nonce) if is_forced else l1_message(nonce) for nonce, is_forced in enumerate(kinds)
    )
)
actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(ChainRole), st.integers(0, 5)),
        st.sampled_from(["cut off", "resume"]),
    ),
    max_size=20,
)


def run(queue: tuple[Message, ...], steps: list[tuple[ChainRole, int] | str]) -> LedgerWorld:
    """A ledger with blocks that bring some of the next entries each, among quarantines."""
    ledger = LedgerWorld()
    for step in steps:
        quarantine = ledger.state.quarantine
        if step == "cut off" and not quarantine.is_active:
            ledger.quarantine(quarantine.sequence)
        elif step == "resume" and quarantine.is_active:
            point = ledger.state.fast.certified
            ledger.resume(point.number, point.state_root, quarantine.sequence)
        elif isinstance(step, tuple):
            role, count = step
            at_hand = queue[ledger.state.next_l1_nonce :][:count]
            parts = select_parts(ledger.state, VALIDATORS, l1_messages=at_hand)
            assert parts.l1_messages == at_hand
            ledger.push(role, l1_messages=parts.l1_messages)
    return ledger


@settings(max_examples=60, deadline=None)
@given(queues, actions)
def test_each_entry_is_delivered_exactly_once_and_in_order(
    queue: tuple[Message, ...], steps: list[tuple[ChainRole, int] | str]
) -> None:
    ledger = run(queue, steps)
    taken = ledger.state.next_l1_nonce
    for _ in range(len(queue) + 1):
        ledger.push(ZK)
    arrived = [entry.message for work in ledger.works for entry in work.l1_deliveries]
    assert tuple(arrived) == queue[:taken]
    assert ledger.state.pending_l1 == ()


@settings(max_examples=60, deadline=None)
@given(queues, actions)
def test_a_forced_transaction_waits_for_none_but_those_before_it(
    queue: tuple[Message, ...], steps: list[tuple[ChainRole, int] | str]
) -> None:
    for work in run(queue, steps).works:
        assert len(work.forced_transactions) <= MAX_FORCED_TRANSACTIONS_PER_BLOCK
        assert work.role is ZK or work.l1_deliveries == ()
    ledger = run(queue, steps)
    is_waiting = bool(ledger.state.pending_l1)
    assert bool(ledger.push(ZK).l1_deliveries) == is_waiting


@settings(max_examples=30, deadline=None)
@given(queues, actions)
def test_nodes_that_apply_the_same_blocks_agree_on_the_queue(
    queue: tuple[Message, ...], steps: list[tuple[ChainRole, int] | str]
) -> None:
    ledger = run(queue, steps)
    other = LedgerWorld()
    for sealed in ledger.blocks:
        other.state = decode(encode(other.state), BridgeState, limit_bytes=1 << 22)
        other.push_sealed(open_block(sealed.encoded))
    assert other.state == ledger.state
    assert other.works == ledger.works
    for role in ChainRole:
        works = [work for work in other.works if work.role is role]
        numbers = [number for work in works for number, _ in work.numbered_items()]
        assert len(set(numbers)) == len(numbers)
