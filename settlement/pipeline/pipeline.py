"""Gets the ZK chain settled: one tick looks at L1 and at the blocks, and does what follows.

A tick may fail anywhere, with L1 down or the process killed: the next one starts from the
journal and from L1 again, and finds the same things to do. See the package's docstring.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from contracts.l1.batches import batch_id
from execution.block_data import block_data_hash
from execution.types import ZERO_HASH, Address, Hash32
from ledger.types import BlockNumber, EvmHash
from settlement import batching, rollup
from settlement.batching import BatchingState, BatchPolicy
from settlement.errors import (
    BlockTooLarge,
    CallReverted,
    DataMismatch,
    DeepReorg,
    L1Down,
    L1Error,
    QueueMismatch,
)
from settlement.interfaces import BlockSource, BlockSummary, ProofJobs
from settlement.journal import SettlementJournal
from settlement.l1.account import Call
from settlement.l1.client import L1Client
from settlement.l1.sender import TransactionSender, request_of
from settlement.l1.watcher import L1Watcher
from settlement.pipeline.plan import (
    BatchPlan,
    Commit,
    Finalize,
    PostData,
    Prove,
    Stage,
    Step,
    Verify,
    plan,
)
from settlement.pipeline.views import BatchReader
from settlement.records import BatchCut, TipMoved

log = structlog.get_logger(__name__)

TRANSACTION_GAS_LIMIT: Final = 16_777_216
"""EIP-7825."""

GAS_MARGIN_PERCENT: Final = 25
BLOCKS_PER_READ: Final = 256

UnixClock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """What the last tick found.

    Attributes
    ----------
    problem
        Why something does not get done now; ``None`` while all is well. It may pass by itself.
    alarm
        Why settlement has stopped until a person has looked.
    """

    final_block: int = 0
    stages: tuple[tuple[int, int, Stage], ...] = ()
    problem: str | None = None
    alarm: str | None = None


class SettlementPipeline:
    """Settlement by one node.

    Parameters
    ----------
    clock
        Unix time in seconds: for the ages of blocks.
    """

    def __init__(
        self,
        *,
        client: L1Client,
        watcher: L1Watcher,
        sender: TransactionSender,
        journal: SettlementJournal,
        blocks: BlockSource,
        jobs: ProofJobs,
        reader: BatchReader,
        rollup_address: Address,
        policy: BatchPolicy,
        clock: UnixClock,
    ) -> None:
        self._client = client
        self._watcher = watcher
        self._sender = sender
        self._journal = journal
        self._blocks = blocks
        self._jobs = jobs
        self._reader = reader
        self._rollup = rollup_address
        self._clock = clock
        self._batching = BatchingState(policy)
        self._wanted_block = 0
        self.status = PipelineStatus(final_block=self._tip_block())
        self._set_batching_tip()

    @property
    def open_batches(self) -> tuple[BatchCut, ...]:
        """Batches that are cut and not final yet, oldest first."""
        return self._journal.batches

    def settle_up_to(self, number: int) -> None:
        """Have a block in a batch as soon as it is final and certified, full or not."""
        self._wanted_block = max(self._wanted_block, number)

    async def tick(self) -> PipelineStatus:
        """Do what can be done now.

        L1's troubles end the tick and are told in the status; the next one goes on. Where
        L1 contradicts what it said with all confirmations, or this node's own blocks, or a
        block fits no transaction, settlement stops until a person has looked.

        Raises
        ------
        StorageError
            If the journal cannot be written.
        """
        if self.status.alarm is not None:
            return self.status
        try:
            await self._sender.observe()
            await self._watcher.poll()
            await self._follow_tip()
            await self._cut()
            plans = await self._plan()
            problem = await self._execute(plans)
        except L1Down as error:
            self.status = replace(self.status, problem=f"L1 is down: {error}")
        except (BlockTooLarge, DataMismatch, DeepReorg, QueueMismatch) as error:
            log.error("settlement stops", reason=str(error))
            self.status = replace(self.status, alarm=str(error))
        except L1Error as error:
            self.status = replace(self.status, problem=str(error))
        else:
            self.status = PipelineStatus(
                final_block=self._tip_block(),
                stages=tuple(_stage_line(entry) for entry in plans),
                problem=problem or self._sender.status.problem,
            )
        return self.status

    # THE TIP

    async def _follow_tip(self) -> None:
        """Close what L1 has made final, with confirmations."""
        final = self._watcher.final_batch()
        if final is None or final == self._tip_id():
            return
        ours = [batch for batch in self._journal.batches if batch.batch_id == final]
        if ours:
            last_block = ours[0].certificate.checkpoint.number
            chain_after = Hash32(ours[0].chain_after)
        else:
            last_block = BlockNumber(self._watcher.proven_block())
            chain_after = await self._check_foreign(final, last_block)
        self._journal.append(
            TipMoved(EvmHash(final), last_block, EvmHash(chain_after), is_ours=bool(ours))
        )
        self._set_batching_tip()
        self._reader.forget_all_but(self._journal.batches)

    async def _check_foreign(self, final: Hash32, last_block: int) -> Hash32:
        """Data chain of a final batch that this node has not cut, from this node's own blocks."""
        known = await self._reader.on_l1(final)
        chain = self._tip_chain()
        for first in range(self._tip_block() + 1, last_block + 1, BLOCKS_PER_READ):
            last = min(last_block, first + BLOCKS_PER_READ - 1)
            data = await self._blocks.data(first, last)
            if len(data) != last - first + 1:
                # L1 is ahead of this node, which has yet to fetch these blocks.
                raise L1Error(f"L1 has settled block {last_block}; this node has not got so far")
            chain = block_data_hash(chain, data)
        if chain != known.data_chain:
            raise DataMismatch(
                f"L1 has settled block {last_block} with the data chain "
                f"{known.data_chain.hex()}, this node's blocks give {chain.hex()}"
            )
        return chain

    def _tip_id(self) -> Hash32:
        tip = self._journal.tip
        return ZERO_HASH if tip is None else Hash32(tip.batch_id)

    def _tip_block(self) -> int:
        tip = self._journal.tip
        return 0 if tip is None else tip.last_block

    def _tip_chain(self) -> Hash32:
        tip = self._journal.tip
        return ZERO_HASH if tip is None else Hash32(tip.chain_after)

    def _set_batching_tip(self) -> None:
        batches = self._journal.batches
        last = batches[-1].certificate.checkpoint.number if batches else self._tip_block()
        self._batch_step(batching.TipSet(last))

    # CUTTING

    async def _cut(self) -> None:
        state = self._batching
        summaries = await self._blocks.summaries(state.next_block, 2 * state.policy.max_blocks)
        self._batch_step(batching.BlocksSeen(tuple(summaries)))
        self._batch_step(
            batching.LoadSeen(len(self._journal.batches), await self._jobs.waiting_jobs())
        )
        while True:
            children = self._watcher.children(self._head_id())
            ends = frozenset(child.last_block for child in children)
            self._batch_step(batching.OthersSeen(ends))
            cuts = self._batch_step(batching.Tick(self._is_cut_wanted()))
            if not cuts:
                return
            for cut in cuts:
                await self._open(cut.blocks)

    def _is_cut_wanted(self) -> bool:
        """Whether a block that is to be settled at once is there, and in no batch yet."""
        state = self._batching
        certified = [block.number for block in state.blocks if block.certificate is not None]
        return state.next_block <= self._wanted_block <= max(certified, default=0)

    def _batch_step(self, event: batching.Event) -> tuple[batching.Cut, ...]:
        self._batching, cuts = batching.step(self._batching, event, self._clock())
        return cuts

    async def _open(self, blocks: Sequence[BlockSummary]) -> None:
        certificate = blocks[-1].certificate
        assert certificate is not None, "a batch ends at a certified block"
        batches = self._journal.batches
        before = Hash32(batches[-1].chain_after) if batches else self._tip_chain()
        parent = self._head_id()
        data = await self._blocks.data(blocks[0].number, blocks[-1].number)
        after = block_data_hash(before, data)
        name = batch_id(parent, certificate.checkpoint, after)
        self._journal.append(
            BatchCut(
                batch_id=EvmHash(name),
                parent=EvmHash(parent),
                first_block=BlockNumber(blocks[0].number),
                certificate=certificate,
                chain_before=EvmHash(before),
                chain_after=EvmHash(after),
            )
        )
        log.info("batch cut", first=blocks[0].number, last=blocks[-1].number, id=name.hex())

    def _head_id(self) -> Hash32:
        """Batch that the next one is cut on."""
        batches = self._journal.batches
        return Hash32(batches[-1].batch_id) if batches else self._tip_id()

    # WHAT TO DO

    async def _plan(self) -> tuple[BatchPlan, ...]:
        if not self._journal.batches:
            return ()
        generation = await self._reader.generation()
        final_batch = await self._reader.final_batch()
        tip_status = await self._reader.status(self._tip_id(), generation)
        views = [await self._reader.view(batch, generation) for batch in self._journal.batches]
        return plan(views, tip_status, final_batch)

    async def _execute(self, plans: Sequence[BatchPlan]) -> str | None:
        """Send what the plan says; gives why a part of it cannot be sent."""
        problem: str | None = None
        for entry in plans:
            if entry.step is not None:
                problem = await self.make(_calls(entry.step, self._rollup)) or problem
        return problem

    async def make(self, calls: Sequence[Call]) -> str | None:
        """Send calls in order, up to the first that would revert; gives why it would.

        Those that are under way are left alone.
        """
        for call in calls:
            if self._sender.is_under_way(call.call_id):
                continue
            try:
                await self._sender.ensure([await self._with_gas(call)])
            except CallReverted as error:
                return f"{call.purpose}: {error.message}"
        return None

    async def _with_gas(self, call: Call) -> Call:
        if call.gas_limit:
            return call
        estimate = await self._client.estimate_gas(request_of(call, self._sender.address))
        gas_limit = min(estimate * (100 + GAS_MARGIN_PERCENT) // 100, TRANSACTION_GAS_LIMIT)
        return replace(call, gas_limit=gas_limit)


def _calls(step: Step, to: Address) -> tuple[Call, ...]:
    if isinstance(step, PostData):
        chunk = step.chunk
        last = chunk.first_block + len(chunk.blocks) - 1
        purpose = f"post data of blocks {chunk.first_block} to {last}"
        return (Call(to, rollup.post_data_call(chunk.before, chunk.blocks), 0, purpose),)
    if isinstance(step, Verify):
        return step.calls
    batch = step.batch
    name, last = Hash32(batch.batch_id), batch.certificate.checkpoint.number
    if isinstance(step, Commit):
        data = rollup.commit_batch_call(
            Hash32(batch.parent), batch.certificate, Hash32(batch.chain_after)
        )
        return (Call(to, data, 0, f"commit batch to block {last}"),)
    if isinstance(step, Prove):
        data = rollup.prove_batch_call(name, step.statements)
        return (Call(to, data, 0, f"prove batch to block {last}"),)
    assert isinstance(step, Finalize)
    data = rollup.finalize_batch_call(name, step.consumed)
    return (Call(to, data, 0, f"finalize batch to block {last}"),)


def _stage_line(entry: BatchPlan) -> tuple[int, int, Stage]:
    return entry.batch.first_block, entry.batch.certificate.checkpoint.number, entry.stage
