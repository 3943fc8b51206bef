"""What the pool says about itself: jobs, leases, ages, throughput, workers; ready for JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from actors.prover.pool.messages import BatchStage, BatchStatus, SegmentStatus
from actors.prover.pool.workforce import Downfall, Member
from proving.jobs import Job, JobId, QueueState, Stage

HOUR_MS: Final = 3_600_000
REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Made:
    """One proof that was published."""

    at_ms: int
    cycles: int
    seconds: float


class Throughput:
    """Proofs since the pool started, the latest ones in detail."""

    def __init__(self, started_ms: int) -> None:
        self._started_ms = started_ms
        self._handed_in: dict[JobId, tuple[int, float]] = {}
        self._made: deque[Made] = deque(maxlen=REMEMBERED)
        self._count = 0

    def handed_in(self, job_id: JobId, cycles: int, seconds: float) -> None:
        """Note what a worker says that a proof took."""
        if len(self._handed_in) >= REMEMBERED:
            self._handed_in.clear()
        self._handed_in[job_id] = (cycles, seconds)

    def proven(self, job_id: JobId, now_ms: int) -> None:
        """Note that a proof is published."""
        cycles, seconds = self._handed_in.pop(job_id, (0, 0.0))
        self._made.append(Made(now_ms, cycles, seconds))
        self._count += 1

    def figures(self, now_ms: int) -> dict[str, Any]:
        """Proofs in all, and figures of the last hour (or since the start)."""
        recent = [made for made in self._made if now_ms - made.at_ms <= HOUR_MS]
        seconds = sum(made.seconds for made in recent)
        window_ms = max(1, min(HOUR_MS, now_ms - self._started_ms))
        return {
            "proofs_since_start": self._count,
            "proofs_per_hour": round(len(recent) * HOUR_MS / window_ms, 1),
            "seconds_per_proof": round(seconds / len(recent), 1) if recent else None,
            "cycles_per_worker_second": (
                round(sum(made.cycles for made in recent) / seconds) if seconds else None
            ),
        }


def batch_status(batch_id: bytes, jobs: Sequence[Job]) -> BatchStatus:
    """How far a batch with these jobs is."""
    stages = {job.stage for job in jobs}
    stage = BatchStage.PROVING
    if Stage.GIVEN_UP in stages:
        stage = BatchStage.FAILED
    elif stages == {Stage.PROVEN}:
        stage = BatchStage.PROVEN
    return BatchStatus(batch_id, stage, tuple(_segment_status(job) for job in jobs))


def pool_status(
    state: QueueState,
    members: Sequence[Member],
    last_downfall: Downfall | None,
    throughput: Throughput,
    now_ms: int,
    now_seconds: float,
) -> dict[str, Any]:
    """Everything about a pool."""
    jobs = sorted(state.jobs.values(), key=lambda job: job.order)
    unfinished = [job for job in jobs if not job.is_finished]
    oldest_ms = min((job.submitted_ms for job in unfinished), default=None)
    by_worker = {member.worker: member for member in members}
    return {
        "is_accepting": state.is_accepting,
        "is_draining": state.is_draining,
        "depth": state.open_count,
        "depth_limit": state.config.open_job_limit,
        "batches": len(state.batches),
        "oldest_age_seconds": None if oldest_ms is None else _seconds(now_ms - oldest_ms),
        "throughput": throughput.figures(now_ms),
        "workers": [_worker(state, member, now_seconds) for member in members],
        "last_failed_worker": _downfall(last_downfall, now_seconds),
        "jobs": [_job(job, by_worker, now_ms) for job in jobs],
    }


def _worker(state: QueueState, member: Member, now_seconds: float) -> dict[str, Any]:
    job = state.leased_to(member.worker)
    facts = member.facts
    return {
        "worker": member.worker,
        "state": _state(member, job),
        "job": None if job is None else job.id.hex(),
        "silent_seconds": None if facts is None else round(now_seconds - member.spoke_at, 1),
        "age_seconds": round(now_seconds - member.hired_at, 1),
        "process_id": None if facts is None else facts.process_id,
        "host": None if facts is None else facts.host,
        "device": None if facts is None else facts.device,
        "proved": 0 if facts is None else facts.proved,
        "memory_bytes": None if facts is None else facts.memory_bytes,
    }


def _downfall(downfall: Downfall | None, now_seconds: float) -> dict[str, Any] | None:
    if downfall is None:
        return None
    return {
        "worker": downfall.worker,
        "reason": downfall.reason,
        "seconds_ago": round(now_seconds - downfall.at, 1),
    }


def _state(member: Member, job: Job | None) -> str:
    if member.is_retiring:
        return "retiring"
    if member.facts is None:
        return "starting"
    return "idle" if job is None else "proving"


def _job(job: Job, members: dict[Any, Member], now_ms: int) -> dict[str, Any]:
    lease = None
    if job.lease is not None:
        member = members.get(job.lease.worker)
        facts = None if member is None else member.facts
        lease = {
            "worker": job.lease.worker,
            "token": job.lease.token,
            "age_seconds": _seconds(now_ms - job.lease.started_ms),
            "left_seconds": _seconds(job.lease.deadline_ms - now_ms),
            "phase": "" if facts is None else facts.phase,
            "fraction": 0.0 if facts is None else round(facts.fraction, 2),
        }
    ended_ms = job.finished_ms if job.is_finished else now_ms
    return {
        "job": job.id.hex(),
        "first_block": job.spec.first_block,
        "last_block": job.spec.last_block,
        "parameter_set": job.spec.parameter_set,
        "cycles": job.spec.cycles,
        "stage": _stage(job, now_ms),
        "age_seconds": _seconds(ended_ms - job.submitted_ms),
        "attempts": [
            {
                "token": entry.token,
                "worker": entry.worker,
                "outcome": entry.outcome.name.lower(),
                "started_ms": entry.started_ms,
            }
            for entry in job.attempts
        ],
        "failures": job.failures,
        "losses": job.losses,
        "reason": job.reason,
        "lease": lease,
    }


def _stage(job: Job, now_ms: int) -> str:
    """A word for people: that of the stage, or what an open job waits for."""
    if job.stage is not Stage.OPEN:
        return job.stage.name.lower()
    if job.lease is not None:
        return "leased"
    if job.candidates:
        return "verifying"
    return "waiting" if job.is_available(now_ms) else "paused"


def _segment_status(job: Job) -> SegmentStatus:
    return SegmentStatus(
        job.id,
        job.spec.first_block,
        job.spec.last_block,
        job.stage.name.lower(),
        job.failures,
        job.losses,
        job.reason,
    )


def _seconds(duration_ms: int) -> float:
    return round(duration_ms / 1000, 1)
