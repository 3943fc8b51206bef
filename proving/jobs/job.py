"""Jobs and batches as values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from ledger.bounds import AtMost, Exactly, Uint
from ledger.codec import wire
from proving.jobs.types import BatchId, FileDigest, JobId, Token, WorkerId
from proving.machine.layout import MAXIMUM_PUBLIC_VALUES
from proving.parameters import MAX_NAME_BYTES
from proving.zkvm.proof_file import MAX_STATEMENT_BYTES

MAX_BATCH_ID_BYTES = 32
MAX_WORKER_ID_BYTES = 128
MAX_REASON_BYTES = 512
MAX_ATTEMPTS = 8
"""The latest ones are remembered."""

_DOMAIN = b"braid proving job 1"


@wire(130)
class JobSpec:
    """What is to be proved.

    Attributes
    ----------
    key_digest
        Digest of the verifying key: program, machine and parameter set.
    witness_digest
        SHA-256 of the program's input.
    public_values
        What the run has to commit to; a proof of anything else is refused.
    statement
        What the public values are the digest of; goes with the proof, and is not looked at.
    first_block, last_block
        Place in the order; a job of one block cannot be split.
    cycles
        How long the run takes, for people; 0 if not known.
    """

    key_digest: Annotated[bytes, Exactly(32)]
    parameter_set: Annotated[str, AtMost(MAX_NAME_BYTES)]
    witness_digest: Annotated[bytes, Exactly(32)]
    public_values: Annotated[tuple[Annotated[int, Uint(32)], ...], AtMost(MAXIMUM_PUBLIC_VALUES)]
    statement: Annotated[bytes, AtMost(MAX_STATEMENT_BYTES)]
    first_block: Annotated[int, Uint(64)]
    last_block: Annotated[int, Uint(64)]
    cycles: Annotated[int, Uint(64)]

    @property
    def id(self) -> JobId:
        """Hash of verifying key, parameter set and witness, which fix what the proof is of."""
        name = self.parameter_set.encode()
        parts = (_DOMAIN, self.key_digest, bytes([len(name)]), name, self.witness_digest)
        return JobId(hashlib.sha256(b"".join(parts)).digest())

    @property
    def block_count(self) -> int:
        """Number of blocks."""
        return self.last_block - self.first_block + 1


class Stage(IntEnum):
    """How far a job is."""

    OPEN = 0
    SPLITTING = 1
    PROVEN = 2
    GIVEN_UP = 3


class Outcome(IntEnum):
    """How one worker's try at a job ended."""

    RUNNING = 0
    HANDED_IN = 1
    FAILED = 2
    OVERRAN = 3
    SILENT = 4
    DIED = 5
    RETURNED = 6
    SUPERSEDED = 7


@dataclass(frozen=True, slots=True)
class Attempt:
    """One worker's try at a job."""

    token: Token
    worker: WorkerId
    started_ms: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to prove a job until the deadline; it belongs to the job's latest attempt."""

    token: Token
    worker: WorkerId
    started_ms: int
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proof that nobody has verified yet. `is_late`: its token was not current."""

    proof: FileDigest
    token: Token
    worker: WorkerId
    is_late: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A job and what has become of it.

    Attributes
    ----------
    failures
        Times that the job itself failed, for rule 5.
    losses
        Times that its worker was lost, for rule 4.
    cannot_split
        Whoever makes witnesses has said so.
    available_from_ms
        End of the pause.
    proof
        The one that is published.
    reason
        Of the latest failure.
    """

    spec: JobSpec
    submitted_ms: int
    stage: Stage = Stage.OPEN
    lease: Lease | None = None
    candidates: tuple[Candidate, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    failures: int = 0
    losses: int = 0
    cannot_split: bool = False
    available_from_ms: int = 0
    proof: FileDigest | None = None
    finished_ms: int = 0
    reason: str = ""

    @property
    def id(self) -> JobId:
        """The job's id."""
        return self.spec.id

    @property
    def is_finished(self) -> bool:
        """Whether nobody has to work on it any more."""
        return self.stage in (Stage.PROVEN, Stage.GIVEN_UP)

    @property
    def order(self) -> tuple[int, int, bytes]:
        """Oldest first."""
        return (self.spec.first_block, self.spec.last_block, self.id)

    @property
    def may_be_split(self) -> bool:
        """Whether there is a smaller job in it."""
        return self.spec.block_count > 1 and not self.cannot_split

    def is_available(self, now_ms: int) -> bool:
        """Whether a worker may have it."""
        is_idle = self.lease is None and not self.candidates
        return self.stage is Stage.OPEN and is_idle and self.available_from_ms <= now_ms

    def attempt(self, token: Token) -> Attempt | None:
        """The attempt with a token, if it is remembered."""
        return next((entry for entry in self.attempts if entry.token == token), None)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: its jobs in the order of their blocks."""

    id: BatchId
    jobs: tuple[JobId, ...]
    submitted_ms: int
    submission: bytes
    """Hash of the jobs as they were submitted: splits do not change it."""
