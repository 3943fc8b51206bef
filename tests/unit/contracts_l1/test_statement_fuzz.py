"""The Rollup joins statements exactly as `execution.statement.combine` does, for any statements."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.l1.batches import GENESIS_BATCH
from execution.errors import BrokenChainError
from execution.statement import (
    Accumulators,
    RoundTotals,
    Statement,
    combine,
)
from execution.types import Address, Hash32
from ledger.hashing import keccak
from ledger.types import BlockNumber, EvmHash
from tests.support.rollup_world import (
    L1_CHAIN_ID,
    POSTER,
    ZK_CHAIN_ID,
    Batch,
    RollupWorld,
    prove_arguments,
)

ETH = Address(bytes(20))
SHARED_WORLD = [HealthCheck.function_scoped_fixture]
"""Each example proves another batch on the genesis."""

HASHES = st.integers(0, 2**64).map(lambda number: Hash32(keccak(number.to_bytes(16))))
ACCUMULATORS = st.builds(Accumulators, HASHES, HASHES, HASHES, HASHES, HASHES)
INFLOWS = st.dictionaries(
    st.just(ETH) | st.binary(min_size=20, max_size=20).map(Address),
    st.integers(1, 2**200),
    max_size=3,
)
ROUNDS = st.dictionaries(
    st.integers(0, 2**256 - 1),
    st.builds(RoundTotals, st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1)),
    max_size=3,
)


@st.composite
def segments(draw: st.DrawFn, genesis: tuple[Hash32, Hash32]) -> tuple[Statement, ...]:
    """Consecutive statements from the genesis on, in which one field may be wrong."""
    root, block_hash = genesis
    number, before = 0, Accumulators()
    made: list[Statement] = []
    for _ in range(draw(st.integers(1, 4))):
        statement = Statement(
            chain_id=ZK_CHAIN_ID,
            l1_chain_id=L1_CHAIN_ID,
            is_base_fee_zero=True,
            first_block=number + 1,
            last_block=number + draw(st.integers(1, 1000)),
            previous_state_root=root,
            new_state_root=draw(HASHES),
            previous_block_hash=block_hash,
            last_block_hash=draw(HASHES),
            before=before,
            after=draw(ACCUMULATORS),
            inflows=draw(INFLOWS),
            rounds=draw(ROUNDS),
        )
        made.append(statement)
        root, block_hash = statement.new_state_root, statement.last_block_hash
        number, before = statement.last_block, statement.after
    if draw(st.booleans()):
        at = draw(st.integers(0, len(made) - 1))
        made[at] = replace(made[at], **draw(st.sampled_from(_changes(made[at]))))
    return tuple(made)


def _changes(statement: Statement) -> list[dict[str, Any]]:
    """Every way in which one field of a statement may be wrong."""
    other = Hash32(keccak(b"other"))
    chains = ("block_data", "deposits", "inbound", "certificates", "outbox")
    return [
        {"chain_id": 1},
        {"l1_chain_id": 1},
        {"is_base_fee_zero": False},
        {"first_block": statement.first_block + 1},
        {"previous_state_root": other},
        {"previous_block_hash": other},
        *({"before": replace(statement.before, **{name: other})} for name in chains),
    ]


def genesis_of(world: RollupWorld) -> tuple[Hash32, Hash32]:
    """State root and hash of the ZK chain's block 0."""
    return world.settings.genesis_state_root, world.settings.genesis_block_hash


def ending_in(world: RollupWorld, statements: tuple[Statement, ...]) -> Batch:
    """A batch of its own whose certificate and data name the end of the last statement."""
    last = statements[-1]
    salt = world.l1.engine.head_number.to_bytes(8)
    checkpoint = replace(
        world.checkpoint(0),
        number=BlockNumber(last.last_block),
        ledger_digest=EvmHash(keccak(salt)),
        block_hash=EvmHash(last.last_block_hash),
        state_root=EvmHash(last.new_state_root),
    )
    block = keccak(b"data" + last.last_block_hash)
    chain = Hash32(keccak(bytes(32) + keccak(block)))
    return Batch(GENESIS_BATCH, checkpoint, (block,), Hash32(bytes(32)), chain, statements, 0)


def genesis_statement(world: RollupWorld) -> Statement:
    """The statement whose end is the genesis: what the first one has to follow."""
    root, block_hash = genesis_of(world)
    return Statement(
        ZK_CHAIN_ID,
        L1_CHAIN_ID,
        is_base_fee_zero=True,
        first_block=0,
        last_block=0,
        previous_state_root=Hash32(bytes(32)),
        new_state_root=root,
        previous_block_hash=Hash32(bytes(32)),
        last_block_hash=block_hash,
        before=Accumulators(),
        after=Accumulators(),
        inflows={},
        rounds={},
    )


@settings(max_examples=60, deadline=None, suppress_health_check=SHARED_WORLD)
@given(data=st.data())
def test_the_rollup_takes_what_combine_takes(world: RollupWorld, data: st.DataObject) -> None:
    statements = data.draw(segments(genesis_of(world)))
    batch = ending_in(world, statements)
    # The last statement's chain of data has to be the posted one.
    after = replace(statements[-1].after, block_data=batch.data_chain)
    statements = (*statements[:-1], replace(statements[-1], after=after))
    try:
        combined = combine((genesis_statement(world), *statements))
    except BrokenChainError:
        combined = None

    world.commit(batch)
    world.register(*statements)
    outcome = world.rollup.transact(POSTER, "prove_batch", *prove_arguments(batch, *statements))
    if combined is None:
        assert not outcome.is_success
        assert outcome.reason.startswith("statement: ")
        return
    assert outcome.is_success, outcome.reason
    end = world.rollup.view("batch", batch.id)[3]
    others = keccak(combined.after.inbound + combined.after.certificates + combined.after.outbox)
    assert end == (
        combined.last_block,
        combined.last_block_hash,
        combined.new_state_root,
        combined.after.block_data,
        combined.after.deposits,
        others,
    )
