"""Witnesses of final blocks for the pool: forward, backward, in halves."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from actors.prover.errors import SegmentUnsplittable
from actors.prover.pool.messages import SegmentInput
from actors.prover.stf import load_guest
from actors.prover.witnesses import WitnessMaker
from execution.block_data import BatchBlock
from execution.statement import Statement, combine, decode, public_values
from execution.witness import run_batch
from tests.integration.prover.test_batches import SPEC, blocks

ALL_IN_ONE = 1 << 40


class ListedHistory:
    """Final blocks from a list, in place of a node's disk."""

    spec = SPEC
    l1_chain_id = 1

    def batch_blocks(self, first: int, last: int) -> list[BatchBlock]:
        return blocks(last)[first - 1 :]


def witness_maker() -> WitnessMaker:
    history: Any = ListedHistory()
    return WitnessMaker(lambda: nullcontext(history), load_guest())  # type: ignore[arg-type, return-value]  # a history that needs no closing


def statements(segments: list[SegmentInput]) -> list[Statement]:
    found = [decode(segment.statement) for segment in segments]
    for segment, statement in zip(segments, found, strict=True):
        assert run_batch(segment.witness) == statement
        assert segment.public_values == public_values(statement)
        assert (segment.first_block, segment.last_block) == (
            statement.first_block,
            statement.last_block,
        )
    return found


def test_batches_that_follow_one_another_chain() -> None:
    maker = witness_maker()
    first = statements(maker.segments_for(1, 2, segment_cycles=1))
    second = statements(maker.segments_for(3, 4, segment_cycles=ALL_IN_ONE))
    whole = statements(witness_maker().segments_for(1, 4, segment_cycles=ALL_IN_ONE))
    assert [combine([*first, *second])] == whole


def test_blocks_that_nobody_wants_proved_are_skipped() -> None:
    (expected,) = witness_maker().segments_for(3, 3)
    maker = witness_maker()
    maker.segments_for(1, 1)
    assert maker.segments_for(3, 3) == [expected]


def test_the_same_blocks_give_the_same_segments_again() -> None:
    maker = witness_maker()
    assert maker.segments_for(1, 2) == maker.segments_for(1, 2)


def test_a_segment_is_split_into_halves_that_say_the_same_together() -> None:
    maker = witness_maker()
    maker.segments_for(1, 1)
    (whole,) = maker.segments_for(2, 4, segment_cycles=ALL_IN_ONE)
    halves = maker.split(2, 4)
    assert [(half.first_block, half.last_block) for half in halves] == [(2, 2), (3, 4)]
    assert combine(statements(halves)) == decode(whole.statement)


def test_halves_can_be_split_again_while_later_blocks_are_cut() -> None:
    maker = witness_maker()
    maker.segments_for(1, 4, segment_cycles=ALL_IN_ONE)
    maker.split(1, 4)
    maker.segments_for(5, 5)
    quarters = maker.split(3, 4)
    assert [half.first_block for half in quarters] == [3, 4]


def test_another_process_splits_in_the_same_way() -> None:
    maker = witness_maker()
    maker.segments_for(1, 4, segment_cycles=ALL_IN_ONE)
    assert witness_maker().split(2, 4) == maker.split(2, 4)


def test_one_block_cannot_be_split() -> None:
    with pytest.raises(SegmentUnsplittable, match="expected at least two blocks"):
        witness_maker().split(2, 2)
