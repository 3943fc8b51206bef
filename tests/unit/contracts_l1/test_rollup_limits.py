"""The largest batch, block, bitmap and queue entry still fit a transaction of L1."""

import random
from dataclasses import replace

import pytest

from contracts.l1 import post_data_call
from contracts.l1.batches import MAX_POSTED_BLOCKS, MAX_POSTED_BYTES
from execution.block_data import block_data_hash
from execution.statement import RoundTotals
from execution.types import Address, Hash32
from tests.support.engine_chain import MOST_TRANSACTION_GAS, Outcome
from tests.support.rollup_world import MINTS_PER_ROUND, POSTER, RollupWorld, prove_arguments

ZERO = Hash32(bytes(32))
MAX_TRANSACTION_BYTES = 131_072
"""What nodes take at most."""


def post(world: RollupWorld, before: Hash32, blocks: list[bytes]) -> Outcome:
    """Post some data."""
    outcome = world.l1.transact(POSTER, world.rollup.address, post_data_call(before, blocks))
    block, _ = world.l1.executed[-1]
    (raw,) = block.transactions
    assert len(raw) <= MAX_TRANSACTION_BYTES
    return outcome


@pytest.mark.parametrize(
    ("count", "size"), [(1, MAX_POSTED_BYTES), (MAX_POSTED_BLOCKS, 92), (30, 4_000)]
)
def test_one_large_block_or_many_small_ones_are_posted_at_once(
    world: RollupWorld, count: int, size: int
) -> None:
    generator = random.Random(count)
    blocks = [generator.randbytes(size) for _ in range(count)]
    outcome = post(world, ZERO, blocks)
    assert outcome.is_success, outcome.reason
    assert outcome.gas_used < MOST_TRANSACTION_GAS // 2
    chain = block_data_hash(ZERO, blocks)
    assert world.rollup.view("posted_at", chain) == world.l1.now_seconds
    (event,) = world.rollup.events(outcome, "DataPosted")
    assert (event["before"], event["after"]) == (ZERO, chain)


def test_data_continues_a_posted_chain_only(world: RollupWorld) -> None:
    first = block_data_hash(ZERO, [b"first"])
    assert post(world, first, [b"second"]).reason == "data: the chain before was not posted"
    assert post(world, ZERO, [b"first"]).is_success
    assert post(world, first, [b"second"]).is_success
    assert world.rollup.view("posted_at", block_data_hash(first, [b"second"])) > 0


def test_posting_again_changes_nothing(world: RollupWorld) -> None:
    assert post(world, ZERO, [b"first"]).is_success
    chain = block_data_hash(ZERO, [b"first"])
    posted_at = world.rollup.view("posted_at", chain)
    world.l1.pass_time(10)
    assert post(world, ZERO, [b"first"]).is_success
    assert world.rollup.view("posted_at", chain) == posted_at


@pytest.mark.parametrize(
    ("lengths", "blocks", "reason"),
    [
        ([], b"", "data: no block"),
        ([], b"x", "data: no block"),
        ([0], b"", "data: a length does not fit"),
        ([1, 0], b"x", "data: a length does not fit"),
        ([2], b"x", "data: a length does not fit"),
        ([1, 2**256 - 1], b"xy", "data: a length does not fit"),
        ([1], b"xy", "data: bytes without a block"),
    ],
)
def test_lengths_and_bytes_fit_exactly(
    world: RollupWorld, lengths: list[int], blocks: bytes, reason: str
) -> None:
    assert world.rollup.refusal(POSTER, "post_data", ZERO, lengths, blocks) == reason


def test_as_many_rounds_as_one_block_can_report_settle(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    (statement,) = batch.statements
    rounds = {round_id: RoundTotals(MINTS_PER_ROUND, 1) for round_id in range(256)}
    batch = replace(batch, statements=(replace(statement, rounds=rounds),))
    world.commit(batch)
    assert world.prove(batch).gas_used < MOST_TRANSACTION_GAS
    assert world.finalize(batch).gas_used < MOST_TRANSACTION_GAS
    assert world.rollup.view("minted_in_round", 255) == MINTS_PER_ROUND


def test_more_rounds_have_to_be_cut_into_batches(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    (statement,) = batch.statements
    rounds = {round_id: RoundTotals(1, 1) for round_id in range(257)}
    claim = replace(statement, rounds=rounds)
    world.commit(batch)
    world.register(claim)
    arguments = prove_arguments(batch, claim)
    assert world.rollup.refusal(POSTER, "prove_batch", *arguments) == ("statement: too many rounds")


def test_more_assets_than_there_can_be_are_refused(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    (statement,) = batch.statements
    claim = replace(statement, inflows={Address(number.to_bytes(20)): 1 for number in range(17)})
    world.commit(batch)
    world.register(claim)
    arguments = prove_arguments(batch, claim)
    assert world.rollup.refusal(POSTER, "prove_batch", *arguments) == ("statement: too many assets")


def test_sixteen_segments_prove_a_batch_and_seventeen_do_not(world: RollupWorld) -> None:
    for _ in range(17):
        world.zk.block()
    sixteen = world.batch(segment_ends=range(1, 16))
    assert len(sixteen.statements) == 16
    world.commit(sixteen)
    assert world.prove(sixteen).gas_used < MOST_TRANSACTION_GAS // 4
    seventeen = (*sixteen.statements, sixteen.statements[0])
    other = prove_arguments(sixteen, *seventeen)
    assert not world.rollup.transact(POSTER, "prove_batch", *other).is_success


def test_a_large_set_of_validators_certifies_within_a_transaction() -> None:
    world = RollupWorld(validator_count=100)
    world.zk.block()
    batch = world.batch()
    assert world.commit(batch).gas_used < 1_500_000
