"""The queue's one transition function."""

from __future__ import annotations

from dataclasses import replace

from proving.jobs import batches, leasing, results
from proving.jobs.draft import Draft
from proving.jobs.effects import (
    Drained,
    DropFiles,
    Effect,
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
    Started,
    Tick,
    WorkerLost,
)
from proving.jobs.job import Stage
from proving.jobs.state import QueueState
from proving.jobs.types import FileDigest


def step(state: QueueState, event: Event, now_ms: int) -> tuple[QueueState, tuple[Effect, ...]]:
    """Apply one event.

    Parameters
    ----------
    now_ms
        Wall-clock milliseconds, for it outlives the process. A clock that jumps may end leases
        early or late, which costs time and nothing else.

    Raises
    ------
    InvalidSegments
        A submitted batch is none; the state stays as it was.
    """
    draft = Draft(state, now_ms)
    _apply(draft, event)
    _announce(draft, state, event)
    return draft.state, tuple(draft.effects)


def _apply(draft: Draft, event: Event) -> None:
    match event:
        case Started():
            draft.state = replace(draft.state, is_draining=False)
            leasing.renew_all(draft)
            _repeat(draft)
        case Tick():
            leasing.end_overdue(draft)
        case DrainRequested():
            draft.state = replace(draft.state, is_draining=True)
        case BatchSubmitted():
            batches.on_batch_submitted(draft, event)
        case BatchForgotten():
            batches.on_batch_forgotten(draft, event)
        case RetryRequested():
            batches.on_retry_requested(draft, event)
        case LeaseRequested():
            leasing.on_lease_requested(draft, event)
        case HeartbeatReceived():
            leasing.on_heartbeat(draft, event)
        case LeaseReturned():
            leasing.on_lease_returned(draft, event)
        case WorkerLost():
            leasing.on_worker_lost(draft, event)
        case RunFailed():
            results.on_run_failed(draft, event)
        case ProofReceived():
            results.on_proof_received(draft, event)
        case ProofVerified():
            results.on_proof_verified(draft, event)
        case ProofRefused():
            results.on_proof_refused(draft, event)
        case SplitMade():
            batches.on_split_made(draft, event)
        case SplitRefused():
            batches.on_split_refused(draft, event)
        case JobCondemned():
            results.on_job_condemned(draft, event)


def _repeat(draft: Draft) -> None:
    """Want again what a crash may have swallowed (rule 11)."""
    for job in draft.state.jobs.values():
        for candidate in job.candidates:
            draft.emit(VerifyProof(job.id, candidate.proof))
        if job.stage is Stage.SPLITTING:
            draft.emit(SplitJob(job.id))


def _announce(draft: Draft, before: QueueState, event: Event) -> None:
    """Say what follows from the new state as a whole."""
    after = draft.state
    dropped = _dropped(before, event, after)
    if dropped.witnesses or dropped.proofs:
        draft.emit(dropped)
    has_work = not after.is_draining and after.next_available(draft.now_ms) is not None
    is_answer = isinstance(event, LeaseRequested | HeartbeatReceived)
    if has_work and not is_answer:
        draft.emit(WorkAvailable())
    if after.is_draining and after.is_drained:
        draft.emit(Drained())


def _dropped(before: QueueState, event: Event, after: QueueState) -> DropFiles:
    """Files that the event brought or that the old state needed, and the new one does not."""
    brought_witnesses: set[FileDigest] = set()
    brought_proofs: set[FileDigest] = set()
    if isinstance(event, BatchSubmitted):
        brought_witnesses |= {FileDigest(spec.witness_digest) for spec in event.jobs}
    if isinstance(event, SplitMade):
        brought_witnesses |= {FileDigest(spec.witness_digest) for spec in event.parts}
    if isinstance(event, ProofReceived):
        brought_proofs.add(event.proof)
    return DropFiles(
        (before.witness_files() | brought_witnesses) - after.witness_files(),
        (before.proof_files() | brought_proofs) - after.proof_files(),
    )
