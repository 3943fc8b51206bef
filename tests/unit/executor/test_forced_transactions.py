"""What L1 forces in is the first transaction of its block, and is exported as it was tried."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_network import GENESIS_TIMESTAMP_MS, address_of, transfer

from actors.execution_messages import ExecuteBlock, FinalizeBlock
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.export import block_inputs
from bridge.work import ChainWork, Delivery
from cluster.dev_genesis import dev_genesis
from execution.engine import WasmEngine
from execution.genesis import chain_spec
from execution.types import Address, BlockInput
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, Message
from ledger.genesis import L1Anchor, genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlockNumber,
    ChainId,
    ChainRole,
    Digest,
    EvmAddress,
    Height,
    TimestampMs,
    View,
)
from storage.store import Store

L1 = L1Anchor(ChainId(5), EvmAddress(b"\x33" * 20))
GENESIS = dev_genesis([ValidatorKeys(bytes([1]) * 32)], GENESIS_TIMESTAMP_MS, L1)
SPEC = chain_spec(GENESIS, ChainRole.ZK)
START, DIGEST = genesis_digest(GENESIS), Digest(b"\x07" * 32)


def pay(account: int, nonce: int) -> bytes:
    return bytes.fromhex(transfer(ChainRole.ZK, account, nonce, to="0x" + "12" * 20)[2:])


def entry(nonce: int, raw: bytes, source: ChainId = L1.chain_id) -> Delivery:
    sender = EvmAddress(b"\x44" * 20)
    return Delivery(Message(source, nonce, sender, FORCED_TRANSACTION_ADDRESS, 0, 0, raw))


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[ChainExecutor]:
    store = ChainStore(Store(tmp_path / "chain"), SPEC.chain_id)
    yield ChainExecutor(ChainRole.ZK, SPEC, START, store)
    store.close()


def run(executor: ChainExecutor, work: ChainWork, *transactions: bytes) -> list[bytes]:
    """Execute and finalize block 1; gives its users' transactions, as they were included."""
    order = ExecuteBlock(
        role=ChainRole.ZK,
        number=BlockNumber(1),
        digest=DIGEST,
        chain_parent=START,
        height=Height(1),
        view=View(1),
        timestamp_ms=TimestampMs(GENESIS_TIMESTAMP_MS + 1000),
        coinbase=Address(b"\x01" * 20),
        work=work,
        transactions=transactions,
        senders=(None,) * len(transactions),
    )
    executor.apply([order, FinalizeBlock(BlockNumber(1), DIGEST, DIGEST)])
    stored = executor.store.block(1)
    assert stored is not None
    return list(stored.transactions[len(work.numbered_items()) :])


def exported(executor: ChainExecutor) -> BlockInput:
    (block,) = block_inputs(executor.store, 1, 1, L1.chain_id)
    stored = executor.store.block(1)
    assert stored is not None
    assert WasmEngine(SPEC).execute(block).block_hash == stored.block_hash
    return block


def forcing(*deliveries: Delivery) -> ChainWork:
    return ChainWork(ChainRole.ZK, BlockNumber(1), 0, l1_deliveries=deliveries)


def test_a_forced_transaction_comes_before_those_of_the_block(executor: ChainExecutor) -> None:
    included = run(executor, forcing(entry(0, pay(0, 0))), pay(1, 0), pay(0, 1))
    assert included == [pay(0, 0), pay(1, 0), pay(0, 1)]
    assert exported(executor).transactions == tuple(included)


def test_its_sender_is_recovered_and_the_mempool_hears_of_its_nonce(
    executor: ChainExecutor,
) -> None:
    order = forcing(entry(0, pay(0, 0)))
    assert run(executor, order) == [pay(0, 0)]
    assert executor.account_nonces([address_of(0)]) == [1]
    stored = executor.store.block(1)
    assert stored is not None
    assert stored.receipts[-1].sender == address_of(0)


@pytest.mark.parametrize("raw", [pay(0, 7), b"\xff", b"\x7e\xc0", b"\x02" + bytes(100)])
def test_one_that_cannot_run_is_skipped_and_exported_all_the_same(
    executor: ChainExecutor, raw: bytes
) -> None:
    assert run(executor, forcing(entry(0, raw)), pay(1, 0)) == [pay(1, 0)]
    assert exported(executor).transactions == (raw, pay(1, 0))


def test_one_that_the_block_repeats_later_is_exported_at_both_places(
    executor: ChainExecutor,
) -> None:
    """It comes too early as the first, and runs after the transaction that it waited for."""
    included = run(executor, forcing(entry(0, pay(0, 1))), pay(0, 0), pay(0, 1))
    assert included == [pay(0, 0), pay(0, 1)]
    assert exported(executor).transactions == (pay(0, 1), pay(0, 0), pay(0, 1))


def test_what_the_fast_chain_sends_to_that_address_forces_nothing(executor: ChainExecutor) -> None:
    fast = GENESIS.chain(ChainRole.FAST).chain_id
    work = ChainWork(ChainRole.ZK, BlockNumber(1), 0, deliveries=(entry(0, pay(0, 0), fast),))
    assert run(executor, work, pay(1, 0)) == [pay(1, 0)]
    assert exported(executor).transactions == (pay(1, 0),)
