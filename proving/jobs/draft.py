"""A state in the making, and the effects so far."""

from __future__ import annotations

from dataclasses import replace

from proving.jobs.effects import Effect, JobGivenUp, SplitJob
from proving.jobs.job import MAX_REASON_BYTES, Job, Lease, Outcome, Stage
from proving.jobs.state import QueueState
from proving.jobs.types import Token, WorkerId


class Draft:
    """What one event changes. Rules read `state`, and change it by `put` and `change` only."""

    def __init__(self, state: QueueState, now_ms: int) -> None:
        self.state = replace(state, jobs=dict(state.jobs), batches=dict(state.batches))
        self.now_ms = now_ms
        self.effects: list[Effect] = []

    def emit(self, effect: Effect) -> None:
        """Want something done."""
        self.effects.append(effect)

    def put(self, job: Job) -> None:
        """Add a job, or what has become of it."""
        jobs = self.state.jobs
        assert isinstance(jobs, dict)
        jobs[job.id] = job

    def held_lease(self, job: Job, worker: WorkerId, token: Token) -> Lease | None:
        """The job's lease, if worker and token are the current ones."""
        lease = job.lease
        is_current = lease is not None and (lease.worker, lease.token) == (worker, token)
        return lease if is_current else None

    # WHAT BECOMES OF A JOB

    def failed(self, job: Job, reason: str) -> None:
        """Count a failure of a job without a lease: pause, split or give up (rules 5 to 7)."""
        config = self.state.config
        job = replace(job, failures=job.failures + 1, reason=shortened(reason))
        if job.may_be_split and job.failures >= config.failures_before_split:
            self._split(job)
        elif not job.may_be_split and job.failures >= config.failures_before_giving_up:
            self.give_up(job)
        else:
            self.put(self._paused(job, job.failures))

    def lost(self, job: Job, outcome: Outcome) -> None:
        """Note that a lease ended through no fault of the job (rule 4)."""
        config = self.state.config
        job = replace(without_lease(job, outcome), losses=job.losses + 1)
        if job.stage is not Stage.OPEN:
            self.put(job)
        elif job.may_be_split and job.losses >= config.losses_before_split:
            self._split(replace(job, reason=f"{job.losses} workers were lost with it"))
        elif job.losses >= config.losses_before_split:
            self.put(self._paused(job, job.losses - config.losses_before_split + 1))
        else:
            self.put(job)

    def give_up(self, job: Job) -> None:
        """End a job without a proof."""
        self.put(replace(job, stage=Stage.GIVEN_UP, finished_ms=self.now_ms))
        self.emit(JobGivenUp(job.id, job.reason))

    def _split(self, job: Job) -> None:
        self.put(replace(job, stage=Stage.SPLITTING))
        self.emit(SplitJob(job.id))

    def _paused(self, job: Job, troubles: int) -> Job:
        pause_ms = self.state.config.pause_after(troubles)
        return replace(job, stage=Stage.OPEN, available_from_ms=self.now_ms + pause_ms)


def without_lease(job: Job, outcome: Outcome) -> Job:
    """The job after its lease, whose attempt ended that way."""
    if job.lease is None:
        return job
    token = job.lease.token
    attempts = tuple(
        replace(entry, outcome=outcome) if entry.token == token else entry for entry in job.attempts
    )
    return replace(job, lease=None, attempts=attempts)


def shortened(reason: str) -> str:
    """A reason that fits into a record."""
    return reason.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore")
