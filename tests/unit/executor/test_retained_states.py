"""How long the state after a final block can be read, and what a restarted executor knows."""

from pathlib import Path

import pytest
from local_network import GENESIS_TIMESTAMP_MS

from actors.execution_messages import ExecuteBlock, FinalizeBlock
from actors.executor.chain_store import ChainStore
from actors.executor.core import UNPROVEN_BLOCKS_RETAINED, ChainExecutor
from bridge.work import ChainWork
from cluster.dev_genesis import dev_account, dev_genesis
from execution.errors import UnknownBlockError
from execution.genesis import chain_spec
from execution.types import Address
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, Digest, Height, TimestampMs, View
from storage.store import Store

GENESIS = dev_genesis([ValidatorKeys(bytes([1]) * 32)], GENESIS_TIMESTAMP_MS)
ANYBODY = Address(bytes.fromhex(dev_account(0).address[2:]))
STORE_HASH_OF_BLOCK_ZERO = bytes.fromhex("5f405f5500")
"""PUSH0 BLOCKHASH PUSH0 SSTORE STOP: init code that stores BLOCKHASH(0) in slot 0."""


def open_executor(role: ChainRole, directory: Path) -> ChainExecutor:
    spec = chain_spec(GENESIS, role)
    store = ChainStore(Store(directory), spec.chain_id)
    return ChainExecutor(role, spec, genesis_digest(GENESIS), store)


def digest_of(number: int) -> Digest:
    return genesis_digest(GENESIS) if number == 0 else Digest(number.to_bytes(32, "big"))


def extend(executor: ChainExecutor, *transactions: bytes) -> None:
    """Execute one more block and make it final."""
    number = executor.head_number + 1
    executor.apply(
        [
            ExecuteBlock(
                role=executor.role,
                number=BlockNumber(number),
                digest=digest_of(number),
                chain_parent=digest_of(number - 1),
                height=Height(number),
                view=View(number),
                timestamp_ms=TimestampMs(GENESIS_TIMESTAMP_MS + 1000 * number),
                coinbase=Address(b"\x01" * 20),
                work=ChainWork(executor.role, BlockNumber(number), 0),
                transactions=transactions,
                senders=(None,) * len(transactions),
            ),
            FinalizeBlock(BlockNumber(number), digest_of(number), digest_of(number)),
        ]
    )


def creation(role: ChainRole, code: bytes) -> bytes:
    fields = {
        "chainId": GENESIS.chain(role).chain_id,
        "nonce": 0,
        "gas": 200_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 0,
        "value": 0,
        "data": code,
        "type": 2,
    }
    return bytes(dev_account(0).sign_transaction(fields).raw_transaction)


def test_a_state_of_the_zk_chain_is_readable_long_after_it_became_final(tmp_path: Path) -> None:
    executor = open_executor(ChainRole.ZK, tmp_path)
    for _ in range(300):
        extend(executor)
    assert UNPROVEN_BLOCKS_RETAINED > 300
    assert executor.engine.accounts([ANYBODY], 1)[0].balance_wei > 0
    executor.store.close()


def test_a_state_of_the_fast_chain_is_forgotten_after_256_blocks(tmp_path: Path) -> None:
    executor = open_executor(ChainRole.FAST, tmp_path)
    for _ in range(300):
        extend(executor)
    with pytest.raises(UnknownBlockError):
        executor.engine.accounts([ANYBODY], 1)
    assert executor.engine.accounts([ANYBODY], 100)[0].balance_wei > 0
    executor.store.close()


def test_an_executor_that_starts_again_still_knows_the_genesis_block_s_hash(
    tmp_path: Path,
) -> None:
    executor = open_executor(ChainRole.ZK, tmp_path)
    genesis_hash = executor.engine.head_hash
    extend(executor)
    executor.store.close()

    executor = open_executor(ChainRole.ZK, tmp_path)
    extend(executor, creation(ChainRole.ZK, STORE_HASH_OF_BLOCK_ZERO))
    block = executor.store.block(2)
    assert block is not None
    (receipt,) = block.receipts
    assert receipt.is_success
    assert receipt.contract_address is not None
    stored = executor.engine.storage_at(receipt.contract_address, 0)
    assert stored.to_bytes(32, "big") == genesis_hash
    executor.store.close()
