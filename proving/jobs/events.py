"""What happens to the queue."""

from dataclasses import dataclass

from proving.jobs.job import JobSpec
from proving.jobs.types import BatchId, FileDigest, JobId, Token, WorkerId


@dataclass(frozen=True, slots=True)
class Started:
    """The process that keeps the queue starts, with what the disk held."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class DrainRequested:
    """The process is to end soon."""


@dataclass(frozen=True, slots=True)
class BatchSubmitted:
    """A batch; its witnesses are on disk."""

    batch_id: BatchId
    jobs: tuple[JobSpec, ...]


@dataclass(frozen=True, slots=True)
class BatchForgotten:
    """Nobody needs the batch's proofs any more."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """Somebody wants what was given up to be tried again."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True)
class LeaseRequested:
    """A worker has nothing to do."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class HeartbeatReceived:
    """A worker is at work."""

    worker: WorkerId
    job_id: JobId
    token: Token


@dataclass(frozen=True, slots=True)
class LeaseReturned:
    """A worker will not finish its job, and it is not the job's fault."""

    worker: WorkerId
    job_id: JobId
    token: Token


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker is dead for certain."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class RunFailed:
    """A job failed in the hands of a worker that lives."""

    worker: WorkerId
    job_id: JobId
    token: Token
    reason: str


@dataclass(frozen=True, slots=True)
class ProofReceived:
    """A worker handed in a proof, which is on disk."""

    worker: WorkerId
    job_id: JobId
    token: Token
    proof: FileDigest


@dataclass(frozen=True, slots=True)
class ProofVerified:
    """A proof shows what its job asks for."""

    job_id: JobId
    proof: FileDigest


@dataclass(frozen=True, slots=True)
class ProofRefused:
    """A proof does not show what its job asks for."""

    job_id: JobId
    proof: FileDigest
    reason: str


@dataclass(frozen=True, slots=True)
class SplitMade:
    """A job's blocks as smaller jobs; their witnesses are on disk."""

    job_id: JobId
    parts: tuple[JobSpec, ...]


@dataclass(frozen=True, slots=True)
class SplitRefused:
    """A job cannot be split."""

    job_id: JobId
    reason: str


@dataclass(frozen=True, slots=True)
class JobCondemned:
    """Nobody can prove the job: its program is not of this build."""

    job_id: JobId
    reason: str


Event = (
    Started
    | Tick
    | DrainRequested
    | BatchSubmitted
    | BatchForgotten
    | RetryRequested
    | LeaseRequested
    | HeartbeatReceived
    | LeaseReturned
    | WorkerLost
    | RunFailed
    | ProofReceived
    | ProofVerified
    | ProofRefused
    | SplitMade
    | SplitRefused
    | JobCondemned
)
