"""The pool without Ray's actors: questions become events, effects become work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import structlog

from actors.prover.pool.errors import FileDamaged, PoolClosed
from actors.prover.pool.files import digest_of
from actors.prover.pool.keeper import QueueKeeper
from actors.prover.pool.messages import (
    BatchStatus,
    Handed,
    Rest,
    SegmentInput,
    SegmentProof,
    Submission,
    WorkOrder,
)
from actors.prover.pool.outside import Away, Split, SplitImpossible, Verify
from actors.prover.pool.programs import PoolProgram, verifying_key
from actors.prover.pool.report import Throughput, batch_status
from actors.validator.tasks import Tasks
from actors.waiting import wait_at_most
from ledger.errors import OutOfBounds
from proving.jobs import (
    BatchId,
    FileDigest,
    InvalidSegments,
    JobId,
    JobSpec,
    Stage,
    Token,
    WorkerId,
)
from proving.jobs.effects import (
    BatchRefused,
    BatchTaken,
    Drained,
    Effect,
    JobGivenUp,
    JobProven,
    LeaseGranted,
    ReplaceWorker,
    SplitJob,
    VerifyProof,
    WorkAvailable,
)
from proving.jobs.events import (
    BatchForgotten,
    BatchSubmitted,
    DrainRequested,
    Event,
    HeartbeatReceived,
    JobCondemned,
    LeaseRequested,
    LeaseReturned,
    ProofReceived,
    ProofRefused,
    ProofVerified,
    RetryRequested,
    RunFailed,
    SplitMade,
    SplitRefused,
    Tick,
    WorkerLost,
)
from storage.errors import StorageError

AWAY_SECONDS: Final = 1.0
"""Before another process is asked again."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class PoolDesk:
    """Keeps the queue and does what it wants done.

    Parameters
    ----------
    programs
        What can be proved; submissions are for the first.
    verify, split
        Other processes.
    replace_worker
        Called with a worker to end.
    on_failure
        Called with an error that the pool cannot go on from: its disk failed.
    """

    def __init__(
        self,
        keeper: QueueKeeper,
        programs: Sequence[PoolProgram],
        verify: Verify,
        split: Split,
        replace_worker: Callable[[WorkerId], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._keeper = keeper
        self._programs = {_digest(program): program for program in programs}
        self._default = programs[0]
        self._verify = verify
        self._split = split
        self._replace_worker = replace_worker
        self._on_failure = on_failure
        self._tasks = Tasks(on_failure)
        self._work = asyncio.Event()
        self._drained = asyncio.Event()
        self._is_closed = False
        self.throughput = Throughput(keeper.now_ms())

    @property
    def keeper(self) -> QueueKeeper:
        """The queue, to look at."""
        return self._keeper

    def start(self) -> None:
        """Go on where the disk says that an earlier life was."""
        self._perform(self._keeper.start())
        self._condemn_foreign_jobs()

    # SUBMITTERS

    async def submit(self, batch_id: bytes, segments: Sequence[SegmentInput]) -> Submission:
        """Take a batch: witnesses first, then the queue.

        Raises
        ------
        InvalidSegments, OutOfBounds
            It is no batch, or larger than a batch may be.
        OSError
            A witness cannot be written.
        """
        specs = await self._shelve(segments, self._default)
        try:
            effects = self.handle(BatchSubmitted(BatchId(batch_id), specs))
        except (InvalidSegments, OutOfBounds):
            brought = {FileDigest(spec.witness_digest) for spec in specs}
            self._keeper.witnesses.drop(brought - self._keeper.state.witness_files())
            raise
        for effect in effects:
            if isinstance(effect, BatchTaken):
                return Submission(is_taken=True, is_new=effect.is_new)
            if isinstance(effect, BatchRefused):
                return Submission(is_taken=False, is_new=False, refusal=effect.refusal.value)
        raise AssertionError("every submission has an answer")

    def batch_status(self, batch_id: bytes) -> BatchStatus | None:
        """How far a batch is; None if it is not here."""
        if BatchId(batch_id) not in self._keeper.state.batches:
            return None
        return batch_status(batch_id, self._keeper.state.jobs_of(BatchId(batch_id)))

    async def proofs(self, batch_id: bytes) -> list[SegmentProof] | None:
        """All proofs of a batch in the order of blocks; None unless all are there.

        Raises
        ------
        FileDamaged
            The disk has lost one.
        """
        jobs = self._keeper.state.jobs_of(BatchId(batch_id))
        if not jobs or any(job.stage is not Stage.PROVEN for job in jobs):
            return None
        found = []
        for job in jobs:
            assert job.proof is not None
            proof = await asyncio.to_thread(self._keeper.proofs.get, job.proof)
            spec = job.spec
            found.append(
                SegmentProof(
                    spec.first_block,
                    spec.last_block,
                    spec.statement,
                    spec.public_values,
                    proof,
                    spec.parameter_set,
                    spec.key_digest,
                )
            )
        return found

    def forget(self, batch_id: bytes) -> None:
        """Remove a batch and its files."""
        self.handle(BatchForgotten(BatchId(batch_id)))

    def retry(self, batch_id: bytes) -> None:
        """Try again what was given up."""
        self.handle(RetryRequested(BatchId(batch_id)))
        self._condemn_foreign_jobs()

    def retry_failed(self) -> int:
        """Try again all that was given up, and give how much that was."""
        state = self._keeper.state
        failed = {job.id for job in state.jobs.values() if job.stage is Stage.GIVEN_UP}
        for batch in state.batches.values():
            if not failed.isdisjoint(batch.jobs):
                self.retry(batch.id)
        return len(failed)

    # WORKERS

    async def order_for(self, worker: WorkerId) -> WorkOrder | Rest:
        """The oldest job that waits, for a worker to prove."""
        while True:
            granted = next(
                (
                    effect
                    for effect in self.handle(LeaseRequested(worker))
                    if isinstance(effect, LeaseGranted)
                ),
                None,
            )
            if granted is None:
                return Rest()
            spec = self._keeper.state.jobs[granted.job_id].spec
            digest = FileDigest(spec.witness_digest)
            try:
                witness = await asyncio.to_thread(self._keeper.witnesses.get, digest)
            except FileDamaged as error:
                log.error("a witness is lost", reason=str(error))
                self.handle(JobCondemned(granted.job_id, str(error)))
                continue
            return WorkOrder(granted.job_id, granted.lease.token, spec.key_digest, witness)

    async def wait_for_work(self, seconds: float) -> None:
        """Wait until there may be a job, but not longer."""
        await wait_at_most(self._work, seconds)

    def heartbeat(self, worker: WorkerId, job_id: JobId, token: Token) -> bool:
        """Extend a lease; False: nobody wants the proof any more."""
        effects = self.handle(HeartbeatReceived(worker, job_id, token))
        return any(isinstance(effect, LeaseGranted) for effect in effects)

    async def hand_in(self, handed: Handed) -> None:
        """Take a proof, to be verified."""
        proof = digest_of(handed.proof)
        with self._keeper.proofs.pinned([proof]):
            await asyncio.to_thread(self._keeper.proofs.put, handed.proof)
        self.throughput.handed_in(handed.job_id, handed.cycles, handed.seconds)
        self.handle(ProofReceived(handed.worker, handed.job_id, handed.token, proof))

    def report_failure(self, worker: WorkerId, job_id: JobId, token: Token, reason: str) -> None:
        """Count a failure of a job."""
        self.handle(RunFailed(worker, job_id, token, reason))

    def worker_lost(self, worker: WorkerId) -> None:
        """End a dead worker's lease."""
        self.handle(WorkerLost(worker))

    def program(self, key_digest: bytes | None) -> tuple[bytes, PoolProgram]:
        """The program of a key, or of new submissions; and its key's digest."""
        digest = _digest(self._default) if key_digest is None else key_digest
        return digest, self._programs[digest]

    # TIME

    def tick(self) -> None:
        """End what has taken too long."""
        self.handle(Tick())

    async def drain(self) -> None:
        """Begin nothing new, and wait until what runs has ended."""
        self.handle(DrainRequested())
        await self._drained.wait()

    async def close(self) -> None:
        """Give all leases back, stop working and close the disk. Safe to call twice."""
        if self._is_closed:
            return
        for job in list(self._keeper.state.jobs.values()):
            if job.lease is not None:
                self.handle(LeaseReturned(job.lease.worker, job.id, job.lease.token))
        self._is_closed = True
        await self._tasks.close()
        self._keeper.close()

    # EVENTS AND EFFECTS

    def handle(self, event: Event) -> tuple[Effect, ...]:
        """Let the queue know, and do what it wants done; gives the effects, for the answer.

        Raises
        ------
        PoolClosed
            After :meth:`close`.
        """
        if self._is_closed:
            raise PoolClosed("the pool has stopped: start it again")
        try:
            effects = self._keeper.handle(event)
        except StorageError as error:
            self._on_failure(error)
            raise
        self._perform(effects)
        return effects

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case VerifyProof():
                    self._begin(self._have_verified(effect))
                case SplitJob():
                    self._begin(self._have_split(effect.job_id))
                case ReplaceWorker():
                    log.warning("worker replaced", worker=effect.worker, reason=effect.reason)
                    self._replace_worker(effect.worker)
                case JobProven():
                    self.throughput.proven(effect.job_id, self._keeper.now_ms())
                case JobGivenUp():
                    log.error("job given up", job=effect.job_id.hex(), reason=effect.reason)
                case WorkAvailable():
                    self._work.set()
                    self._work = asyncio.Event()
                case Drained():
                    self._drained.set()
                case _:
                    pass

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.start(work)

    async def _have_verified(self, wanted: VerifyProof) -> None:
        job = self._keeper.state.jobs.get(wanted.job_id)
        program = None if job is None else self._programs.get(job.spec.key_digest)
        if job is None or program is None:
            return
        public_values = job.spec.public_values
        try:
            proof = await asyncio.to_thread(self._keeper.proofs.get, wanted.proof)
            refusal = await _until_there(lambda: self._verify(program, proof, public_values))
        except FileDamaged as error:
            refusal = str(error)
        if refusal:
            self.handle(ProofRefused(wanted.job_id, wanted.proof, refusal))
        else:
            self.handle(ProofVerified(wanted.job_id, wanted.proof))

    async def _have_split(self, job_id: JobId) -> None:
        job = self._keeper.state.jobs.get(job_id)
        program = None if job is None else self._programs.get(job.spec.key_digest)
        if job is None or program is None:
            return
        spec = job.spec
        try:
            parts = await _until_there(lambda: self._split(spec.first_block, spec.last_block))
        except SplitImpossible as error:
            self.handle(SplitRefused(job_id, str(error)))
            return
        specs = await self._shelve(parts, program)
        self.handle(SplitMade(job_id, specs))

    async def _shelve(
        self, segments: Sequence[SegmentInput], program: PoolProgram
    ) -> tuple[JobSpec, ...]:
        """Write witnesses; nothing else may be awaited between this and the event."""
        shelf = self._keeper.witnesses
        digests = [digest_of(segment.witness) for segment in segments]
        with shelf.pinned(digests):
            for segment in segments:
                await asyncio.to_thread(shelf.put, segment.witness)
        return tuple(
            JobSpec(
                key_digest=_digest(program),
                parameter_set=program.parameters.name,
                witness_digest=digest,
                public_values=segment.public_values,
                statement=segment.statement,
                first_block=segment.first_block,
                last_block=segment.last_block,
                cycles=segment.cycles,
            )
            for segment, digest in zip(segments, digests, strict=True)
        )

    def _condemn_foreign_jobs(self) -> None:
        for job in list(self._keeper.state.jobs.values()):
            if job.spec.key_digest not in self._programs and not job.is_finished:
                reason = "its program is not of this build: forget the batch, and submit it again"
                self.handle(JobCondemned(job.id, reason))


async def _until_there(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask another process until it answers."""
    while True:
        try:
            return await ask()
        except Away as error:
            log.warning("another process is away", reason=str(error))
            await asyncio.sleep(AWAY_SECONDS)


def _digest(program: PoolProgram) -> bytes:
    return verifying_key(program.key, program.parameters).digest
