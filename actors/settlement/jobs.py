"""Proofs of batches: witnesses are made, handed to the pool, and its proofs fetched."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from actors.calls import ActorAway, ActorLink
from actors.prover.errors import BatchProvingError
from actors.prover.pool.errors import PoolError
from actors.prover.pool.messages import BatchStage, BatchStatus, SegmentInput, Submission
from actors.prover.pool.messages import SegmentProof as PoolProof
from execution.errors import ExecutionError
from execution.types import Hash32
from proving.jobs.errors import JobsError
from settlement.interfaces import BatchToProve, SegmentProof
from storage.errors import StorageError

_TROUBLE = (BatchProvingError, PoolError, JobsError, ExecutionError, StorageError)
"""What keeps one batch from its proofs. It is told and tried again: others may get theirs."""

log = structlog.get_logger(__name__)


class NoProvers:
    """A :class:`settlement.interfaces.ProofJobs` of a node without provers: proofs stay pending."""

    problem: str | None = None

    async def request(self, batch: BatchToProve) -> None:
        """Nothing: the batch waits for somebody else's proof."""

    async def proofs(self, batch: BatchToProve) -> Sequence[SegmentProof] | None:
        """No proofs, ever."""
        return None

    async def waiting_jobs(self) -> int:
        """Nothing is under way."""
        return 0

    def keep_only(self, open_batches: frozenset[Hash32]) -> None:
        """Nothing to forget."""


class PoolJobs:
    """A :class:`settlement.interfaces.ProofJobs` over the node's witness maker and prover pool.

    Making a batch's witnesses executes its blocks, which takes long, so it runs in a task of
    its own; what was asked for and failed is tried again at the next request.

    Parameters
    ----------
    segment_cycles
        Most cycles of a segment of several blocks.

    Attributes
    ----------
    problem
        Why a batch does not get its proofs now, if it is known.
    """

    def __init__(self, witnesses: ActorLink, pool: ActorLink, segment_cycles: int) -> None:
        self.problem: str | None = None
        self._segment_cycles = segment_cycles
        self._witnesses = witnesses
        self._pool = pool
        self._submitted: dict[Hash32, BatchToProve] = {}
        self._proofs: dict[Hash32, tuple[SegmentProof, ...]] = {}
        self._running: dict[Hash32, asyncio.Task[None]] = {}

    async def request(self, batch: BatchToProve) -> None:
        """Have a batch proved; asking again changes nothing."""
        if batch.batch_id in self._submitted or batch.batch_id in self._running:
            return
        self._start(batch.batch_id, self._submit(batch))

    async def proofs(self, batch: BatchToProve) -> Sequence[SegmentProof] | None:
        """Proofs of the batch's segments; ``None`` until all are there."""
        if batch.batch_id not in self._proofs:
            await self._fetch(batch)
        return self._proofs.get(batch.batch_id)

    async def waiting_jobs(self) -> int:
        """Batches, at least, whose proofs are not there."""
        return len(self._submitted) + len(self._running) - len(self._proofs)

    def keep_only(self, open_batches: frozenset[Hash32]) -> None:
        """Have the pool forget batches that are final, or were given up."""
        for batch_id in [known for known in self._submitted if known not in open_batches]:
            del self._submitted[batch_id]
            self._proofs.pop(batch_id, None)
            self._start(batch_id, self._forget(batch_id))

    def _start(self, batch_id: Hash32, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running[batch_id] = task
        task.add_done_callback(lambda _: self._running.pop(batch_id, None))

    async def _submit(self, batch: BatchToProve) -> None:
        try:
            known: BatchStatus | None = await self._pool.call("batch_status", batch.batch_id)
            if known is None:
                segments: list[SegmentInput] = await self._witnesses.call(
                    "segments_for", batch.first_block, batch.last_block, self._segment_cycles
                )
                answer: Submission = await self._pool.call("submit_batch", batch.batch_id, segments)
                if not answer.is_taken:
                    self.problem = f"the prover pool is {answer.refusal}"
                    return
        except (ActorAway, *_TROUBLE) as error:
            self.problem = f"blocks {batch.first_block} to {batch.last_block}: {error}"
            log.warning("batch not submitted to the prover pool", reason=str(error))
            return
        self.problem = None
        self._submitted[batch.batch_id] = batch

    async def _fetch(self, batch: BatchToProve) -> None:
        if batch.batch_id not in self._submitted:
            return
        try:
            status: BatchStatus | None = await self._pool.call("batch_status", batch.batch_id)
            if status is None:  # The pool lost its disk: it gets the batch again.
                del self._submitted[batch.batch_id]
                return
            if status.stage is BatchStage.FAILED:
                self.problem = "; ".join(status.reasons)
            found: list[PoolProof] | None = await self._pool.call("proofs", batch.batch_id)
        except (ActorAway, *_TROUBLE) as error:
            self.problem = str(error)
            return
        if found is not None:
            self.problem = None
            self._proofs[batch.batch_id] = tuple(
                SegmentProof(entry.statement, entry.proof) for entry in found
            )

    async def _forget(self, batch_id: Hash32) -> None:
        try:
            await self._pool.call("forget_batch", batch_id)
        except ActorAway:
            log.info("the pool is away and keeps a settled batch", batch=batch_id.hex())
