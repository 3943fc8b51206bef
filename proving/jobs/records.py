"""The queue on disk: a few records under a few keys, of which an event changes some.

::

    job/<job id>       JobRecord
    batch/<batch id>   BatchRecord
    token              the next token, 8 bytes

Deadlines are not kept: they change with every heartbeat, and a restart renews them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, TypeVar, cast

from ledger.bounds import AtMost, Exactly, Uint
from ledger.codec import MAX_ARRAY_ITEMS, decode, encode, wire
from ledger.errors import CodecError
from proving.jobs.config import QueueConfig
from proving.jobs.errors import QueueDamaged
from proving.jobs.job import (
    MAX_ATTEMPTS,
    MAX_BATCH_ID_BYTES,
    MAX_REASON_BYTES,
    MAX_WORKER_ID_BYTES,
    Attempt,
    Batch,
    Candidate,
    Job,
    JobSpec,
    Lease,
    Outcome,
    Stage,
)
from proving.jobs.state import QueueState
from proving.jobs.types import FIRST_TOKEN, BatchId, FileDigest, JobId, Token, WorkerId

MAX_RECORD_BYTES: Final = 4 << 20
"""A job has a statement of 1 MiB at most; a batch 2^16 jobs, after all splits."""

TOKEN_KEY: Final = b"token"
_JOB: Final = b"job/"
_BATCH: Final = b"batch/"
_TOKEN_BYTES: Final = 8

Key = TypeVar("Key", bound=bytes)

Time = Annotated[int, Uint(64)]
Count = Annotated[int, Uint(32)]
Worker = Annotated[str, AtMost(MAX_WORKER_ID_BYTES)]
Hash = Annotated[bytes, Exactly(32)]


@wire(131)
class AttemptRecord:
    """An attempt."""

    token: Time
    worker: Worker
    started_ms: Time
    outcome: Outcome


@wire(132)
class CandidateRecord:
    """A proof that is not verified yet."""

    proof: Hash
    token: Time
    worker: Worker
    is_late: bool


@wire(133)
class JobRecord:
    """A job. `proof` has one entry or none; the lease is that of the attempt that is running."""

    spec: JobSpec
    submitted_ms: Time
    stage: Stage
    candidates: Annotated[tuple[CandidateRecord, ...], AtMost(MAX_ATTEMPTS)]
    attempts: Annotated[tuple[AttemptRecord, ...], AtMost(MAX_ATTEMPTS)]
    failures: Count
    losses: Count
    cannot_split: bool
    available_from_ms: Time
    proof: Annotated[tuple[Hash, ...], AtMost(1)]
    finished_ms: Time
    reason: Annotated[str, AtMost(MAX_REASON_BYTES)]


@wire(134)
class BatchRecord:
    """A batch."""

    id: Annotated[bytes, AtMost(MAX_BATCH_ID_BYTES)]
    jobs: Annotated[tuple[Hash, ...], AtMost(MAX_ARRAY_ITEMS)]
    submitted_ms: Time
    submission: Hash


def changes(before: QueueState, after: QueueState) -> dict[bytes, bytes | None]:
    """What to write: new contents by key, None for keys to remove. To be applied as a whole."""
    changed: dict[bytes, bytes | None] = {}
    for job_id, job in after.jobs.items():
        old = before.jobs.get(job_id)
        if old is not job and (old is None or job_record(old) != job_record(job)):
            changed[_JOB + job_id] = encode(job_record(job))
    for batch_id, batch in after.batches.items():
        if before.batches.get(batch_id) != batch:
            changed[_BATCH + batch_id] = encode(_batch_record(batch))
    changed |= {_JOB + job_id: None for job_id in before.jobs if job_id not in after.jobs}
    changed |= {_BATCH + key: None for key in before.batches if key not in after.batches}
    if after.next_token != before.next_token:
        changed[TOKEN_KEY] = after.next_token.to_bytes(_TOKEN_BYTES, "big")
    return changed


def recover(config: QueueConfig, stored: Iterable[tuple[bytes, bytes]]) -> QueueState:
    """The state that was written.

    Raises
    ------
    QueueDamaged
        Something is not what :func:`changes` writes.
    """
    jobs: dict[JobId, Job] = {}
    batches: dict[BatchId, Batch] = {}
    next_token = FIRST_TOKEN
    for key, raw in stored:
        try:
            if key.startswith(_JOB):
                job = _job(decode(raw, JobRecord, limit_bytes=MAX_RECORD_BYTES))
                jobs[_checked(JobId(key.removeprefix(_JOB)), job.id, key)] = job
            elif key.startswith(_BATCH):
                batch = _batch(decode(raw, BatchRecord, limit_bytes=MAX_RECORD_BYTES))
                batches[_checked(BatchId(key.removeprefix(_BATCH)), batch.id, key)] = batch
            elif key == TOKEN_KEY and len(raw) == _TOKEN_BYTES:
                next_token = Token(int.from_bytes(raw, "big"))
            else:
                raise QueueDamaged(f"the record {key!r} is not one of the queue's")
        except CodecError as error:
            raise QueueDamaged(f"the record {key!r} is damaged: {error}") from error
    _check_whole(jobs, batches, next_token)
    return QueueState(config, jobs, batches, next_token)


def job_record(job: Job) -> JobRecord:
    """What is kept of a job."""
    return JobRecord(
        spec=job.spec,
        submitted_ms=job.submitted_ms,
        stage=job.stage,
        candidates=tuple(
            CandidateRecord(entry.proof, entry.token, entry.worker, entry.is_late)
            for entry in job.candidates
        ),
        attempts=tuple(
            AttemptRecord(entry.token, entry.worker, entry.started_ms, entry.outcome)
            for entry in job.attempts
        ),
        failures=job.failures,
        losses=job.losses,
        cannot_split=job.cannot_split,
        available_from_ms=job.available_from_ms,
        proof=() if job.proof is None else (job.proof,),
        finished_ms=job.finished_ms,
        reason=job.reason,
    )


def _job(record: JobRecord) -> Job:
    attempts = tuple(
        Attempt(Token(entry.token), WorkerId(entry.worker), entry.started_ms, entry.outcome)
        for entry in record.attempts
    )
    running = [entry for entry in attempts if entry.outcome is Outcome.RUNNING]
    if len(running) > 1:
        raise QueueDamaged(f"job {record.spec.id.hex()} has {len(running)} leases")
    # The deadline is set by the event Started.
    leases = [Lease(entry.token, entry.worker, entry.started_ms, 0) for entry in running]
    return Job(
        spec=record.spec,
        submitted_ms=record.submitted_ms,
        stage=record.stage,
        lease=leases[0] if leases else None,
        candidates=tuple(
            Candidate(
                FileDigest(entry.proof), Token(entry.token), WorkerId(entry.worker), entry.is_late
            )
            for entry in record.candidates
        ),
        attempts=attempts,
        failures=record.failures,
        losses=record.losses,
        cannot_split=record.cannot_split,
        available_from_ms=record.available_from_ms,
        proof=FileDigest(record.proof[0]) if record.proof else None,
        finished_ms=record.finished_ms,
        reason=record.reason,
    )


def _batch_record(batch: Batch) -> BatchRecord:
    return BatchRecord(batch.id, batch.jobs, batch.submitted_ms, batch.submission)


def _batch(record: BatchRecord) -> Batch:
    jobs = cast("tuple[JobId, ...]", record.jobs)
    return Batch(BatchId(record.id), jobs, record.submitted_ms, record.submission)


def _checked(named: Key, own: Key, key: bytes) -> Key:
    if named != own:
        raise QueueDamaged(f"the record {key!r} is another one's")
    return own


def _check_whole(
    jobs: Mapping[JobId, Job], batches: Mapping[BatchId, Batch], next_token: Token
) -> None:
    needed = {job_id for batch in batches.values() for job_id in batch.jobs}
    if needed != set(jobs):
        raise QueueDamaged(f"expected the jobs of the batches, {len(needed)}, got {len(jobs)}")
    tokens = [entry.token for job in jobs.values() for entry in job.attempts]
    if max(tokens, default=0) >= next_token:
        raise QueueDamaged(f"the next token is {next_token}, and {max(tokens)} was given")
