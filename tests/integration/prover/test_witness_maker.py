"""Witnesses of final blocks for the pool: forward, backward, in halves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.prover.errors import SegmentUnsplittable
from actors.prover.frontier import Frontier
from actors.prover.pool.messages import SegmentInput
from actors.prover.stf import load_guest
from actors.prover.witnesses import WitnessMaker
from cluster.dev_genesis import dev_account
from execution.block_data import BatchBlock
from execution.engine import WasmEngine
from execution.statement import Statement, combine, decode, public_values
from execution.types import AccountChange, Address
from execution.witness import run_batch
from tests.integration.prover.test_batches import SPEC, blocks

ALL_IN_ONE = 1 << 40

MakeMaker = Callable[..., WitnessMaker]


class ListedHistory:
    """Final blocks from a list, in place of a node's disk; notes what was read."""

    spec = SPEC
    l1_chain_id = 1

    def __init__(self, is_of_another_chain: bool = False) -> None:
        self.read: list[tuple[int, int]] = []
        self._is_of_another_chain = is_of_another_chain

    def batch_blocks(self, first: int, last: int) -> list[BatchBlock]:
        self.read.append((first, last))
        return self.chain(last)[first - 1 :]

    def chain(self, last: int) -> list[BatchBlock]:
        return blocks(last)

    def block_hash(self, number: int) -> bytes:
        engine = WasmEngine(SPEC)
        for entry in self.chain(number):
            engine.execute(entry.block)
        return bytes(32) if self._is_of_another_chain else engine.head_hash


class BackwardHistory(ListedHistory):
    """Its third block keeps the hash of a block before it in the storage of a new contract."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self._wanted = wanted

    def chain(self, last: int) -> list[BatchBlock]:
        entries = blocks(last)
        if last >= 3:
            # PUSH1 wanted BLOCKHASH PUSH1 0 SSTORE STOP
            code = bytes([0x60, self._wanted, 0x40, 0x60, 0x00, 0x55, 0x00])
            fields = {"nonce": 2, "chainId": SPEC.chain_id, "gas": 200_000, "value": 0}
            fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0}
            signed = dev_account(0).sign_transaction(fields | fees | {"data": code})
            block = replace(entries[2].block, transactions=(bytes(signed.raw_transaction),))
            entries[2] = replace(entries[2], block=block)
        return entries


@pytest.fixture
def witness_maker(tmp_path: Path) -> Iterator[MakeMaker]:
    """Makes makers: each is a new process on the same disk, or on one of its own."""
    disks = itertools.count()
    with ExitStack() as open_disks:

        def make(history: ListedHistory | None = None, disk: Path | None = None) -> WitnessMaker:
            directory = disk or tmp_path / f"disk {next(disks)}"
            frontier = open_disks.enter_context(Frontier(directory, SPEC))
            found: Any = ListedHistory() if history is None else history
            maker = WitnessMaker(lambda: nullcontext(found), load_guest(), frontier)
            return maker

        yield make


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


def test_batches_that_follow_one_another_chain(witness_maker: MakeMaker) -> None:
    maker = witness_maker()
    first = statements(maker.segments_for(1, 2, segment_cycles=1))
    second = statements(maker.segments_for(3, 4, segment_cycles=ALL_IN_ONE))
    whole = statements(witness_maker().segments_for(1, 4, segment_cycles=ALL_IN_ONE))
    assert [combine([*first, *second])] == whole


def test_blocks_that_nobody_wants_proved_are_skipped(witness_maker: MakeMaker) -> None:
    (expected,) = witness_maker().segments_for(3, 3)
    maker = witness_maker()
    maker.segments_for(1, 1)
    assert maker.segments_for(3, 3) == [expected]


def test_the_same_blocks_give_the_same_segments_again(witness_maker: MakeMaker) -> None:
    maker = witness_maker()
    assert maker.segments_for(1, 2) == maker.segments_for(1, 2)


def test_a_segment_is_split_into_halves_that_say_the_same_together(
    witness_maker: MakeMaker,
) -> None:
    maker = witness_maker()
    maker.segments_for(1, 1)
    (whole,) = maker.segments_for(2, 4, segment_cycles=ALL_IN_ONE)
    halves = maker.split(2, 4)
    assert [(half.first_block, half.last_block) for half in halves] == [(2, 2), (3, 4)]
    assert combine(statements(halves)) == decode(whole.statement)


def test_halves_can_be_split_again_while_later_blocks_are_cut(witness_maker: MakeMaker) -> None:
    maker = witness_maker()
    maker.segments_for(1, 4, segment_cycles=ALL_IN_ONE)
    maker.split(1, 4)
    maker.segments_for(5, 5)
    quarters = maker.split(3, 4)
    assert [half.first_block for half in quarters] == [3, 4]


def test_another_process_splits_in_the_same_way(witness_maker: MakeMaker) -> None:
    maker = witness_maker()
    maker.segments_for(1, 4, segment_cycles=ALL_IN_ONE)
    assert witness_maker().split(2, 4) == maker.split(2, 4)


def test_one_block_cannot_be_split(witness_maker: MakeMaker) -> None:
    with pytest.raises(SegmentUnsplittable, match="expected at least two blocks"):
        witness_maker().split(2, 2)


# A NEW PROCESS


def test_a_new_process_goes_on_from_the_frontier(witness_maker: MakeMaker, tmp_path: Path) -> None:
    expected = witness_maker()
    expected.segments_for(1, 2)
    disk = tmp_path / "disk"
    with Frontier(disk, SPEC) as frontier:
        first: Any = ListedHistory()
        WitnessMaker(lambda: nullcontext(first), load_guest(), frontier).segments_for(1, 2)
    history = ListedHistory()
    maker = witness_maker(history, disk)
    assert maker.segments_for(3, 4) == expected.segments_for(3, 4)
    assert history.read == [(3, 4)], "nothing before the frontier is executed again"
    assert maker.segments_for(5, 5) == expected.segments_for(5, 5)


@pytest.mark.parametrize("trouble", ["earlier blocks", "another chain", "damage"])
def test_a_frontier_of_no_use_is_left_for_genesis(
    witness_maker: MakeMaker, tmp_path: Path, trouble: str
) -> None:
    expected = witness_maker()
    disk = tmp_path / "disk"
    with Frontier(disk, SPEC) as frontier:
        first: Any = ListedHistory()
        WitnessMaker(lambda: nullcontext(first), load_guest(), frontier).segments_for(1, 2)
        standing = frontier.standing()
        assert standing is not None
        if trouble == "damage":
            balance = AccountChange(Address(bytes(20)), False, 7, 7, None, False, {})
            frontier.advance(standing, [balance])
    history = ListedHistory(is_of_another_chain=trouble == "another chain")
    maker = witness_maker(history, disk)
    first_block = 2 if trouble == "earlier blocks" else 3
    assert maker.segments_for(first_block, 3) == expected.segments_for(first_block, 3)
    assert history.read[-1] == (1, first_block - 1)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_blocks_that_look_back_beyond_the_frontier_are_witnessed_as_well(
    witness_maker: MakeMaker, tmp_path: Path, wanted: int
) -> None:
    history = BackwardHistory(wanted)
    expected = witness_maker(history)
    expected.segments_for(1, 2)
    disk = tmp_path / "disk"
    with Frontier(disk, SPEC) as frontier:
        found: Any = history
        WitnessMaker(lambda: nullcontext(found), load_guest(), frontier).segments_for(1, 2)
    (segment,) = witness_maker(history, disk).segments_for(3, 3)
    assert [segment] == expected.segments_for(3, 3)
    assert run_batch(segment.witness).new_state_root == decode(segment.statement).new_state_root
