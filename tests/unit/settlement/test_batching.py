"""Where batches end."""

from dataclasses import replace

import pytest

from ledger.crossing import Checkpoint, CheckpointCertificate
from ledger.types import BlockNumber, BlsSignature, ChainId, EvmHash
from settlement.batching import (
    BatchingState,
    BatchPolicy,
    BlocksSeen,
    Cut,
    LoadSeen,
    OthersSeen,
    Tick,
    TipSet,
    step,
)
from settlement.interfaces import BlockSummary

POLICY = BatchPolicy(
    max_bytes=10_000,
    max_blocks=8,
    max_cycles=1_000_000,
    max_age_seconds=60,
    max_empty_age_seconds=600,
    max_open_batches=2,
    busy_jobs=3,
)
ZERO = EvmHash(bytes(32))


def block(
    number: int,
    *,
    size: int = 100,
    at: float = 0.0,
    transactions: int = 1,
    cycles: int = 1_000,
    is_certified: bool = True,
) -> BlockSummary:
    checkpoint = Checkpoint(ChainId(1), BlockNumber(number), ZERO, ZERO, ZERO, ZERO, ZERO, 0)
    certificate = CheckpointCertificate(checkpoint, b"\x07", BlsSignature(bytes(96)))
    return BlockSummary(
        number, size, int(at * 1000), transactions, cycles, certificate if is_certified else None
    )


def cut_of(blocks: list[BlockSummary], now: float, **changes: object) -> list[int] | None:
    """Numbers of the blocks that are cut at a time, or None."""
    state = replace(BatchingState(POLICY), **changes)  # type: ignore[arg-type]  # fields
    state, _ = step(state, BlocksSeen(tuple(blocks)), now)
    _, cuts = step(state, Tick(), now)
    return [entry.number for entry in cuts[0].blocks] if cuts else None


def test_blocks_wait_for_company_and_are_cut_when_the_oldest_is_old_enough() -> None:
    blocks = [block(number) for number in (1, 2, 3)]
    assert cut_of(blocks, now=59) is None
    assert cut_of(blocks, now=60) == [1, 2, 3]


def test_empty_blocks_wait_longer() -> None:
    blocks = [block(number, transactions=0) for number in (1, 2)]
    assert cut_of(blocks, now=599) is None
    assert cut_of(blocks, now=600) == [1, 2]


def test_empty_blocks_before_a_transaction_do_not_make_it_older() -> None:
    blocks = [block(1, transactions=0), block(2, at=50)]
    assert cut_of(blocks, now=60) is None
    assert cut_of(blocks, now=110) == [1, 2]


@pytest.mark.parametrize(
    "full",
    [
        [block(number, size=4_000) for number in (1, 2, 3)],
        [block(number, cycles=400_000) for number in (1, 2, 3)],
    ],
)
def test_a_full_batch_is_cut_at_once(full: list[BlockSummary]) -> None:
    assert cut_of(full, now=1) == [1, 2]


def test_so_many_blocks_are_a_full_batch() -> None:
    assert cut_of([block(number) for number in range(1, 8)], now=1) is None
    assert cut_of([block(number) for number in range(1, 12)], now=1) == list(range(1, 9))


def test_a_batch_ends_at_a_certificate_only() -> None:
    blocks = [block(1), block(2), block(3, is_certified=False)]
    assert cut_of(blocks, now=60) == [1, 2]
    assert cut_of([block(1, is_certified=False)], now=10_000) is None


def test_a_batch_larger_than_the_limits_is_cut_if_nothing_smaller_ends_at_a_certificate() -> None:
    blocks = [block(number, size=4_000, is_certified=number == 4) for number in range(1, 6)]
    assert cut_of(blocks, now=1) == [1, 2, 3, 4]


def test_one_block_above_a_limit_is_a_batch() -> None:
    assert cut_of([block(1, size=50_000), block(2)], now=1) == [1]


def test_busy_provers_get_full_batches_only() -> None:
    blocks = [block(number) for number in (1, 2, 3)]
    assert cut_of(blocks, now=600, waiting_jobs=3) is None
    assert cut_of([block(n, size=4_000) for n in (1, 2, 3)], now=600, waiting_jobs=3) == [1, 2]


def test_too_many_open_batches_stop_all_cuts() -> None:
    state, _ = step(BatchingState(POLICY), BlocksSeen((block(1),)), 0)
    full, _ = step(state, LoadSeen(open_batches=2, waiting_jobs=0), 0)
    assert step(full, Tick(), 9_999)[1] == ()
    free, _ = step(full, LoadSeen(open_batches=1, waiting_jobs=0), 0)
    assert step(free, Tick(), 9_999)[1] == (Cut((block(1),)),)


def test_where_another_node_has_committed_this_one_cuts_too() -> None:
    blocks = [block(number) for number in (1, 2, 3)]
    state, _ = step(BatchingState(POLICY), BlocksSeen(tuple(blocks)), 0)
    state, _ = step(state, OthersSeen(frozenset({2})), 0)
    _, (cut,) = step(state, Tick(), 0)
    assert [entry.number for entry in cut.blocks] == [1, 2]


def test_blocks_that_do_not_follow_are_not_taken() -> None:
    assert cut_of([block(2), block(3)], now=9_999) is None
    assert cut_of([block(1), block(3)], now=9_999) == [1]


def test_the_next_batch_begins_after_the_last() -> None:
    state, _ = step(BatchingState(POLICY), BlocksSeen((block(1), block(2))), 0)
    state, _ = step(state, Tick(), 60)
    assert (state.next_block, state.open_batches) == (3, 1)
    state, _ = step(state, TipSet(7), 60)
    assert (state.next_block, state.blocks) == (8, ())


def test_a_tip_that_falls_back_opens_the_blocks_again() -> None:
    state, _ = step(BatchingState(POLICY), BlocksSeen((block(1), block(2))), 0)
    state, _ = step(state, Tick(), 60)
    state, _ = step(state, TipSet(0), 60)
    assert state.next_block == 1
    state, _ = step(state, BlocksSeen((block(1), block(2))), 60)
    assert [entry.number for entry in step(state, Tick(), 60)[1][0].blocks] == [1, 2]
