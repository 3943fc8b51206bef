"""What a chain's store keeps of its blocks is enough to make the same blocks again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_network import GENESIS_TIMESTAMP_MS, transfer

from actors.execution_messages import ExecuteBlock, FinalizeBlock
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.errors import StoreDamaged
from actors.executor.export import block_inputs
from bridge.work import ChainWork, RecordZkRoot
from cluster.dev_genesis import dev_genesis
from execution.engine import WasmEngine
from execution.genesis import chain_spec
from execution.types import Address
from ledger.genesis import NO_L1, genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, Digest, EvmHash, Height, TimestampMs, View
from storage.store import Store

GENESIS = dev_genesis([ValidatorKeys(bytes([1]) * 32)], GENESIS_TIMESTAMP_MS)
SPEC = chain_spec(GENESIS, ChainRole.FAST)
LAST = 3


def order(number: int, parent: Digest) -> ExecuteBlock:
    """A block with a system transaction, a transfer, and one that is skipped for its nonce."""
    raws = [
        transfer(ChainRole.FAST, 0, nonce, to="0x" + "12" * 20, value_wei=5)
        for nonce in (number - 1, 77)
    ]
    return ExecuteBlock(
        role=ChainRole.FAST,
        number=BlockNumber(number),
        digest=Digest(bytes([number]) * 32),
        chain_parent=parent,
        height=Height(number),
        view=View(number),
        timestamp_ms=TimestampMs(GENESIS_TIMESTAMP_MS + 1000 * number),
        coinbase=Address(b"\x01" * 20),
        work=ChainWork(
            ChainRole.FAST,
            BlockNumber(number),
            number - 1,
            zk_roots=(RecordZkRoot(BlockNumber(number), EvmHash(bytes(32))),),
        ),
        transactions=tuple(bytes.fromhex(raw[2:]) for raw in raws),
        senders=(None, None),
    )


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[ChainExecutor]:
    store = ChainStore(Store(tmp_path / "chain"), SPEC.chain_id)
    start = genesis_digest(GENESIS)
    executor = ChainExecutor(ChainRole.FAST, SPEC, start, store)
    parent = start
    for number in range(1, LAST + 1):
        executor.apply([order(number, parent)])
        parent = Digest(bytes([number]) * 32)
        executor.apply([FinalizeBlock(BlockNumber(number), parent, parent)])
    yield executor
    store.close()


def test_exported_blocks_give_the_same_hashes_while_the_node_has_its_store_open(
    executor: ChainExecutor, tmp_path: Path
) -> None:
    reading = ChainStore(Store(tmp_path / "chain", is_read_only=True), SPEC.chain_id)
    engine = WasmEngine(SPEC)
    hashes = [
        engine.execute(block).block_hash for block in block_inputs(reading, 1, LAST, NO_L1.chain_id)
    ]
    stored = [executor.store.block(number) for number in range(1, LAST + 1)]
    assert hashes == [block.block_hash for block in stored if block is not None]
    reading.close()


def test_a_block_that_is_not_there_is_named(executor: ChainExecutor) -> None:
    with pytest.raises(StoreDamaged, match="block 4"):
        block_inputs(executor.store, 1, LAST + 1, NO_L1.chain_id)
