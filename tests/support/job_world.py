"""A queue with its disk, as tests of the pure rules use it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from proving.jobs import (
    BatchId,
    FileDigest,
    Job,
    JobId,
    JobSpec,
    QueueConfig,
    QueueState,
    Token,
    WorkerId,
    step,
)
from proving.jobs.effects import Effect, LeaseGranted, NothingToDo
from proving.jobs.events import (
    BatchSubmitted,
    Event,
    HeartbeatReceived,
    LeaseRequested,
    ProofReceived,
    ProofRefused,
    ProofVerified,
    RunFailed,
)
from proving.jobs.records import changes, recover

T = TypeVar("T")

KEY = bytes([7]) * 32
ALICE, BOB = WorkerId("alice"), WorkerId("bob")
BATCH = BatchId(b"batch 1")
CONFIG = QueueConfig(open_job_limit=8)


def spec(first: int, last: int | None = None, *, key: bytes = KEY) -> JobSpec:
    """A job of the blocks `first` to `last`; one block, if `last` is not given."""
    last = first if last is None else last
    witness = hashlib.sha256(f"witness {first} {last}".encode()).digest()
    return JobSpec(key, "fast", witness, (first, last), b"", first, last, 0)


def proof_named(name: str) -> FileDigest:
    """Digest of some proof."""
    return FileDigest(hashlib.sha256(name.encode()).digest())


class QueueWorld:
    """A queue that is written to a disk with every step, and a clock that tests move."""

    def __init__(self, config: QueueConfig = CONFIG) -> None:
        self.config = config
        self.state = QueueState(config)
        self.disk: dict[bytes, bytes] = {}
        self.now_ms = 1_000

    def send(self, event: Event) -> tuple[Effect, ...]:
        """Step, and write what changed."""
        before = self.state
        self.state, effects = step(before, event, self.now_ms)
        for key, content in changes(before, self.state).items():
            if content is None:
                del self.disk[key]
            else:
                self.disk[key] = content
        return effects

    def crash(self) -> None:
        """Lose everything but the disk."""
        self.state = recover(self.config, self.disk.items())

    def submit(self, *jobs: JobSpec, batch: BatchId = BATCH) -> tuple[Effect, ...]:
        """Submit a batch."""
        return self.send(BatchSubmitted(batch, jobs))

    def lease(self, worker: WorkerId) -> LeaseGranted | None:
        """Ask for a job."""
        effects = self.send(LeaseRequested(worker))
        granted = of_type(effects, LeaseGranted)
        assert len(granted) + len(of_type(effects, NothingToDo)) == 1
        return granted[0] if granted else None

    def take(self, worker: WorkerId) -> LeaseGranted:
        """Ask for a job that is there."""
        granted = self.lease(worker)
        assert granted is not None
        return granted

    def beat(self, granted: LeaseGranted) -> tuple[Effect, ...]:
        """Send a heartbeat."""
        token = granted.lease.token
        return self.send(HeartbeatReceived(granted.worker, granted.job_id, token))

    def hand_in(self, granted: LeaseGranted, proof: FileDigest) -> tuple[Effect, ...]:
        """Hand in a proof."""
        token = granted.lease.token
        return self.send(ProofReceived(granted.worker, granted.job_id, token, proof))

    def fail(self, granted: LeaseGranted, reason: str = "fault") -> tuple[Effect, ...]:
        """Say that the run failed."""
        return self.send(RunFailed(granted.worker, granted.job_id, granted.lease.token, reason))

    def prove(self, granted: LeaseGranted) -> None:
        """Hand in a good proof, and verify it."""
        proof = proof_named(f"good {granted.job_id.hex()} {granted.lease.token}")
        self.hand_in(granted, proof)
        self.send(ProofVerified(granted.job_id, proof))

    def refuse(self, granted: LeaseGranted) -> tuple[Effect, ...]:
        """Hand in a bad proof, and refuse it."""
        proof = proof_named(f"bad {granted.job_id.hex()} {granted.lease.token}")
        self.hand_in(granted, proof)
        return self.send(ProofRefused(granted.job_id, proof, "false"))

    def job(self, job_id: JobId) -> Job:
        """A job as it is now."""
        return self.state.jobs[job_id]

    def wait_out_pauses(self) -> None:
        """Let the longest pause pass."""
        self.now_ms += self.config.longest_pause_ms


def of_type(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """The effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def bogus(granted: LeaseGranted) -> LeaseGranted:
    """The same lease, under a token that nobody gave."""
    return replace(granted, lease=replace(granted.lease, token=Token(10_000)))
