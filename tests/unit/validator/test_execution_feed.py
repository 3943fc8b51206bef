"""The feed keeps one executor in step with the ledger."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from block_world import GENESIS, VALIDATORS, empty_tree, grow, unsigned_finalization
from local_network import LocalExecutor, address_of, transfer

from actors.execution_messages import ExecutorAnswer, ExecutorCommand, FinalBlock
from actors.validator.archive import Archive, OrderedReplay
from actors.validator.block_tree import TreeBlock
from actors.validator.clients import PartUnavailable
from actors.validator.errors import ReplayBeforeSnapshot
from actors.validator.feed import ExecutionFeed
from actors.validator.ledger_base import LedgerBase
from actors.validator.tasks import Tasks
from bridge.work import FastReplay
from execution.types import Address
from ledger.types import ZERO_DIGEST, BlockNumber, ChainRole, Digest, EvmHash, Height
from storage.store import Store


class ForgetfulExecutor(LocalExecutor):
    """Loses the answer to a call on demand, as a killed process does."""

    loses_answer = False

    async def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        answer = await super().apply(commands)
        if self.loses_answer and answer.final:
            self.loses_answer = False
            self.kill()
            self.restart()
            raise PartUnavailable("died after the work")
        return answer


class World:
    def __init__(self, directory: Path) -> None:
        self.tree = empty_tree()
        self.archive = Archive(Store(directory / "ledger"), GENESIS, VALIDATORS)
        self.executor = ForgetfulExecutor(ChainRole.FAST, GENESIS, directory / "fast")
        self.path: list[TreeBlock] = []
        self.final: list[FinalBlock] = []
        self.wrong_replays: list[FinalBlock] = []
        self.failures: list[BaseException] = []
        self.tasks = Tasks(self.failures.append)
        self.feed = ExecutionFeed(
            ChainRole.FAST,
            self.executor,
            self.archive,
            self.tree,
            self._senders,
            lambda: self.path,
            lambda answer: self.final.extend(answer.final),
            lambda block, _: self.wrong_replays.append(block),
            lambda role, number: None,
            None,
        )

    async def _senders(
        self, role: ChainRole, transactions: tuple[bytes, ...]
    ) -> tuple[Address | None, ...]:
        return (address_of(0),) * len(transactions)

    def follow(self, *path: TreeBlock) -> None:
        self.path = list(path)
        self.feed.follow(self.path)

    def finalize(self, block: TreeBlock) -> None:
        final, _ = self.tree.finalize(block.digest)
        self.archive.append(final, unsigned_finalization(block))
        for each in final:
            self.feed.finalize(each)
        self.path = []

    def head(self) -> list[Digest]:
        return [block.executed.digest for block in self.executor.running().unfinal]

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.002)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.tasks.start(made.feed.run())
    await made.wait_until(lambda: made.feed._is_in_step)
    yield made
    await made.tasks.close()
    made.executor.kill()
    made.archive.close()
    assert made.failures == []


async def test_notarized_blocks_are_executed_and_final_ones_stored(world: World) -> None:
    first = grow(world.tree, world.tree.root, 1)
    second = grow(world.tree, first.digest, 2)
    world.follow(first)
    world.follow(first, second)
    await world.wait_until(lambda: world.head() == [first.digest, second.digest])
    world.finalize(first)
    await world.wait_until(lambda: [block.executed.number for block in world.final] == [1])
    assert world.head() == [second.digest]


async def test_a_return_to_the_first_of_two_branches_needs_no_new_start(world: World) -> None:
    first = grow(world.tree, world.tree.root, 1)
    rival = grow(world.tree, world.tree.root, 2)
    heir = grow(world.tree, first.digest, 3)
    for path in ((first,), (rival,), (first, heir)):
        world.follow(*path)
        await world.wait_until(lambda path=path: world.head() == [b.digest for b in path])
    assert world.feed.resets == 0
    world.finalize(heir)
    await world.wait_until(lambda: len(world.final) == 2)
    assert world.feed.resets == 0


async def test_a_final_block_that_was_never_notarized_here_replaces_what_was(
    world: World,
) -> None:
    first = grow(world.tree, world.tree.root, 1)
    rival = grow(world.tree, world.tree.root, 2)
    world.follow(first)
    await world.wait_until(lambda: world.head() == [first.digest])
    world.finalize(rival)
    await world.wait_until(lambda: len(world.final) == 1)
    assert world.final[0].executed.digest == rival.digest
    assert world.feed.resets == 0


async def test_an_answer_that_was_lost_is_recovered_with_its_nonces(world: World) -> None:
    first = grow(world.tree, world.tree.root, 1, transfer(ChainRole.FAST, 0, 0))
    world.executor.loses_answer = True
    world.follow(first)
    world.finalize(first)
    await world.wait_until(lambda: bool(world.final))
    assert world.feed.resets == 1
    (result,) = world.final
    assert result.executed.digest == first.digest
    second = grow(world.tree, first.digest, 2, transfer(ChainRole.FAST, 0, 1))
    world.follow(second)
    world.finalize(second)
    await world.wait_until(lambda: len(world.final) == 2)
    assert world.final[1].executed.account_nonces == {address_of(0): 2}


async def test_an_executor_ahead_of_the_ledger_waits_for_it(world: World, tmp_path: Path) -> None:
    first = grow(world.tree, world.tree.root, 1)
    world.follow(first)
    world.finalize(first)
    await world.wait_until(lambda: len(world.final) == 1)
    await world.tasks.close()
    # The ledger's unsynced tail is lost, the executor's is not.
    behind = World(tmp_path / "behind")
    behind.executor.kill()
    behind.executor = world.executor
    behind.feed._client = world.executor
    behind.tasks.start(behind.feed.run())
    await behind.wait_until(lambda: behind.feed.resets >= 1)
    again = behind.tree.check(first.sealed, first.sealed.header.proposer)
    behind.tree.add(again)
    behind.finalize(again)
    await behind.wait_until(lambda: behind.feed._is_in_step)
    second = grow(behind.tree, first.digest, 2)
    behind.finalize(second)
    await behind.wait_until(lambda: world.executor.running().final_number == 2)
    await behind.tasks.close()
    behind.archive.close()


async def test_a_replay_of_blocks_before_the_own_snapshot_stops_the_chain_with_its_reason(
    world: World,
) -> None:
    base = LedgerBase(Height(100), BlockNumber(60), BlockNumber(50), ZERO_DIGEST, ZERO_DIGEST)
    world.archive.base = base
    world.feed._base_directory = Path()
    replay = FastReplay(BlockNumber(40), EvmHash(bytes(32)), 0, 0)
    world.archive.replays = (OrderedReplay(ZERO_DIGEST, replay),)
    with pytest.raises(ReplayBeforeSnapshot, match=r"block 40.*block 50.*not the journal"):
        await world.feed._load_base()
