"""One chain's execution: speculation, rollback, finality on disk, replay from genesis."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_network import GENESIS_TIMESTAMP_MS, address_of, transfer

from actors.execution_messages import ExecuteBlock, FinalizeBlock, ResetChain
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.errors import OutOfStep
from bridge.work import ChainWork, SkipOutboundNonces
from cluster.dev_genesis import dev_genesis
from execution.genesis import chain_spec
from execution.types import Address
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, Digest, Height, TimestampMs, View
from storage.store import Store

ROLE = ChainRole.FAST
GENESIS = dev_genesis([ValidatorKeys(bytes([1]) * 32)], GENESIS_TIMESTAMP_MS)
START = genesis_digest(GENESIS)
RECEIVER = "0x" + "12" * 20

Opener = Callable[[], ChainExecutor]


@pytest.fixture
def open_executor(tmp_path: Path) -> Iterator[Opener]:
    """Opens the executor of one directory; the one before is gone by then."""
    opened: list[ChainExecutor] = []

    def open_one() -> ChainExecutor:
        for executor in opened:
            executor.store.close()
        spec = chain_spec(GENESIS, ROLE)
        store = ChainStore(Store(tmp_path / "chain"), spec.chain_id)
        executor = ChainExecutor(ROLE, spec, START, store)
        opened.append(executor)
        return executor

    yield open_one
    for executor in opened:
        executor.store.close()


def name(label: str) -> Digest:
    return Digest(label.encode().ljust(32, b"."))


def block(number: int, label: str, parent: Digest, *transactions: str) -> ExecuteBlock:
    return ExecuteBlock(
        role=ROLE,
        number=BlockNumber(number),
        digest=name(label),
        chain_parent=parent,
        height=Height(number),
        view=View(number),
        timestamp_ms=TimestampMs(GENESIS_TIMESTAMP_MS + 1000 * number),
        coinbase=Address(b"\x01" * 20),
        work=ChainWork(ROLE, BlockNumber(number), 0),
        transactions=tuple(bytes.fromhex(raw[2:]) for raw in transactions),
        senders=(None,) * len(transactions),
    )


def final(number: int, label: str) -> FinalizeBlock:
    return FinalizeBlock(BlockNumber(number), name(label), name(label))


def pay(nonce: int, value_wei: int) -> str:
    return transfer(ROLE, 0, nonce, to=RECEIVER, value_wei=value_wei)


def balance(executor: ChainExecutor) -> int:
    return executor.engine.accounts([Address(bytes.fromhex(RECEIVER[2:]))])[0].balance_wei


def test_a_block_of_another_branch_takes_the_place_of_one_that_is_not_final(
    open_executor: Opener,
) -> None:
    executor = open_executor()
    executor.apply([block(1, "a", START, pay(0, 5)), block(2, "b", name("a"), pay(1, 7))])
    assert balance(executor) == 12
    executor.apply([block(1, "c", START, pay(0, 100))])
    assert balance(executor) == 100
    assert executor.head_number == 1


def test_only_what_is_final_survives_the_death_of_the_executor(open_executor: Opener) -> None:
    executor = open_executor()
    executor.apply([block(1, "a", START, pay(0, 5)), final(1, "a"), block(2, "b", name("a"))])
    root = executor.store.result(1)
    again = open_executor()
    assert again.progress().final_number == 1
    assert again.progress().final_digest == name("a")
    assert balance(again) == 5
    assert again.head_number == 1
    assert again.store.result(1) == root


def test_a_block_is_executed_once_however_often_it_is_ordered(open_executor: Opener) -> None:
    executor = open_executor()
    order = block(1, "a", START, pay(0, 5))
    first = executor.apply([order]).executed
    assert executor.apply([order]).executed == first
    executor.apply([final(1, "a")])
    assert executor.apply([final(1, "a")]).final == ()
    with pytest.raises(OutOfStep):
        executor.apply([order])
    assert balance(executor) == 5


@pytest.mark.parametrize(
    "order",
    [
        block(2, "b", START),
        block(1, "b", name("a stranger")),
        final(1, "b"),
        final(2, "b"),
    ],
)
def test_what_does_not_follow_is_refused_and_changes_nothing(
    open_executor: Opener, order: ExecuteBlock | FinalizeBlock
) -> None:
    executor = open_executor()
    with pytest.raises(OutOfStep):
        executor.apply([order])
    assert executor.progress().final_number == 0


def test_progress_forgets_what_is_not_final(open_executor: Opener) -> None:
    executor = open_executor()
    executor.apply([block(1, "a", START, pay(0, 5)), final(1, "a"), block(2, "b", name("a"))])
    executor.progress()
    assert executor.head_number == 1


def test_results_are_given_again_from_disk(open_executor: Opener) -> None:
    executor = open_executor()
    answer = executor.apply(
        [block(1, "a", START, pay(0, 5)), block(2, "b", name("a")), final(1, "a"), final(2, "b")]
    )
    again = open_executor().final_results(1, 10)
    assert [result.executed.state_root for result in again] == [
        result.executed.state_root for result in answer.final
    ]
    assert [result.attested_digest for result in again] == [name("a"), name("b")]
    assert len(open_executor().final_results(2, 1)) == 1
    assert open_executor().final_results(3, 10) == ()


def test_a_reset_chain_remembers_its_replay_and_reaches_the_same_state(
    open_executor: Opener,
) -> None:
    executor = open_executor()
    orders = [block(1, "a", START, pay(0, 5)), final(1, "a")]
    before = executor.apply(orders).final[0].executed
    assert executor.progress().replay is None
    executor.apply([ResetChain(name("replay"))])
    assert executor.progress().final_number == 0
    assert balance(executor) == 0

    again = open_executor()
    assert again.progress().replay == name("replay")
    after = again.apply(orders).final[0].executed
    assert (after.state_root, after.block_hash) == (before.state_root, before.block_hash)
    assert open_executor().progress().replay == name("replay")


def test_a_replay_that_sends_nothing_goes_on_at_the_nonce_that_it_skipped_to(
    open_executor: Opener,
) -> None:
    first, second = block(1, "a", START), block(2, "b", name("a"))
    skip = (0, SkipOutboundNonces(next_nonce=7))
    executor = open_executor()
    answer = executor.apply([replace(first, work=replace(first.work, skip=skip)), second])
    assert [executed.next_message_nonce for executed in answer.executed] == [7, 7]


def test_the_state_after_a_restart_has_code_and_storage(open_executor: Opener) -> None:
    executor = open_executor()
    executor.apply([block(1, "a", START, pay(0, 5)), final(1, "a")])
    root = executor.apply([block(2, "b", name("a"), pay(1, 1))]).executed[0].state_root
    again = open_executor()
    assert again.apply([block(2, "b", name("a"), pay(1, 1))]).executed[0].state_root == root
    assert again.account_nonces([address_of(0)]) == [2]
