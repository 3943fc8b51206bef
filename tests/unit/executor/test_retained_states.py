"""How long the state after a final block can be read, and what a restarted executor knows."""

from pathlib import Path

import pytest
from local_network import GENESIS_TIMESTAMP_MS

from actors.execution_messages import ExecuteBlock, FinalizeBlock
from actors.executor import core
from actors.executor.chain_store import ChainStore
from actors.executor.core import UNPROVEN_BLOCKS_RETAINED, ChainExecutor
from bridge.work import ChainWork
from cluster.dev_genesis import dev_account, dev_genesis
from execution.errors import SnapshotRejectedError, UnknownBlockError
from execution.genesis import chain_spec
from execution.types import Address
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, Digest, Height, TimestampMs, View
from storage.store import Store, WriteBatch

GENESIS = dev_genesis([ValidatorKeys(bytes([1]) * 32)], GENESIS_TIMESTAMP_MS)
ANYBODY = Address(bytes.fromhex(dev_account(0).address[2:]))
STORE_HASH_OF_BLOCK_ZERO = bytes.fromhex("5f405f5500")
"""PUSH0 BLOCKHASH PUSH0 SSTORE STOP: init code that stores BLOCKHASH(0) in slot 0."""
COUNTER = bytes.fromhex("675f546001015f55005f5260086018f3")
"""Creates a contract that adds one to its slot 0 whenever it is called."""


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
    return transaction(role, nonce=0, data=code)


def transaction(role: ChainRole, nonce: int, data: bytes = b"", to: Address | None = None) -> bytes:
    fields = {
        "chainId": GENESIS.chain(role).chain_id,
        "nonce": nonce,
        "gas": 200_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 0,
        "value": 0,
        "data": data,
        "type": 2,
    }
    if to is not None:
        fields["to"] = to
    return bytes(dev_account(0).sign_transaction(fields).raw_transaction)


def created_by(executor: ChainExecutor, number: int) -> Address:
    block = executor.store.block(number)
    assert block is not None
    (receipt,) = block.receipts
    assert receipt.is_success
    assert receipt.contract_address is not None
    return receipt.contract_address


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
    stored = executor.engine.storage_at(created_by(executor, 2), 0)
    assert stored.to_bytes(32, "big") == genesis_hash
    executor.store.close()


def test_an_executor_that_starts_again_still_proves_the_states_of_before(tmp_path: Path) -> None:
    executor = open_executor(ChainRole.ZK, tmp_path)
    extend(executor)
    extend(executor, creation(ChainRole.ZK, COUNTER))
    counter = created_by(executor, 2)
    for count in range(1, 6):
        extend(executor, transaction(ChainRole.ZK, nonce=count, to=counter))
    before = [executor.engine.proof(counter, [0], number) for number in range(8)]
    assert [proof.storage[0].value for proof in before] == [0, 0, 0, 1, 2, 3, 4, 5]
    executor.store.close()

    executor = open_executor(ChainRole.ZK, tmp_path)
    assert [executor.engine.proof(counter, [0], number) for number in range(8)] == before
    extend(executor, transaction(ChainRole.ZK, nonce=6, to=counter))
    assert executor.engine.storage_at(counter, 0) == 6
    executor.store.close()


def test_what_is_kept_for_that_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "UNPROVEN_BLOCKS_RETAINED", 3)
    executor = open_executor(ChainRole.ZK, tmp_path)
    extend(executor, creation(ChainRole.ZK, COUNTER))
    counter = created_by(executor, 1)
    for count in range(1, 8):
        extend(executor, transaction(ChainRole.ZK, nonce=count, to=counter))
    expected = executor.engine.proof(counter, [0], 5)
    assert executor.store.oldest_state() == 5
    executor.store.close()

    executor = open_executor(ChainRole.ZK, tmp_path)
    assert executor.engine.proof(counter, [0], 5) == expected
    with pytest.raises(UnknownBlockError):
        executor.engine.proof(counter, [0], 4)
    executor.store.close()


def test_a_store_whose_way_back_is_wrong_is_refused(tmp_path: Path) -> None:
    executor = open_executor(ChainRole.ZK, tmp_path)
    extend(executor, creation(ChainRole.ZK, COUNTER))
    counter = created_by(executor, 1)
    for count in range(1, 4):
        extend(executor, transaction(ChainRole.ZK, nonce=count, to=counter))
    batch = WriteBatch()
    executor.store.append_undo(1, (), UNPROVEN_BLOCKS_RETAINED, batch)
    executor.store.commit(batch)
    executor.store.close()

    with pytest.raises(SnapshotRejectedError):
        open_executor(ChainRole.ZK, tmp_path)
