"""What came from the fast chain is bounded on L1 once more, to the wei."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.statement import RoundTotals
from execution.types import Address
from ledger.hashing import keccak
from tests.support.engine_chain import ETHER
from tests.support.rollup_world import (
    CAPACITY_WEI,
    MALLORY,
    MINTS_PER_ROUND,
    OWNER,
    POSTER,
    REFILL_WEI_PER_SECOND,
    TIMELOCK_SECONDS,
    Batch,
    RollupWorld,
)

INFLOW_CAP, MINT_CAP = 3, 4
ETH = Address(bytes(20))
ANOTHER = Address(keccak(b"another asset")[12:])
SHARED_WORLD = [HealthCheck.function_scoped_fixture]
"""The examples draw on one bucket."""


def change(world: RollupWorld, kind: int, target: Address, first: int = 0, second: int = 0) -> None:
    """Propose a change, wait, and execute it."""
    world.rollup.must(OWNER, "propose", kind, target, first, second)
    world.l1.pass_time(TIMELOCK_SECONDS)
    world.rollup.must(OWNER, "execute", kind, target, first, second)


def with_inflow(world: RollupWorld, value_wei: int) -> Batch:
    """A proven batch in which so much came from the fast chain."""
    message = world.zk.from_fast(MALLORY.address, MALLORY.address, value_wei)
    (receipt,) = world.zk.block(messages=[message])
    assert receipt.is_success
    batch = world.batch()
    world.commit(batch)
    world.prove(batch)
    return batch


def with_claimed_inflow(world: RollupWorld, value_wei: int) -> Batch:
    """A proven batch whose statement says that so much came from the fast chain."""
    world.zk.block()
    batch = world.batch()
    claims = tuple(replace(statement, inflows={ETH: value_wei}) for statement in batch.statements)
    batch = replace(batch, statements=claims)
    world.commit(batch)
    world.prove(batch)
    return batch


def test_inflow_within_the_cap_becomes_final_and_is_counted(world: RollupWorld) -> None:
    world.finalize(with_inflow(world, CAPACITY_WEI))
    assert world.rollup.view("available_inflow", ETH) == 0


def test_inflow_over_the_cap_waits_for_the_bucket(world: RollupWorld) -> None:
    world.finalize(with_inflow(world, 8 * ETHER))
    batch = with_inflow(world, 5 * ETHER)
    refused = world.rollup.refusal(POSTER, "finalize_batch", batch.id, 0)
    assert refused == "caps: inflow over the cap"
    missing_seconds = 3 * ETHER // REFILL_WEI_PER_SECOND
    world.l1.pass_time(missing_seconds - 1)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 0) == refused
    world.l1.pass_time(1)
    world.finalize(batch)
    assert world.rollup.view("available_inflow", ETH) == 0


def test_inflow_above_the_capacity_needs_a_higher_cap(world: RollupWorld) -> None:
    batch = with_inflow(world, CAPACITY_WEI + 1)
    world.l1.pass_time(10**6)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 0) == (
        "caps: inflow over the cap"
    )
    change(world, INFLOW_CAP, ETH, 2 * CAPACITY_WEI, 1)
    world.l1.pass_time(1)
    world.finalize(batch)


def test_segments_of_a_batch_share_one_bucket(world: RollupWorld) -> None:
    for _ in range(2):
        message = world.zk.from_fast(MALLORY.address, MALLORY.address, 6 * ETHER)
        world.zk.block(messages=[message])
    batch = world.batch(segment_ends=(1,))
    world.commit(batch)
    world.prove(batch)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 0) == (
        "caps: inflow over the cap"
    )


def test_a_lower_cap_holds_at_once_and_a_higher_one_starts_where_it_was(
    world: RollupWorld,
) -> None:
    change(world, INFLOW_CAP, ETH, ETHER, 0)
    assert world.rollup.view("available_inflow", ETH) == ETHER
    change(world, INFLOW_CAP, ETH, 5 * ETHER, 0)
    assert world.rollup.view("available_inflow", ETH) == ETHER


def test_a_cap_that_could_overflow_is_refused(world: RollupWorld) -> None:
    for capacity, refill in ((2**128, 0), (0, 2**128)):
        world.rollup.must(OWNER, "propose", INFLOW_CAP, ETH, capacity, refill)
        world.l1.pass_time(TIMELOCK_SECONDS)
        assert world.rollup.refusal(OWNER, "execute", INFLOW_CAP, ETH, capacity, refill) == (
            "caps: above 2**128 - 1"
        )
    change(world, INFLOW_CAP, ETH, 2**128 - 1, 2**128 - 1)
    world.l1.pass_time(10**9)
    assert world.rollup.view("available_inflow", ETH) == 2**128 - 1


def test_an_asset_without_a_bucket_has_no_room(world: RollupWorld) -> None:
    assert world.rollup.view("available_inflow", ANOTHER) == 0
    world.zk.block()
    batch = world.batch()
    (statement,) = batch.statements
    foreign = replace(statement, inflows={ANOTHER: 1})
    batch = replace(batch, statements=(foreign,))
    world.commit(batch)
    world.prove(batch)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 0) == (
        "caps: inflow over the cap"
    )


@settings(max_examples=30, deadline=None, suppress_health_check=SHARED_WORLD)
@given(steps=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=5))
def test_a_bucket_neither_loses_nor_gains_a_wei(
    world: RollupWorld, steps: list[tuple[int, int]]
) -> None:
    level = world.rollup.view("available_inflow", ETH)
    for seconds, parts in steps:
        world.l1.pass_time(seconds)
        level = min(CAPACITY_WEI, level + seconds * REFILL_WEI_PER_SECOND)
        assert world.rollup.view("available_inflow", ETH) == level
        taken = level * parts // 7
        if taken:
            world.finalize(with_claimed_inflow(world, taken))
            level -= taken
    assert world.rollup.view("available_inflow", ETH) == level


def with_mints(world: RollupWorld, *rounds: tuple[int, int]) -> Batch:
    """A proven batch of one segment per entry: a round that was granted so many trophies."""
    for _ in rounds:
        world.zk.block()
    ends = range(world.last_block + 1, world.zk.head)
    batch = world.batch(segment_ends=tuple(ends))
    statements = tuple(
        replace(statement, rounds={round_id: RoundTotals(mints, 0)})
        for statement, (round_id, mints) in zip(batch.statements, rounds, strict=True)
    )
    batch = replace(batch, statements=statements)
    world.commit(batch)
    world.prove(batch)
    return batch


def test_mints_of_a_round_are_capped_in_total(world: RollupWorld) -> None:
    world.finalize(with_mints(world, (1, MINTS_PER_ROUND - 1), (2, MINTS_PER_ROUND), (1, 1)))
    assert world.rollup.view("minted_in_round", 1) == MINTS_PER_ROUND
    over = with_mints(world, (3, 1), (1, 1))
    assert world.rollup.refusal(POSTER, "finalize_batch", over.id, 0) == "caps: mints over the cap"
    change(world, MINT_CAP, ETH, MINTS_PER_ROUND + 1)
    world.finalize(over)
    assert world.rollup.view("minted_in_round", 3) == 1


def test_a_lower_mint_cap_stops_a_round_that_is_above_it(world: RollupWorld) -> None:
    world.finalize(with_mints(world, (1, 10)))
    change(world, MINT_CAP, ETH, 5)
    over = with_mints(world, (1, 1))
    assert world.rollup.refusal(POSTER, "finalize_batch", over.id, 0) == "caps: mints over the cap"


def test_no_number_in_a_statement_overflows_a_cap(world: RollupWorld) -> None:
    over = with_mints(world, (1, 2**256 - 1))
    assert world.rollup.refusal(POSTER, "finalize_batch", over.id, 0) == "caps: mints over the cap"
