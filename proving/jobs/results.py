"""Proofs and failures: what workers hand in (rules 5 and 8)."""

from __future__ import annotations

from dataclasses import replace

from proving.jobs.draft import Draft, without_lease
from proving.jobs.effects import JobProven, LeaseRevoked, ReplaceWorker, VerifyProof
from proving.jobs.events import (
    JobCondemned,
    ProofReceived,
    ProofRefused,
    ProofVerified,
    RunFailed,
)
from proving.jobs.job import Candidate, Job, Outcome, Stage


def on_proof_received(draft: Draft, event: ProofReceived) -> None:
    """Have a proof verified, unless the job has one or the token was never given for it."""
    job = draft.state.jobs.get(event.job_id)
    if job is None or job.stage is Stage.PROVEN:
        return
    attempt = job.attempt(event.token)
    is_own = attempt is not None and attempt.worker == event.worker
    has_come_already = any(event.token == entry.token for entry in job.candidates)
    if attempt is None or not is_own or has_come_already:
        return
    if attempt.outcome is Outcome.HANDED_IN:
        # Refused before, or said twice.
        return
    is_current = draft.held_lease(job, event.worker, event.token) is not None
    if is_current:
        job = without_lease(job, Outcome.HANDED_IN)
    else:
        job = replace(
            job,
            attempts=tuple(
                replace(entry, outcome=Outcome.HANDED_IN) if entry == attempt else entry
                for entry in job.attempts
            ),
        )
    candidate = Candidate(event.proof, event.token, event.worker, is_late=not is_current)
    draft.put(replace(job, candidates=(*job.candidates, candidate)))
    draft.emit(VerifyProof(job.id, event.proof))


def on_proof_verified(draft: Draft, event: ProofVerified) -> None:
    """Publish the first good proof; whoever else is at it may stop."""
    job = draft.state.jobs.get(event.job_id)
    if job is None or not any(entry.proof == event.proof for entry in job.candidates):
        return
    if job.lease is not None:
        draft.emit(LeaseRevoked(job.lease.worker, job.id))
    draft.put(
        replace(
            without_lease(job, Outcome.SUPERSEDED),
            stage=Stage.PROVEN,
            candidates=(),
            proof=event.proof,
            finished_ms=draft.now_ms,
            reason="",
        )
    )
    draft.emit(JobProven(job.id))


def on_proof_refused(draft: Draft, event: ProofRefused) -> None:
    """Forget a bad proof, and replace the worker that made it."""
    job = draft.state.jobs.get(event.job_id)
    if job is None:
        return
    refused = [entry for entry in job.candidates if entry.proof == event.proof]
    if not refused:
        return
    rest = tuple(entry for entry in job.candidates if entry.proof != event.proof)
    job = replace(job, candidates=rest)
    for candidate in refused:
        draft.emit(ReplaceWorker(candidate.worker, f"its proof is refused: {event.reason}"))
    costs_a_retry = not all(candidate.is_late for candidate in refused)
    if costs_a_retry and job.stage is Stage.OPEN and not _is_in_good_hands(job):
        draft.failed(job, f"the proof is refused: {event.reason}")
    else:
        draft.put(job)


def on_run_failed(draft: Draft, event: RunFailed) -> None:
    """Count a failure, if it is the current worker's."""
    job = draft.state.jobs.get(event.job_id)
    if job is None or not draft.held_lease(job, event.worker, event.token):
        return
    job = without_lease(job, Outcome.FAILED)
    if job.candidates:
        # A late proof waits for its verification: if it is good, the failure does not matter.
        draft.put(job)
    else:
        draft.failed(job, event.reason)


def on_job_condemned(draft: Draft, event: JobCondemned) -> None:
    """Give a job up at once."""
    job = draft.state.jobs.get(event.job_id)
    if job is None or job.is_finished:
        return
    if job.lease is not None:
        draft.emit(LeaseRevoked(job.lease.worker, job.id))
    job = replace(without_lease(job, Outcome.SUPERSEDED), candidates=(), reason=event.reason)
    draft.give_up(job)


def _is_in_good_hands(job: Job) -> bool:
    """Whether another worker, or another proof, may still make it."""
    return job.lease is not None or bool(job.candidates)
