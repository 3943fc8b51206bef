"""What the queue wants done, once its state is on disk."""

from dataclasses import dataclass
from enum import StrEnum

from proving.jobs.job import Lease
from proving.jobs.types import BatchId, FileDigest, JobId, WorkerId


class Refusal(StrEnum):
    """Why a batch is not taken."""

    FULL = "full"
    DRAINING = "draining"
    OTHER_SEGMENTS = "other segments under this id"
    OTHER_STATEMENT = "another statement for a witness that is known"


@dataclass(frozen=True, slots=True)
class BatchTaken:
    """Answer to a submission: the queue has the batch. Not `is_new`: it had it before."""

    batch_id: BatchId
    is_new: bool


@dataclass(frozen=True, slots=True)
class BatchRefused:
    """Answer to a submission: nothing was taken."""

    batch_id: BatchId
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class LeaseGranted:
    """Answer to a worker that asked, or sent a heartbeat: go on until the deadline."""

    worker: WorkerId
    job_id: JobId
    lease: Lease


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Answer to a worker that asked."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class LeaseRevoked:
    """A worker need not go on with a job."""

    worker: WorkerId
    job_id: JobId


@dataclass(frozen=True, slots=True)
class WorkAvailable:
    """Workers that wait should ask."""


@dataclass(frozen=True, slots=True)
class VerifyProof:
    """Verify a proof outside of its worker, and tell the queue."""

    job_id: JobId
    proof: FileDigest


@dataclass(frozen=True, slots=True)
class SplitJob:
    """Have smaller witnesses made for a job's blocks, and tell the queue."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class ReplaceWorker:
    """A worker hangs, or made a proof that was refused."""

    worker: WorkerId
    reason: str


@dataclass(frozen=True, slots=True)
class JobProven:
    """A proof is published."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class JobGivenUp:
    """People should know."""

    job_id: JobId
    reason: str


@dataclass(frozen=True, slots=True)
class DropFiles:
    """Nothing refers to these files any more."""

    witnesses: frozenset[FileDigest]
    proofs: frozenset[FileDigest]


@dataclass(frozen=True, slots=True)
class Drained:
    """Nothing runs any more."""


Effect = (
    BatchTaken
    | BatchRefused
    | LeaseGranted
    | NothingToDo
    | LeaseRevoked
    | WorkAvailable
    | VerifyProof
    | SplitJob
    | ReplaceWorker
    | JobProven
    | JobGivenUp
    | DropFiles
    | Drained
)
