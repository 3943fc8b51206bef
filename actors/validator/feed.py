"""Feeds one chain's executor: blocks at notarization, finality after it, always in ledger order.

Commands queue up while a call runs and go out together with the next one, so that a
busy executor is called less often with more. When the executor was away, it says
what it has on disk and the feed starts again from there: first from the archive,
then with the notarized blocks of the tree.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from actors.execution_messages import (
    ExecuteBlock,
    ExecutorAnswer,
    ExecutorCommand,
    FinalizeBlock,
    ResetChain,
)
from actors.validator.archive import Archive
from actors.validator.block_tree import TreeBlock
from actors.validator.clients import ExecutorClient, PartUnavailable
from bridge.state import BridgeState
from bridge.work import ChainWork, FastReplay, amend_for_replay
from execution.types import Address
from ledger.block import SealedBlock
from ledger.types import ChainRole, Digest, Height

MAX_COMMANDS_PER_CALL: Final = 64
RETRY_SECONDS: Final = 0.2

log = structlog.get_logger(__name__)

SenderLookup = Callable[[ChainRole, tuple[bytes, ...]], Awaitable[tuple[Address | None, ...]]]
"""Finds the senders of raw transactions."""


class ExecutionFeed:
    """Feed of one chain.

    Parameters
    ----------
    notarized
        Gives the notarized blocks above the final ones, oldest first.
    certified_number
        Gives the chain's last block with a checkpoint on the final ledger.
    on_answer
        Told each answer of the executor.
    """

    def __init__(
        self,
        role: ChainRole,
        client: ExecutorClient,
        archive: Archive,
        coinbases: Mapping[int, Address],
        genesis: Digest,
        senders: SenderLookup,
        notarized: Callable[[], list[TreeBlock]],
        certified_number: Callable[[], int],
        on_answer: Callable[[ExecutorAnswer], None],
    ) -> None:
        self.role = role
        self.resets = 0
        self._client = client
        self._archive = archive
        self._coinbases = coinbases
        self._genesis = genesis
        self._senders = senders
        self._notarized = notarized
        self._certified_number = certified_number
        self._on_answer = on_answer
        self._queue: deque[ExecutorCommand] = deque()
        self._wake = asyncio.Event()
        self._is_in_step = False
        self._replay: FastReplay | None = None

    @property
    def backlog(self) -> int:
        """Commands that wait."""
        return len(self._queue)

    def execute(self, block: TreeBlock) -> None:
        """Queue a notarized block whose ancestors are queued."""
        block.is_fed = True
        if self._is_in_step:
            self._push(self._execute(block.sealed, block.work, block.chain_parent))

    def finalize(self, block: TreeBlock) -> None:
        """Queue the finality of a block that is queued for execution."""
        if self._is_in_step:
            self._push(_finalize(block.sealed, block.state))

    def replay(self, replay: FastReplay) -> None:
        """Start the chain over: the quarantine ended, and the execution so far may have lied."""
        log.warning("replaying the fast chain", checkpoint=replay.checkpoint_number)
        self._is_in_step = False
        self._queue.clear()
        self._replay = replay
        self._wake.set()

    async def run(self) -> None:
        """Feed until cancelled."""
        while True:
            try:
                if not self._is_in_step:
                    await self._catch_up()
                await self._feed()
            except PartUnavailable as error:
                self._is_in_step = False
                self._queue.clear()
                self.resets += 1
                log.warning("executor is away", chain=self.role.name, reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _feed(self) -> None:
        while self._is_in_step:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            count = min(len(self._queue), MAX_COMMANDS_PER_CALL)
            commands = [self._queue.popleft() for _ in range(count)]
            self._on_answer(await self._apply(commands))

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

    async def _catch_up(self) -> None:
        """Bring the executor from what it has on disk to the newest notarized block."""
        replay, self._replay = self._replay, None
        if replay is not None:
            await self._client.apply([ResetChain()])
        progress = await self._client.progress()
        await self._attest_again()
        log.info("feeding executor", chain=self.role.name, final_number=progress.final_number)
        number = progress.final_number
        parent = progress.final_digest
        first = self._archive.height_of(self.role, number)
        position = Height(1 if first is None else first + 1)
        while position <= self._archive.height:
            commands: list[ExecutorCommand] = []
            ordered = self._archive.ordered_from(position)
            with contextlib.closing(ordered):  # type: ignore[type-var]  # generators close
                for block in ordered:
                    position = Height(block.sealed.header.height + 1)
                    if block.sealed.header.chain is not self.role:
                        continue
                    work = block.work if replay is None else amend_for_replay(block.work, replay)
                    commands.append(self._execute(block.sealed, work, parent))
                    commands.append(_finalize(block.sealed, block.state))
                    parent = block.sealed.digest
                    if len(commands) >= MAX_COMMANDS_PER_CALL:
                        break
            if commands:
                self._on_answer(await self._apply(commands))
        # Nothing awaits from here on, so no finality can slip in between.
        self._is_in_step = True
        for tree_block in self._notarized():
            if tree_block.role is self.role:
                self._push(
                    self._execute(tree_block.sealed, tree_block.work, tree_block.chain_parent)
                )
                tree_block.is_fed = True

    async def _attest_again(self) -> None:
        """Have final blocks attested that have no certificate: an earlier try may be lost."""
        number = self._certified_number() + 1
        while results := await self._client.final_results(number, MAX_COMMANDS_PER_CALL):
            self._on_answer(ExecutorAnswer((), results))
            number = results[-1].executed.number + 1

    def _push(self, command: ExecutorCommand) -> None:
        self._queue.append(command)
        self._wake.set()

    def _execute(self, sealed: SealedBlock, work: ChainWork, parent: Digest) -> ExecuteBlock:
        header = sealed.header
        transactions = sealed.body.transactions
        return ExecuteBlock(
            role=self.role,
            number=header.chain_block_number,
            digest=sealed.digest,
            chain_parent=parent,
            height=header.height,
            view=header.view,
            timestamp_ms=header.timestamp_ms,
            coinbase=self._coinbases[header.proposer],
            work=work,
            transactions=transactions,
            senders=(),
        )


def _finalize(sealed: SealedBlock, state: BridgeState) -> FinalizeBlock:
    header = sealed.header
    attested = state.expected_ledger_digest(header.chain, header.chain_block_number)
    return FinalizeBlock(
        number=header.chain_block_number,
        digest=sealed.digest,
        attested_digest=sealed.digest if attested is None else attested,
    )
