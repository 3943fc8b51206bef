"""Rollback, finality, reads of older blocks, and snapshots."""

import pytest

from execution.engine import WasmEngine
from execution.errors import (
    BlockRejectedError,
    RollbackBelowFinalizedError,
    SnapshotRejectedError,
    UnknownBlockError,
)
from execution.types import AccountChange, Address, GenesisAccount
from tests.differential.assembler import assemble
from tests.unit.execution.wasm_chain import (
    ALICE,
    BOB,
    STRANGER,
    balance,
    block_input,
    contract_address,
    execute,
    make_spec,
    transaction,
)

COUNT_UP = assemble(0, "SLOAD", 1, "ADD", 0, "SSTORE")


def test_after_a_rollback_it_is_as_if_the_blocks_had_never_been() -> None:
    straight, detoured = WasmEngine(make_spec(COUNT_UP)), WasmEngine(make_spec(COUNT_UP))
    first = [transaction(to=contract_address(0))]
    second = [transaction(BOB, value_wei=7)]

    detoured.execute(block_input(1, first))
    detoured.execute(block_input(2, [transaction(nonce=1, to=contract_address(0))]))
    detoured.execute(block_input(3, [transaction(nonce=2, to=b"", data=b"\0")]))
    detoured.rollback(1)
    straight.execute(block_input(1, first))

    assert detoured.head_hash == straight.head_hash
    assert detoured.execute(block_input(2, second)) == straight.execute(block_input(2, second))


def test_a_rollback_to_the_head_changes_nothing() -> None:
    engine = WasmEngine(make_spec())
    execute(engine)
    head_hash = engine.head_hash

    engine.rollback(1)

    assert (engine.head_number, engine.head_hash) == (1, head_hash)


def test_a_rollback_to_the_last_final_block_works_and_below_it_does_not() -> None:
    engine = WasmEngine(make_spec())
    for _ in range(3):
        execute(engine)
    engine.finalize(2)

    with pytest.raises(RollbackBelowFinalizedError):
        engine.rollback(1)
    engine.rollback(2)

    assert (engine.head_number, engine.finalized_number) == (2, 2)


def test_a_rollback_to_the_future_is_refused() -> None:
    engine = WasmEngine(make_spec())

    with pytest.raises(UnknownBlockError):
        engine.rollback(1)


def test_finality_never_goes_back_and_never_ahead_of_the_head() -> None:
    engine = WasmEngine(make_spec())
    for _ in range(3):
        execute(engine)

    engine.finalize(2)
    engine.finalize(1)
    with pytest.raises(UnknownBlockError):
        engine.finalize(4)

    assert engine.finalized_number == 2


def test_every_retained_block_answers_with_its_own_state() -> None:
    engine = WasmEngine(make_spec(COUNT_UP))
    for nonce in range(5):
        execute(
            engine,
            transaction(nonce=2 * nonce, value_wei=10),
            transaction(nonce=2 * nonce + 1, to=contract_address(0)),
        )

    assert [balance(engine, STRANGER, number) for number in range(6)] == [0, 10, 20, 30, 40, 50]
    assert [engine.storage_at(contract_address(0), 0, number) for number in range(6)] == [*range(6)]
    assert [engine.accounts([ALICE.address], number)[0].nonce for number in range(6)] == [
        *range(0, 12, 2)
    ]


def test_final_blocks_are_kept_for_256_blocks_and_unfinal_ones_for_ever() -> None:
    engine = WasmEngine(make_spec())
    for _ in range(300):
        execute(engine)
    engine.accounts([STRANGER], 0)

    engine.finalize(300)

    engine.accounts([STRANGER], 44)
    with pytest.raises(UnknownBlockError, match="expected 44 to 300"):
        engine.accounts([STRANGER], 43)


@pytest.mark.parametrize("number", [0, 2])
def test_a_block_with_another_than_the_next_number_is_rejected(number: int) -> None:
    engine = WasmEngine(make_spec())

    with pytest.raises(BlockRejectedError, match="expected 1"):
        engine.execute(block_input(number))

    assert engine.head_number == 0


def test_a_timestamp_may_repeat_but_not_go_back() -> None:
    engine = WasmEngine(make_spec())

    engine.execute(block_input(1, timestamp_seconds=1_000))
    with pytest.raises(BlockRejectedError, match="at least 1000 s"):
        engine.execute(block_input(2, timestamp_seconds=999))


def apply_changes(
    state: dict[Address, GenesisAccount], changes: tuple[AccountChange, ...]
) -> dict[Address, GenesisAccount]:
    """What a store that follows the engine does with a block's changes."""
    state = dict(state)
    for change in changes:
        if change.is_deleted:
            del state[change.address]
            continue
        before = state.get(change.address, GenesisAccount())
        kept = {} if change.is_storage_wiped else before.storage
        storage = {slot: value for slot, value in (kept | change.storage).items() if value}
        code = before.code if change.code is None else change.code
        state[change.address] = GenesisAccount(change.balance_wei, change.nonce, code, storage)
    return state


def run_some_blocks(engine: WasmEngine) -> dict[Address, GenesisAccount]:
    state = dict(make_spec(COUNT_UP).alloc)
    for nonce in range(4):
        output = execute(
            engine,
            transaction(nonce=nonce, to=contract_address(0)),
            transaction(BOB, nonce=nonce, to=b"", data=assemble(1, nonce, "SSTORE")),
        )
        state = apply_changes(state, output.changes)
    return state


def test_a_store_that_follows_the_changes_can_start_another_engine() -> None:
    original = WasmEngine(make_spec(COUNT_UP))
    state = run_some_blocks(original)

    restored = WasmEngine.from_snapshot(
        make_spec(), original.head_header_rlp, state.items(), {3: original.head_hash}
    )
    block = block_input(5, [transaction(nonce=4, to=contract_address(0))])

    assert restored.head_hash == original.head_hash
    assert restored.head_number == restored.finalized_number == 4
    assert restored.execute(block) == original.execute(block)


def test_a_snapshot_with_one_wrong_balance_is_rejected() -> None:
    original = WasmEngine(make_spec(COUNT_UP))
    state = run_some_blocks(original)
    state[STRANGER] = GenesisAccount(balance_wei=1)

    with pytest.raises(SnapshotRejectedError, match="state root"):
        WasmEngine.from_snapshot(make_spec(), original.head_header_rlp, state.items(), {})


def test_a_snapshot_with_a_changed_header_is_rejected() -> None:
    original = WasmEngine(make_spec(COUNT_UP))
    state = run_some_blocks(original)

    with pytest.raises(SnapshotRejectedError):
        WasmEngine.from_snapshot(make_spec(), original.head_header_rlp[:-1], state.items(), {})
