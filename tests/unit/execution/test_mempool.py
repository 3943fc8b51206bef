"""The mempool's rules, one by one."""

from execution.mempool import AddOutcome, Mempool, PooledTransaction, PoolLimits
from execution.types import Address, Hash32
from ledger.types import Digest

ALICE, BOB, CAROL = (Address(bytes([number]) * 20) for number in (0xA1, 0xB0, 0xCA))
BLOCK, OTHER_BLOCK = Digest(b"\x01" * 32), Digest(b"\x02" * 32)
GWEI = 10**9


def make(
    sender: Address,
    nonce: int,
    tip_wei: int = 1,
    max_fee_wei: int = GWEI,
    gas_limit: int = 21_000,
    size_bytes: int = 110,
) -> PooledTransaction:
    name = repr((sender, nonce, tip_wei, max_fee_wei, gas_limit, size_bytes)).encode()
    return PooledTransaction(
        raw=name,
        hash=Hash32(name),
        sender=sender,
        nonce=nonce,
        gas_limit=gas_limit,
        max_fee_wei=max_fee_wei,
        tip_wei=tip_wei,
        value_wei=0,
        size_bytes=size_bytes,
    )


def take_all(pool: Mempool, base_fee_wei: int = 0) -> list[PooledTransaction]:
    return pool.take(base_fee_wei, gas_limit=10**9, max_bytes=10**9, max_count=10**6)


def pool_with(*transactions: PooledTransaction, limits: PoolLimits | None = None) -> Mempool:
    pool = Mempool(limits or PoolLimits())
    for transaction in transactions:
        assert pool.add(transaction, account_nonce=0) is AddOutcome.ACCEPTED
    return pool


class TestAdding:
    def test_accepts_a_transaction_and_finds_it_by_hash(self) -> None:
        transaction = make(ALICE, 0)
        pool = pool_with(transaction)
        assert pool.get(transaction.hash) is transaction
        assert pool.get(Hash32(b"?" * 32)) is None

    def test_rejects_a_transaction_that_it_has(self) -> None:
        pool = pool_with(make(ALICE, 0))
        assert pool.add(make(ALICE, 0), 0) is AddOutcome.ALREADY_KNOWN

    def test_rejects_a_nonce_below_the_account(self) -> None:
        assert Mempool(PoolLimits()).add(make(ALICE, 4), 5) is AddOutcome.NONCE_TOO_LOW

    def test_rejects_a_nonce_beyond_the_gap_but_not_at_it(self) -> None:
        pool = pool_with(make(ALICE, 0), limits=PoolLimits(max_nonce_gap=3))
        assert pool.add(make(ALICE, 5), 0) is AddOutcome.NONCE_GAP_TOO_LARGE
        assert pool.add(make(ALICE, 4), 0) is AddOutcome.ACCEPTED

    def test_rejects_what_exceeds_the_limits_of_one_transaction(self) -> None:
        limits = PoolLimits(
            max_transaction_bytes=200, max_transaction_gas=30_000, min_max_fee_wei=10
        )
        pool = Mempool(limits)
        assert pool.add(make(ALICE, 0, size_bytes=201), 0) is AddOutcome.TOO_LARGE
        assert pool.add(make(ALICE, 0, gas_limit=30_001), 0) is AddOutcome.GAS_ABOVE_LIMIT
        assert pool.add(make(ALICE, 0, max_fee_wei=9), 0) is AddOutcome.FEE_BELOW_MINIMUM
        fitting = make(ALICE, 0, size_bytes=200, gas_limit=30_000, max_fee_wei=10)
        assert pool.add(fitting, 0) is AddOutcome.ACCEPTED

    def test_rejects_more_than_a_sender_may_have_but_still_replaces(self) -> None:
        limits = PoolLimits(max_transactions_per_sender=2)
        pool = pool_with(make(ALICE, 0), make(ALICE, 1), limits=limits)
        assert pool.add(make(ALICE, 2), 0) is AddOutcome.SENDER_QUEUE_FULL
        richer = make(ALICE, 1, tip_wei=2, max_fee_wei=2 * GWEI)
        assert pool.add(richer, 0) is AddOutcome.REPLACED

    def test_a_newer_account_nonce_drops_what_became_stale(self) -> None:
        pool = pool_with(make(ALICE, 0), make(ALICE, 1))
        assert pool.add(make(ALICE, 3), account_nonce=3) is AddOutcome.ACCEPTED
        assert [transaction.nonce for transaction in take_all(pool)] == [3]

    def test_counts_outcomes_by_reason(self) -> None:
        pool = pool_with(make(ALICE, 0), make(ALICE, 1))
        pool.add(make(ALICE, 0), 0)
        outcomes = pool.status().outcomes
        assert outcomes[AddOutcome.ACCEPTED] == 2
        assert outcomes[AddOutcome.ALREADY_KNOWN] == 1
        assert outcomes[AddOutcome.POOL_FULL] == 0


class TestReplacing:
    def test_accepts_ten_percent_more_of_both_fees(self) -> None:
        pool = pool_with(make(ALICE, 0, tip_wei=100, max_fee_wei=1000))
        richer = make(ALICE, 0, tip_wei=110, max_fee_wei=1100)
        assert pool.add(richer, 0) is AddOutcome.REPLACED
        assert take_all(pool) == [richer]

    def test_rejects_less_than_ten_percent_more_of_either_fee(self) -> None:
        pool = pool_with(make(ALICE, 0, tip_wei=100, max_fee_wei=1000))
        for tip_wei, max_fee_wei in ((109, 1100), (110, 1099)):
            poorer = make(ALICE, 0, tip_wei, max_fee_wei)
            assert pool.add(poorer, 0) is AddOutcome.REPLACEMENT_UNDERPRICED

    def test_rejects_a_free_replacement_of_a_free_transaction(self) -> None:
        pool = pool_with(make(ALICE, 0, tip_wei=0, max_fee_wei=0))
        same_price = make(ALICE, 0, tip_wei=0, max_fee_wei=0, gas_limit=22_000)
        assert pool.add(same_price, 0) is AddOutcome.REPLACEMENT_UNDERPRICED

    def test_rejects_the_replacement_of_a_transaction_in_a_block(self) -> None:
        transaction = make(ALICE, 0)
        pool = pool_with(transaction)
        pool.mark_in_flight(BLOCK, [transaction.hash])
        richer = make(ALICE, 0, tip_wei=10, max_fee_wei=10 * GWEI)
        assert pool.add(richer, 0) is AddOutcome.REPLACEMENT_IN_FLIGHT


class TestEvicting:
    def test_a_better_tip_evicts_the_cheapest(self) -> None:
        cheap, dear = make(ALICE, 0, tip_wei=1), make(BOB, 0, tip_wei=5)
        pool = pool_with(cheap, dear, limits=PoolLimits(max_transactions=2))
        newcomer = make(CAROL, 0, tip_wei=2)
        assert pool.add(newcomer, 0) is AddOutcome.ACCEPTED
        assert take_all(pool) == [dear, newcomer]
        assert pool.status().evicted_count == 1

    def test_an_equal_tip_evicts_nobody(self) -> None:
        limits = PoolLimits(max_transactions=1)
        pool = pool_with(make(ALICE, 0, tip_wei=1), limits=limits)
        assert pool.add(make(BOB, 0, tip_wei=1), 0) is AddOutcome.POOL_FULL

    def test_eviction_takes_the_last_nonce_so_that_no_gap_opens(self) -> None:
        limits = PoolLimits(max_transactions=2)
        first, last = make(ALICE, 0, tip_wei=1), make(ALICE, 1, tip_wei=50)
        pool = pool_with(first, last, limits=limits)
        assert pool.add(make(BOB, 0, tip_wei=2), 0) is AddOutcome.ACCEPTED
        assert pool.get(first.hash) is first
        assert pool.get(last.hash) is None

    def test_what_is_in_a_block_is_not_evicted(self) -> None:
        transaction = make(ALICE, 0, tip_wei=1)
        pool = pool_with(transaction, limits=PoolLimits(max_transactions=1))
        pool.mark_in_flight(BLOCK, [transaction.hash])
        assert pool.add(make(BOB, 0, tip_wei=9), 0) is AddOutcome.POOL_FULL
        pool.release(BLOCK)
        assert pool.add(make(BOB, 0, tip_wei=9), 0) is AddOutcome.ACCEPTED

    def test_one_newcomer_displaces_at_most_one(self) -> None:
        limits = PoolLimits(max_bytes=300)
        small = [make(ALICE, 0, size_bytes=100), make(BOB, 0, size_bytes=100)]
        pool = pool_with(*small, limits=limits)
        large = make(CAROL, 0, tip_wei=9, size_bytes=250)
        assert pool.add(large, 0) is AddOutcome.POOL_FULL
        assert pool.status().transaction_count == 2

    def test_a_chain_without_fees_evicts_nobody(self) -> None:
        limits = PoolLimits(max_transactions=1, is_arrival_ordered=True)
        pool = pool_with(make(ALICE, 0, tip_wei=0), limits=limits)
        assert pool.add(make(BOB, 0, tip_wei=9), 0) is AddOutcome.POOL_FULL


class TestTaking:
    def test_orders_senders_by_tip_and_one_sender_by_nonce(self) -> None:
        alice = [make(ALICE, 0, tip_wei=1), make(ALICE, 1, tip_wei=9)]
        bob = [make(BOB, 0, tip_wei=5), make(BOB, 1, tip_wei=2)]
        pool = pool_with(alice[1], bob[1], bob[0], alice[0])
        assert take_all(pool) == [bob[0], bob[1], alice[0], alice[1]]

    def test_orders_equal_tips_by_arrival(self) -> None:
        pool = pool_with(make(BOB, 0), make(ALICE, 0), make(CAROL, 0))
        assert [t.sender for t in take_all(pool)] == [BOB, ALICE, CAROL]

    def test_a_chain_without_fees_goes_by_arrival(self) -> None:
        late_payer = make(BOB, 0, tip_wei=99)
        limits = PoolLimits(is_arrival_ordered=True)
        pool = pool_with(make(ALICE, 0, tip_wei=0), late_payer, limits=limits)
        assert [t.sender for t in take_all(pool)] == [ALICE, BOB]

    def test_the_base_fee_eats_into_the_tip(self) -> None:
        capped = make(ALICE, 0, tip_wei=50, max_fee_wei=110)
        generous = make(BOB, 0, tip_wei=20, max_fee_wei=1000)
        pool = pool_with(capped, generous)
        assert take_all(pool, base_fee_wei=0) == [capped, generous]
        assert take_all(pool, base_fee_wei=100) == [generous, capped]

    def test_passes_over_what_the_base_fee_excludes_and_all_behind_it(self) -> None:
        pool = pool_with(make(ALICE, 0, max_fee_wei=99), make(ALICE, 1), make(BOB, 0))
        assert [t.sender for t in take_all(pool, base_fee_wei=100)] == [BOB]

    def test_does_not_remove(self) -> None:
        pool = pool_with(make(ALICE, 0), make(ALICE, 1), make(BOB, 0))
        assert take_all(pool) == take_all(pool)

    def test_stays_within_gas_bytes_and_count(self) -> None:
        pool = pool_with(*(make(ALICE, nonce) for nonce in range(10)))
        assert len(pool.take(0, gas_limit=63_000, max_bytes=10**6, max_count=10)) == 3
        assert len(pool.take(0, gas_limit=10**9, max_bytes=449, max_count=10)) == 4
        assert len(pool.take(0, gas_limit=10**9, max_bytes=10**6, max_count=5)) == 5

    def test_fills_a_block_past_one_that_does_not_fit(self) -> None:
        pool = pool_with(make(ALICE, 0, tip_wei=9, gas_limit=500_000), make(BOB, 0))
        taken = pool.take(0, gas_limit=100_000, max_bytes=10**6, max_count=10)
        assert [transaction.sender for transaction in taken] == [BOB]

    def test_stops_at_a_gap_until_it_is_filled(self) -> None:
        pool = pool_with(make(ALICE, 0), make(ALICE, 2))
        assert [t.nonce for t in take_all(pool)] == [0]
        assert pool.pending_nonce(ALICE) == 1
        pool.add(make(ALICE, 1), 0)
        assert [t.nonce for t in take_all(pool)] == [0, 1, 2]
        assert pool.pending_nonce(ALICE) == 3


class TestInFlight:
    def test_a_proposal_on_an_unexecuted_block_goes_on_with_the_next_nonce(self) -> None:
        transactions = [make(ALICE, nonce) for nonce in range(3)]
        pool = pool_with(*transactions)
        pool.mark_in_flight(BLOCK, [transactions[0].hash, transactions[1].hash])
        assert take_all(pool) == [transactions[2]]
        assert pool.is_in_flight(transactions[0].hash)

    def test_a_dropped_block_gives_its_transactions_back(self) -> None:
        transactions = [make(ALICE, nonce) for nonce in range(3)]
        pool = pool_with(*transactions)
        pool.mark_in_flight(BLOCK, [transactions[0].hash, transactions[1].hash])
        pool.release(BLOCK)
        assert take_all(pool) == transactions

    def test_a_block_dropped_before_anyone_looked_leaves_no_duplicates(self) -> None:
        transactions = [make(ALICE, 0), make(ALICE, 1)]
        pool = pool_with(*transactions)
        pool.mark_in_flight(BLOCK, [transactions[0].hash])
        pool.release(BLOCK)
        assert take_all(pool) == transactions

    def test_a_transaction_in_two_blocks_waits_for_both(self) -> None:
        transaction = make(ALICE, 0)
        pool = pool_with(transaction)
        pool.mark_in_flight(BLOCK, [transaction.hash])
        pool.mark_in_flight(OTHER_BLOCK, [transaction.hash])
        pool.release(BLOCK)
        assert take_all(pool) == []
        pool.release(OTHER_BLOCK)
        assert take_all(pool) == [transaction]

    def test_marking_and_releasing_twice_is_harmless(self) -> None:
        transaction = make(ALICE, 0)
        pool = pool_with(transaction)
        for _ in range(2):
            pool.mark_in_flight(BLOCK, [transaction.hash])
        for _ in range(2):
            pool.release(BLOCK)
        assert take_all(pool) == [transaction]

    def test_a_transaction_that_arrives_after_its_block_is_not_proposed(self) -> None:
        pool = Mempool(PoolLimits())
        transaction, following = make(ALICE, 0), make(ALICE, 1)
        pool.mark_in_flight(BLOCK, [transaction.hash])
        pool.add(transaction, 0)
        pool.add(following, 0)
        assert take_all(pool) == [following]

    def test_a_committed_block_removes_what_it_included(self) -> None:
        transactions = [make(ALICE, nonce) for nonce in range(3)]
        pool = pool_with(*transactions)
        pool.mark_in_flight(BLOCK, [transaction.hash for transaction in transactions[:2]])
        pool.commit(BLOCK, {ALICE: 2})
        assert take_all(pool) == [transactions[2]]
        assert pool.status().in_flight_transaction_count == 0

    def test_a_committed_block_drops_what_it_skipped(self) -> None:
        skipped, following = make(ALICE, 0), make(ALICE, 1)
        pool = pool_with(skipped, following)
        pool.mark_in_flight(BLOCK, [skipped.hash])
        pool.commit(BLOCK, {})
        assert pool.get(skipped.hash) is None
        assert take_all(pool) == []
        assert pool.add(make(ALICE, 0, tip_wei=3), 0) is AddOutcome.ACCEPTED
        assert [t.nonce for t in take_all(pool)] == [0, 1]

    def test_a_foreign_block_makes_our_transactions_stale(self) -> None:
        pool = pool_with(make(ALICE, 0), make(ALICE, 1), make(BOB, 0))
        pool.commit(BLOCK, {ALICE: 1, CAROL: 7})
        assert [(t.sender, t.nonce) for t in take_all(pool)] == [(ALICE, 1), (BOB, 0)]
        pool.commit(OTHER_BLOCK, {ALICE: 2, BOB: 1})
        assert pool.status().transaction_count == 0
        assert pool.status().size_bytes == 0
        assert pool.pending_nonce(ALICE) is None

    def test_what_the_block_had_no_room_for_may_be_proposed_again(self) -> None:
        taken, left, behind = (make(ALICE, nonce) for nonce in range(3))
        pool = pool_with(taken, left, behind)
        pool.mark_in_flight(BLOCK, [taken.hash, left.hash])
        pool.commit(BLOCK, {ALICE: 1}, left_over={left.hash})
        assert take_all(pool) == [left, behind]

    def test_what_another_block_holds_too_is_not_offered_twice(self) -> None:
        left = make(ALICE, 0)
        pool = pool_with(left)
        for block in (BLOCK, OTHER_BLOCK):
            pool.mark_in_flight(block, [left.hash])
        pool.commit(BLOCK, {}, left_over={left.hash})
        assert take_all(pool) == []
        pool.release(OTHER_BLOCK)
        assert take_all(pool) == [left]

    def test_what_a_block_left_over_and_another_included_is_gone(self) -> None:
        left = make(ALICE, 0)
        pool = pool_with(left)
        pool.mark_in_flight(BLOCK, [left.hash])
        pool.commit(BLOCK, {}, left_over={left.hash})
        pool.commit(OTHER_BLOCK, {ALICE: 1})
        assert take_all(pool) == []
