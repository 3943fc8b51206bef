"""What crosses between submitter, pool and workers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proving.jobs import JobId, Token, WorkerId
from proving.parameters import Parameters
from proving.zkvm.proof_file import KeyRecord


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """Consecutive blocks to prove as one.

    Attributes
    ----------
    witness
        Input of the program.
    statement
        Goes with the proof; what the public values are the digest of.
    public_values
        What the run has to commit to: a proof of anything else is refused.
    cycles
        How long the run takes; 0 if not known.
    """

    witness: bytes
    statement: bytes
    public_values: tuple[int, ...]
    first_block: int
    last_block: int
    cycles: int = 0


@dataclass(frozen=True, slots=True)
class Submission:
    """Answer to a submission.

    Attributes
    ----------
    is_taken
        Whether the pool has the batch now, and keeps it until it is forgotten.
    is_new
        Whether it did not have it before.
    refusal
        Why it was not taken; "full" and "draining" pass.
    """

    is_taken: bool
    is_new: bool
    refusal: str = ""


class BatchStage(StrEnum):
    """How far a batch is. FAILED: at least one segment was given up."""

    PROVING = "proving"
    PROVEN = "proven"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SegmentStatus:
    """How far a segment is; `reason` is that of its latest failure."""

    job_id: JobId
    first_block: int
    last_block: int
    stage: str
    failures: int
    losses: int
    reason: str


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is; its segments may be more than were submitted, for they are split."""

    batch_id: bytes
    stage: BatchStage
    segments: tuple[SegmentStatus, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why segments were given up."""
        return tuple(entry.reason for entry in self.segments if entry.stage == "given_up")


@dataclass(frozen=True, slots=True)
class SegmentProof:
    """A verified proof. `key_digest` is that of the verifying key."""

    first_block: int
    last_block: int
    statement: bytes
    public_values: tuple[int, ...]
    proof: bytes
    parameter_set: str
    key_digest: bytes


# BETWEEN POOL AND WORKERS


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A job to prove, under a lease."""

    job_id: JobId
    token: Token
    key_digest: bytes
    witness: bytes


@dataclass(frozen=True, slots=True)
class ProgramSource:
    """What a worker needs to set up a prover."""

    key_digest: bytes
    elf: bytes
    parameters: Parameters
    key: KeyRecord


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do now: ask again."""


@dataclass(frozen=True, slots=True)
class Retire:
    """End: the pool has no use for this worker."""


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What a worker says about itself with each call.

    Attributes
    ----------
    device
        What JAX computes on; empty before the first job.
    phase, fraction
        Of the job in hand: the phase that runs, and how much was done before it.
    """

    process_id: int
    host: str
    device: str
    proved: int
    memory_bytes: int
    phase: str = ""
    fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class Handed:
    """A proof as a worker hands it in; not trusted."""

    worker: WorkerId
    job_id: JobId
    token: Token
    proof: bytes
    cycles: int
    seconds: float
