"""Batches come, are cut smaller, and go (rules 1, 6, 7 and 9)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from proving.jobs.config import MAX_BATCH_JOBS
from proving.jobs.draft import Draft, shortened
from proving.jobs.effects import BatchRefused, BatchTaken, LeaseRevoked, Refusal
from proving.jobs.errors import InvalidSegments
from proving.jobs.events import (
    BatchForgotten,
    BatchSubmitted,
    RetryRequested,
    SplitMade,
    SplitRefused,
)
from proving.jobs.job import MAX_BATCH_ID_BYTES, Batch, Job, JobSpec, Stage
from proving.jobs.types import BatchId, JobId


def on_batch_submitted(draft: Draft, event: BatchSubmitted) -> None:
    """Take a batch, unless the queue is full.

    Raises
    ------
    InvalidSegments
        The caller's fault: no batch id, no segments, or segments that do not follow one another.
    """
    _check_batch(event)
    state = draft.state
    submission = _submission(event.jobs)
    known = state.batches.get(event.batch_id)
    refusal = None
    if known is not None and known.submission == submission:
        draft.emit(BatchTaken(event.batch_id, is_new=False))
        return
    if known is not None:
        refusal = Refusal.OTHER_SEGMENTS
    elif any(_contradicts(draft, spec) for spec in event.jobs):
        refusal = Refusal.OTHER_STATEMENT
    elif state.is_draining:
        refusal = Refusal.DRAINING
    elif not _has_room(draft, event.jobs):
        refusal = Refusal.FULL
    if refusal is not None:
        draft.emit(BatchRefused(event.batch_id, refusal))
        return
    for spec in event.jobs:
        _add(draft, spec)
    ids = tuple(spec.id for spec in event.jobs)
    _batches(draft)[event.batch_id] = Batch(event.batch_id, ids, draft.now_ms, submission)
    draft.emit(BatchTaken(event.batch_id, is_new=True))


def on_batch_forgotten(draft: Draft, event: BatchForgotten) -> None:
    """Forget a batch and the jobs that no other batch has."""
    batch = _batches(draft).pop(event.batch_id, None)
    if batch is not None:
        _remove_orphans(draft, batch.jobs)


def on_retry_requested(draft: Draft, event: RetryRequested) -> None:
    """Begin again with what a batch gave up."""
    for job in draft.state.jobs_of(event.batch_id):
        if job.stage is Stage.GIVEN_UP:
            draft.put(
                replace(
                    job,
                    stage=Stage.OPEN,
                    failures=0,
                    losses=0,
                    cannot_split=False,
                    available_from_ms=0,
                    finished_ms=0,
                    reason="",
                )
            )


def on_split_made(draft: Draft, event: SplitMade) -> None:
    """Put a job's parts in its place."""
    job = draft.state.jobs.get(event.job_id)
    if job is None or job.stage is not Stage.SPLITTING:
        return
    try:
        _check_parts(job.spec, event.parts)
    except InvalidSegments as error:
        _split_failed(draft, job, str(error))
        return
    if any(_contradicts(draft, spec) for spec in event.parts):
        _split_failed(draft, job, Refusal.OTHER_STATEMENT.value)
        return
    ids = tuple(spec.id for spec in event.parts)
    for spec in event.parts:
        _add(draft, spec)
    for batch in list(draft.state.batches.values()):
        if job.id in batch.jobs:
            at = batch.jobs.index(job.id)
            jobs = (*batch.jobs[:at], *ids, *batch.jobs[at + 1 :])
            _batches(draft)[batch.id] = replace(batch, jobs=jobs)
    _remove_orphans(draft, (job.id,))


def on_split_refused(draft: Draft, event: SplitRefused) -> None:
    """Go on with the job as it is."""
    job = draft.state.jobs.get(event.job_id)
    if job is not None and job.stage is Stage.SPLITTING:
        _split_failed(draft, job, event.reason)


def _split_failed(draft: Draft, job: Job, reason: str) -> None:
    config = draft.state.config
    job = replace(job, cannot_split=True)
    if job.failures >= config.failures_before_giving_up:
        draft.give_up(job)
        return
    pause_ms = config.pause_after(max(1, job.failures))
    draft.put(
        replace(
            job,
            stage=Stage.OPEN,
            available_from_ms=draft.now_ms + pause_ms,
            reason=shortened(f"{job.reason}; cannot be split: {reason}"),
        )
    )


def _add(draft: Draft, spec: JobSpec) -> None:
    if spec.id not in draft.state.jobs:
        draft.put(Job(spec, draft.now_ms))


def _remove_orphans(draft: Draft, candidates: Sequence[JobId]) -> None:
    """Remove those jobs that no batch has any more."""
    needed = {job_id for batch in draft.state.batches.values() for job_id in batch.jobs}
    jobs = draft.state.jobs
    assert isinstance(jobs, dict)
    for job_id in candidates:
        if job_id not in needed and job_id in jobs:
            job = jobs.pop(job_id)
            if job.lease is not None:
                draft.emit(LeaseRevoked(job.lease.worker, job_id))


def _batches(draft: Draft) -> dict[BatchId, Batch]:
    batches = draft.state.batches
    assert isinstance(batches, dict)
    return batches


def _contradicts(draft: Draft, spec: JobSpec) -> bool:
    known = draft.state.jobs.get(spec.id)
    return known is not None and known.spec != spec


def _has_room(draft: Draft, specs: Sequence[JobSpec]) -> bool:
    state = draft.state
    new = sum(spec.id not in state.jobs for spec in specs)
    fits = state.open_count + new <= state.config.open_job_limit
    is_empty = state.open_count == 0
    return len(state.batches) < state.config.batch_limit and (fits or is_empty)


def _submission(specs: Sequence[JobSpec]) -> bytes:
    return hashlib.sha256(b"".join(spec.id for spec in specs)).digest()


def _check_batch(event: BatchSubmitted) -> None:
    if not 1 <= len(event.batch_id) <= MAX_BATCH_ID_BYTES:
        raise InvalidSegments(
            "bytes of a batch id", f"1..{MAX_BATCH_ID_BYTES}", len(event.batch_id)
        )
    if not 1 <= len(event.jobs) <= MAX_BATCH_JOBS:
        raise InvalidSegments("segments of a batch", f"1..{MAX_BATCH_JOBS}", len(event.jobs))
    first = event.jobs[0]
    _check_consecutive(event.jobs, first.first_block)


def _check_parts(whole: JobSpec, parts: Sequence[JobSpec]) -> None:
    if len(parts) < 2:
        raise InvalidSegments("parts of a segment", "at least 2", len(parts))
    _check_consecutive(parts, whole.first_block)
    if parts[-1].last_block != whole.last_block:
        raise InvalidSegments("last block of the parts", whole.last_block, parts[-1].last_block)
    program = (whole.key_digest, whole.parameter_set)
    for part in parts:
        if (part.key_digest, part.parameter_set) != program:
            raise InvalidSegments(
                "parameter set of a part", whole.parameter_set, part.parameter_set
            )


def _check_consecutive(specs: Sequence[JobSpec], first_block: int) -> None:
    expected = first_block
    for spec in specs:
        if spec.first_block != expected:
            raise InvalidSegments("first block of a segment", expected, spec.first_block)
        if spec.last_block < spec.first_block:
            raise InvalidSegments(
                "last block of a segment", f"at least {spec.first_block}", spec.last_block
            )
        expected = spec.last_block + 1
    if len({spec.id for spec in specs}) != len(specs):
        raise InvalidSegments("segments", "different ones", "two with one witness")
