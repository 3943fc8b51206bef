"""Feeds one chain's executor: blocks at notarization, finality after it, always in ledger order.

Commands queue up while a call runs and go out together with the next one, so that a
busy executor is called less often with more. When the executor was away, it says
what it has on disk and the feed starts again from there: first from the archive,
then with the notarized blocks of the tree.

When the ledger orders a replay of the fast chain, its executor starts over from the
genesis state. It keeps on disk which replay its state belongs to, so this holds also
if either of them is killed in the middle. Where the replay reaches the checkpoint that the
operators resumed from, its state root has to be the checkpoint's: a resume from a forged one
goes no further, and nothing of it is attested.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from actors.execution_messages import (
    ExecuteBlock,
    ExecutorAnswer,
    ExecutorCommand,
    FinalBlock,
    FinalizeBlock,
    LoadSnapshot,
    ResetChain,
)
from actors.validator.archive import Archive
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.clients import ExecutorClient, PartUnavailable
from actors.validator.errors import ReplayBeforeSnapshot, ReplayDiffers
from bridge.state import BridgeState
from bridge.work import ChainWork, FastReplay, amend_for_replay
from execution.types import Address
from ledger.block import SealedBlock
from ledger.types import BlockNumber, ChainRole, Digest, Height

MAX_COMMANDS_PER_CALL: Final = 64
MAX_QUEUED_COMMANDS: Final = 2_048
"""An executor that is further behind is fed from the archive, which holds all that is final."""

RETRY_SECONDS: Final = 0.2

MAX_ARCHIVED_PER_CALL: Final = 256
"""Blocks of either chain that are looked at between two turns of the event loop."""

log = structlog.get_logger(__name__)

SenderLookup = Callable[[ChainRole, tuple[bytes, ...]], Awaitable[tuple[Address | None, ...]]]
"""Finds the senders of raw transactions."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where feeding from the archive goes on: a height, and what comes before it.

    ``parent`` is the digest of the chain's block before, ``before`` the ledger's state there, if
    it is at hand.
    """

    height: Height
    parent: Digest
    before: BridgeState | None = None


class ExecutionFeed:
    """Feed of one chain.

    Parameters
    ----------
    notarized
        Gives the path from the final root to the newest notarized block.
    on_answer
        Told each answer of the executor; a final block may come twice.
    on_wrong_replay
        Told when a replay does not reproduce its checkpoint.
    snapshot_height_of
        Gives the height of the snapshot that the state after a block belongs to, if to one.
    base_directory
        The snapshot that the ledger here begins with, if it does.
    """

    def __init__(
        self,
        role: ChainRole,
        client: ExecutorClient,
        archive: Archive,
        tree: BlockTree,
        senders: SenderLookup,
        notarized: Callable[[], list[TreeBlock]],
        on_answer: Callable[[ExecutorAnswer], None],
        on_wrong_replay: Callable[[FinalBlock, FastReplay], None],
        snapshot_height_of: Callable[[ChainRole, int], Height | None],
        base_directory: Path | None,
    ) -> None:
        self.role = role
        self.resets = 0
        self._client = client
        self._archive = archive
        self._tree = tree
        self._senders = senders
        self._notarized = notarized
        self._on_answer = on_answer
        self._on_wrong_replay = on_wrong_replay
        self._snapshot_height_of = snapshot_height_of
        self._base_directory = base_directory
        self._queue: deque[ExecutorCommand] = deque()
        self._branch: list[Digest] = []
        """What the executor has above its final blocks, once the queue is done."""
        self._wake = asyncio.Event()
        self._is_in_step = False
        self._answered_number: int | None = None
        self._told_reason = ""

    @property
    def backlog(self) -> int:
        """Commands that wait."""
        return len(self._queue)

    def follow(self, path: list[TreeBlock]) -> None:
        """Queue what is new for the executor on the way from the final root to a notarized block.

        It rolls back by itself what it has executed of another branch.
        """
        if not self._is_in_step:
            return
        own = [block for block in path if block.role is self.role]
        common = 0
        for known, block in zip(self._branch, own, strict=False):
            if known != block.digest:
                break
            common += 1
        if common == len(own):
            return
        del self._branch[common:]
        for block in own[common:]:
            self._branch.append(block.digest)
            self._push(self._execute(block.sealed, block.work, block.chain_parent))

    def finalize(self, block: TreeBlock) -> None:
        """Queue the finality of the next block, and its execution unless that is done."""
        if not self._is_in_step:
            return
        if len(self._queue) > MAX_QUEUED_COMMANDS:
            self._fall_out_of_step()
            return
        if self._branch[:1] == [block.digest]:
            del self._branch[0]
        else:
            self._branch.clear()
            self._push(self._execute(block.sealed, block.work, block.chain_parent))
        self._push(self._finalize(block.sealed))

    def start_over(self) -> None:
        """Note that the final ledger orders a replay of the chain."""
        log.warning("the chain is to be replayed", chain=self.role.name)
        self._fall_out_of_step()
        self._wake.set()

    async def run(self) -> None:
        """Feed until cancelled."""
        while True:
            try:
                if not self._is_in_step:
                    await self._catch_up()
                await self._feed()
            except (ReplayDiffers, ReplayBeforeSnapshot) as error:
                self._fall_out_of_step()
                log.error("the chain cannot be replayed", reason=str(error))
                await self._wait_for_another_replay()
            except PartUnavailable as error:
                self._fall_out_of_step()
                self.resets += 1
                if str(error) != self._told_reason:
                    self._told_reason = str(error)
                    log.warning("executor is away", chain=self.role.name, reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    def _fall_out_of_step(self) -> None:
        self._is_in_step = False
        self._queue.clear()
        self._branch.clear()

    async def _feed(self) -> None:
        while self._is_in_step:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            count = min(len(self._queue), MAX_COMMANDS_PER_CALL)
            commands = [self._queue.popleft() for _ in range(count)]
            answer = await self._apply(commands)
            if self._is_in_step:  # Otherwise it is of an execution that is void.
                self._take(answer)

    async def _apply(self, commands: list[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands, with the senders of their transactions filled in."""
        complete: list[ExecutorCommand] = []
        for command in commands:
            if isinstance(command, ExecuteBlock) and command.transactions:
                senders = await self._senders(self.role, command.transactions)
                complete.append(replace(command, senders=senders))
            else:
                complete.append(command)
        return await self._client.apply(complete)

    def _take(self, answer: ExecutorAnswer) -> None:
        self._check_replay(answer.final)
        if answer.final:
            self._answered_number = answer.final[-1].executed.number
        self._on_answer(answer)

    # CATCHING UP

    async def _catch_up(self) -> None:
        """Bring the executor from what it has on disk to the newest notarized block."""
        while not self._is_in_step:
            ordered_replay = self._replay()
            progress = await self._client.progress()
            if progress.replay != ordered_replay:
                await self._reset(ordered_replay)
                continue
            if self._is_before_base(progress.final_number):
                await self._load_base()
                continue
            position = self._position_after(progress.final_number)
            log.info("feeding executor", chain=self.role.name, number=progress.final_number)
            await self._check_stored_replay()
            await self._recover_results(progress.final_number)
            place = _Place(position, progress.final_digest)
            while place.height <= self._archive.height and self._replay() == ordered_replay:
                place = await self._feed_archived(place)
            # Nothing awaits from here on, so no finality can slip in between.
            self._is_in_step = self._replay() == ordered_replay
        self.follow(self._notarized())

    async def _reset(self, replay: Digest | None) -> None:
        if replay is None:
            raise PartUnavailable("the executor is ahead of the ledger: it has replayed already")
        await self._client.apply([ResetChain(replay)])

    def _is_before_base(self, number: int) -> bool:
        """Whether an executor has less than what the ledger here begins with."""
        base = self._archive.base
        return base is not None and number < base.number(self.role)

    async def _load_base(self) -> None:
        """Have the executor load the snapshot that the ledger here begins with.

        Raises
        ------
        ReplayBeforeSnapshot
            If its state is of a forged execution: a replay begins before it.
        """
        base = self._archive.base
        assert base is not None
        assert self._base_directory is not None
        if self._replay() is not None:
            first_number = self._archive.replays[-1].replay.checkpoint_number
            if first_number < base.number(self.role):
                raise ReplayBeforeSnapshot(first_number, base.number(self.role))
        await self._client.apply([LoadSnapshot(str(self._base_directory))])

    def _replay(self) -> Digest | None:
        """The final block that orders the chain's last replay."""
        replays = self._archive.replays
        return replays[-1].block if replays and self.role is ChainRole.FAST else None

    def _position_after(self, number: int) -> Height:
        """Ledger height after an executor's newest final block.

        Raises
        ------
        PartUnavailable
            If the ledger here is behind: a lost tail of it has to be fetched first.
        """
        if number == 0:
            return Height(1)
        height = self._archive.height_of(self.role, number)
        if height is None:
            raise PartUnavailable(f"the executor has block {number}, and the ledger not yet")
        return Height(height + 1)

    async def _feed_archived(self, place: _Place) -> _Place:
        """Feed one call's worth of final blocks; gives the place behind them."""
        commands: list[ExecutorCommand] = []
        ordered = self._archive.ordered_from(place.height, place.before)
        with contextlib.closing(ordered):  # type: ignore[type-var]  # generators close
            for block in islice(ordered, MAX_ARCHIVED_PER_CALL):
                height = Height(block.sealed.header.height + 1)
                place = replace(place, height=height, before=block.state)
                if block.sealed.header.chain is not self.role:
                    continue
                commands.append(self._execute(block.sealed, block.work, place.parent))
                commands.append(self._finalize(block.sealed))
                place = replace(place, parent=block.sealed.digest)
                if len(commands) >= MAX_COMMANDS_PER_CALL:
                    break
        if commands:
            ordered_replay = self._replay()
            answer = await self._apply(commands)
            if self._replay() == ordered_replay:
                self._take(answer)
        else:
            await asyncio.sleep(0)
        return place

    async def _check_stored_replay(self) -> None:
        """Look again at what a replay before a restart made of its checkpoint."""
        replay = self._replay()
        if replay is not None:
            number = self._archive.replays[-1].replay.checkpoint_number
            self._check_replay(await self._client.final_results(number, 1))

    def _check_replay(self, final: tuple[FinalBlock, ...]) -> None:
        """Compare the state at the checkpoint that the last replay was ordered from.

        Raises
        ------
        ReplayDiffers
            If the honest execution has another one: the checkpoint was forged.
        """
        if self.role is not ChainRole.FAST or not self._archive.replays:
            return
        replay = self._archive.replays[-1].replay
        for block in final:
            executed = block.executed
            is_checkpoint = executed.number == replay.checkpoint_number
            if is_checkpoint and executed.state_root != replay.checkpoint_state_root:
                self._on_wrong_replay(block, replay)
                raise ReplayDiffers(
                    executed.number, executed.state_root, replay.checkpoint_state_root
                )

    async def _wait_for_another_replay(self) -> None:
        """Wait until the ledger orders a replay from another checkpoint."""
        void = self._replay()
        while self._replay() == void:
            self._wake.clear()
            await self._wake.wait()

    async def _recover_results(self, final_number: int) -> None:
        """Tell results again that have no certificate, or whose answer was lost."""
        ordered_replay = self._replay()
        certified = self._tree.root_state.chain(self.role).certified.number
        answered = final_number if self._answered_number is None else self._answered_number
        number = min(certified, answered) + 1
        while results := await self._client.final_results(number, MAX_COMMANDS_PER_CALL):
            complete = [
                result if result.executed.number <= answered else await self._with_nonces(result)
                for result in results
            ]
            if self._replay() != ordered_replay:
                return
            self._take(ExecutorAnswer((), tuple(complete)))
            number = results[-1].executed.number + 1

    async def _with_nonces(self, result: FinalBlock) -> FinalBlock:
        """A result whose first answer was lost, with what the mempool has to know of it."""
        sealed = self._archive.block_by_digest(result.executed.digest)
        if sealed is None:
            return result
        senders = await self._senders(self.role, sealed.body.transactions)
        addresses = sorted({sender for sender in senders if sender is not None})
        nonces = await self._client.account_nonces(addresses)
        known = dict(zip(addresses, nonces, strict=True))
        return replace(result, executed=replace(result.executed, account_nonces=known))

    # COMMANDS

    def _push(self, command: ExecutorCommand) -> None:
        self._queue.append(command)
        self._wake.set()

    def _execute(self, sealed: SealedBlock, work: ChainWork, parent: Digest) -> ExecuteBlock:
        header = sealed.header
        for ordered in self._archive.replays:
            work = amend_for_replay(work, ordered.replay)
        return ExecuteBlock(
            role=self.role,
            number=header.chain_block_number,
            digest=sealed.digest,
            chain_parent=parent,
            height=header.height,
            view=header.view,
            timestamp_ms=header.timestamp_ms,
            coinbase=Address(work.coinbase),
            work=work,
            transactions=sealed.body.transactions,
            senders=(),
        )

    def _finalize(self, sealed: SealedBlock) -> FinalizeBlock:
        """Finality of a block, which is attested under the name that the ledger has for it now."""
        header = sealed.header
        number = BlockNumber(header.chain_block_number)
        attested = self._tree.root_state.expected_ledger_digest(header.chain, number)
        return FinalizeBlock(
            number=number,
            digest=sealed.digest,
            attested_digest=sealed.digest if attested is None else attested,
            snapshot_height=self._snapshot_height_of(header.chain, number),
        )
