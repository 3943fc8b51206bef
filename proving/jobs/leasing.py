"""Leases: who proves what, and for how long (rules 3 and 4)."""

from __future__ import annotations

from dataclasses import replace

from proving.jobs.draft import Draft, without_lease
from proving.jobs.effects import LeaseGranted, LeaseRevoked, NothingToDo, ReplaceWorker
from proving.jobs.events import HeartbeatReceived, LeaseRequested, LeaseReturned, WorkerLost
from proving.jobs.job import MAX_ATTEMPTS, Attempt, Job, Lease, Outcome
from proving.jobs.types import Token


def on_lease_requested(draft: Draft, event: LeaseRequested) -> None:
    """Give a worker the job that it holds already, or the oldest one that waits."""
    state = draft.state
    held = state.leased_to(event.worker)
    if held is not None and held.lease is not None:
        _extend(draft, held, held.lease)
        return
    job = None if state.is_draining else state.next_available(draft.now_ms)
    if job is None:
        draft.emit(NothingToDo(event.worker))
        return
    token = state.next_token
    draft.state = replace(state, next_token=Token(token + 1))
    attempt = Attempt(token, event.worker, draft.now_ms, Outcome.RUNNING)
    job = replace(job, attempts=(*job.attempts, attempt)[-MAX_ATTEMPTS:])
    _extend(draft, job, Lease(token, event.worker, draft.now_ms, draft.now_ms))


def on_heartbeat(draft: Draft, event: HeartbeatReceived) -> None:
    """Extend a lease, take it up again after a silence, or tell the worker to stop."""
    job = draft.state.jobs.get(event.job_id)
    lease = None
    if job is not None:
        lease = draft.held_lease(job, event.worker, event.token) or _silent_lease(draft, job, event)
    if job is None or lease is None:
        draft.emit(LeaseRevoked(event.worker, event.job_id))
    elif draft.now_ms - lease.started_ms >= draft.state.config.longest_run_ms:
        _overrun(draft, job, lease)
    else:
        _extend(draft, job, lease)


def on_lease_returned(draft: Draft, event: LeaseReturned) -> None:
    """Take a job back."""
    job = draft.state.jobs.get(event.job_id)
    if job is not None and draft.held_lease(job, event.worker, event.token):
        draft.put(without_lease(job, Outcome.RETURNED))


def on_worker_lost(draft: Draft, event: WorkerLost) -> None:
    """End the lease of a dead worker."""
    job = draft.state.leased_to(event.worker)
    if job is not None:
        draft.lost(job, Outcome.DIED)


def end_overdue(draft: Draft) -> None:
    """End leases of silent workers, and of those that take too long."""
    for job in list(draft.state.jobs.values()):
        lease = job.lease
        if lease is None:
            continue
        if draft.now_ms - lease.started_ms >= draft.state.config.longest_run_ms:
            _overrun(draft, job, lease)
        elif draft.now_ms >= lease.deadline_ms:
            draft.lost(job, Outcome.SILENT)


def renew_all(draft: Draft) -> None:
    """Give every lease its full time again: nobody could send heartbeats (rule 11)."""
    for job in list(draft.state.jobs.values()):
        if job.lease is not None:
            deadline_ms = draft.now_ms + draft.state.config.lease_ms
            draft.put(replace(job, lease=replace(job.lease, deadline_ms=deadline_ms)))


def _silent_lease(draft: Draft, job: Job, event: HeartbeatReceived) -> Lease | None:
    """The lease that a worker lost by its silence, if nothing has happened to the job since."""
    attempt = job.attempts[-1] if job.attempts else None
    is_free = job.is_available(max(draft.now_ms, job.available_from_ms))
    is_idle = draft.state.leased_to(event.worker) is None
    if attempt is None or not is_free or not is_idle:
        return None
    is_same = (attempt.token, attempt.worker) == (event.token, event.worker)
    if not is_same or attempt.outcome is not Outcome.SILENT:
        return None
    return Lease(attempt.token, attempt.worker, attempt.started_ms, draft.now_ms)


def _extend(draft: Draft, job: Job, lease: Lease) -> None:
    lease = replace(lease, deadline_ms=draft.now_ms + draft.state.config.lease_ms)
    attempts = tuple(
        replace(entry, outcome=Outcome.RUNNING) if entry.token == lease.token else entry
        for entry in job.attempts
    )
    draft.put(replace(job, lease=lease, attempts=attempts))
    draft.emit(LeaseGranted(lease.worker, job.id, lease))


def _overrun(draft: Draft, job: Job, lease: Lease) -> None:
    """A worker hangs in a job: that is the job's failure, and the worker is no use any more."""
    minutes = draft.state.config.longest_run_ms / 60_000
    reason = f"took longer than {minutes:g} minutes"
    draft.failed(without_lease(job, Outcome.OVERRAN), reason)
    draft.emit(LeaseRevoked(lease.worker, job.id))
    draft.emit(ReplaceWorker(lease.worker, reason))
