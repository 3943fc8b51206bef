"""The queue's state, and what can be read off it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proving.jobs.config import QueueConfig
from proving.jobs.job import Batch, Job, Stage
from proving.jobs.types import FIRST_TOKEN, BatchId, FileDigest, JobId, Token, WorkerId


@dataclass(frozen=True, slots=True)
class QueueState:
    """All jobs and batches. `is_draining` is of this life of the process, and not kept."""

    config: QueueConfig
    jobs: Mapping[JobId, Job] = field(default_factory=dict)
    batches: Mapping[BatchId, Batch] = field(default_factory=dict)
    next_token: Token = FIRST_TOKEN
    is_draining: bool = False

    @property
    def open_count(self) -> int:
        """Unfinished jobs: the queue's depth."""
        return sum(not job.is_finished for job in self.jobs.values())

    @property
    def demand(self) -> int:
        """Workers that would have something to do, now or after a pause."""
        return sum(job.stage is Stage.OPEN and not job.candidates for job in self.jobs.values())

    @property
    def is_accepting(self) -> bool:
        """Whether a new batch would be taken (rule 9)."""
        has_room = len(self.batches) < self.config.batch_limit
        is_shallow = self.open_count < self.config.open_job_limit
        return not self.is_draining and has_room and is_shallow

    @property
    def is_drained(self) -> bool:
        """Whether nothing runs, nor has anything been handed in that is not verified."""
        return all(job.lease is None and not job.candidates for job in self.jobs.values())

    def next_available(self, now_ms: int) -> Job | None:
        """The job that a worker should take (rule 2)."""
        available = (job for job in self.jobs.values() if job.is_available(now_ms))
        return min(available, key=lambda job: job.order, default=None)

    def leased_to(self, worker: WorkerId) -> Job | None:
        """The job that a worker holds."""
        return next(
            (
                job
                for job in self.jobs.values()
                if job.lease is not None and job.lease.worker == worker
            ),
            None,
        )

    def jobs_of(self, batch_id: BatchId) -> list[Job]:
        """A batch's jobs, in the order of their blocks; empty for a batch that is not there."""
        batch = self.batches.get(batch_id)
        return [] if batch is None else [self.jobs[job_id] for job_id in batch.jobs]

    def witness_files(self) -> frozenset[FileDigest]:
        """Witnesses that may be needed: those of jobs without a proof."""
        return frozenset(
            FileDigest(job.spec.witness_digest)
            for job in self.jobs.values()
            if job.stage is not Stage.PROVEN
        )

    def proof_files(self) -> frozenset[FileDigest]:
        """Proofs that are published, or wait to be verified."""
        published = {job.proof for job in self.jobs.values() if job.proof is not None}
        waiting = {entry.proof for job in self.jobs.values() for entry in job.candidates}
        return frozenset(published | waiting)
