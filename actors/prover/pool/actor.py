"""The prover pool as a Ray actor.

Submit a batch until it is taken; ask for its status; fetch the proofs; forget it. What was taken
survives the death of the pool, of its workers and of whoever submitted it.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, Final

import ray

from actors.boot import die, die_if_failed
from actors.config import NodeConfig
from actors.logs import configure_logs
from actors.prover.pool.desk import PoolDesk
from actors.prover.pool.keeper import QueueKeeper
from actors.prover.pool.messages import (
    BatchStatus,
    Handed,
    ProgramSource,
    Rest,
    Retire,
    SegmentInput,
    SegmentProof,
    Submission,
    WorkerFacts,
    WorkOrder,
)
from actors.prover.pool.options import PoolOptions
from actors.prover.pool.outside import split_by, verify_elsewhere
from actors.prover.pool.report import pool_status
from actors.prover.pool.worker import ProverWorkerActor
from actors.prover.pool.workforce import Member, Workforce
from proving.jobs import JobId, Token, WorkerId
from proving.jobs.scaling import desired_workers

LONG_POLL_SECONDS: Final = 5.0


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class ProverPoolActor:
    """Keeps a node's queue of proofs, and the workers that make them."""

    def __init__(self, config: NodeConfig, options: PoolOptions) -> None:
        configure_logs(config, "prover-pool")
        self._options = options
        keeper = QueueKeeper(
            config.prover_directory, options.queue, lambda: time.time_ns() // 1_000_000
        )
        self._desk = PoolDesk(
            keeper,
            options.programs,
            verify_elsewhere,
            split_by(options.splitter),
            self._replace,
            die,
        )
        self._workforce = Workforce(
            config, options.worker, ProverWorkerActor, time.monotonic, self._on_lost
        )
        self._is_closing = False
        self._desk.start()
        self._workforce.adopt_all()
        self._forget_dead_workers()
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        self._ticking.add_done_callback(die_if_failed)

    async def ready(self) -> bool:
        """Answers once the queue is loaded."""
        return True

    # SUBMITTERS

    async def submit_batch(self, batch_id: bytes, segments: list[SegmentInput]) -> Submission:
        """Take consecutive segments to prove; submitting them again changes nothing.

        Parameters
        ----------
        batch_id
            1 to 32 bytes, chosen by the caller.

        Raises
        ------
        InvalidSegments
            The segments are no batch.
        """
        return await self._desk.submit(batch_id, segments)

    async def is_accepting(self) -> bool:
        """Back-pressure: whether a new batch would be taken now."""
        return not self._is_closing and self._desk.keeper.state.is_accepting

    async def batch_status(self, batch_id: bytes) -> BatchStatus | None:
        """How far a batch is; None if the pool does not have it."""
        return self._desk.batch_status(batch_id)

    async def proofs(self, batch_id: bytes) -> list[SegmentProof] | None:
        """Verified proofs of all segments, in the order of blocks; None before all are there.

        Raises
        ------
        FileDamaged
            The disk has lost one.
        """
        return await self._desk.proofs(batch_id)

    async def retry_batch(self, batch_id: bytes) -> None:
        """Try again the segments that were given up."""
        self._desk.retry(batch_id)

    async def retry_failed(self) -> int:
        """Try again all segments that were given up, of whatever batch; gives their number."""
        return self._desk.retry_failed()

    async def forget_batch(self, batch_id: bytes) -> None:
        """Remove a batch with its witnesses and proofs: it is settled, or not wanted any more."""
        self._desk.forget(batch_id)

    async def status(self) -> dict[str, Any]:
        """Jobs, leases, ages, throughput and workers, ready for JSON."""
        found = pool_status(
            self._desk.keeper.state,
            self._workforce.members,
            self._workforce.last_downfall,
            self._desk.throughput,
            self._desk.keeper.now_ms(),
            time.monotonic(),
        )
        return {"process_id": os.getpid(), **found}

    # WORKERS

    async def lease(self, worker: WorkerId, facts: WorkerFacts) -> WorkOrder | Rest | Retire:
        """Give a worker the oldest job that waits; it is asked to ask again if there is none."""
        member = self._workforce.hear(worker, facts, is_busy=False)
        if self._is_closing or member is None or member.is_retiring:
            return Retire()
        answer = await self._desk.order_for(worker)
        if isinstance(answer, Rest):
            await self._desk.wait_for_work(LONG_POLL_SECONDS)
        else:
            self._workforce.hear(worker, facts, is_busy=True)
        return answer

    async def program(self, key_digest: bytes | None) -> ProgramSource:
        """What a worker needs to set up a prover; of the program of new submissions for None."""
        digest, program = self._desk.program(key_digest)
        elf = await asyncio.to_thread(program.elf_file.read_bytes)
        return ProgramSource(digest, elf, program.parameters, program.key)

    async def heartbeat(
        self, worker: WorkerId, job_id: JobId, token: Token, facts: WorkerFacts
    ) -> bool:
        """Extend a lease; False: stop, nobody wants the proof any more."""
        self._workforce.hear(worker, facts, is_busy=True)
        return self._desk.heartbeat(worker, job_id, token)

    async def hand_in(self, handed: Handed) -> None:
        """Take a proof; it is on disk when this returns, and published once it is verified."""
        await self._desk.hand_in(handed)

    async def report_failure(
        self, worker: WorkerId, job_id: JobId, token: Token, reason: str
    ) -> None:
        """Take note that a job failed."""
        self._desk.report_failure(worker, job_id, token, reason)

    # ENDING

    async def drain(self) -> None:
        """Begin nothing new; returns when all that runs has ended and is verified."""
        self._is_closing = True
        await self._desk.drain()

    async def stop(self) -> None:
        """End all workers, give their jobs back, and close; no call follows."""
        self._is_closing = True
        self._ticking.cancel()
        members = self._workforce.members
        await self._workforce.close()
        await self._desk.close()
        for member in members:
            ray.kill(member.handle, no_restart=True)

    # WITHIN

    def _replace(self, worker: WorkerId) -> None:
        self._workforce.dismiss(worker)

    def _on_lost(self, worker: WorkerId) -> None:
        self._desk.worker_lost(worker)

    def _forget_dead_workers(self) -> None:
        """Free the jobs of workers that died while there was no pool."""
        alive = {member.worker for member in self._workforce.members}
        for job in list(self._desk.keeper.state.jobs.values()):
            if job.lease is not None and job.lease.worker not in alive:
                self._desk.worker_lost(job.lease.worker)

    async def _tick(self) -> None:
        while True:
            self._desk.tick()
            if not self._is_closing:
                self._adjust()
            await asyncio.sleep(self._options.tick_seconds)

    def _adjust(self) -> None:
        """Hire and retire by the depth of the queue."""
        state = self._desk.keeper.state
        wanted = desired_workers(
            state.demand, self._options.minimum_workers, self._options.maximum_workers
        )
        staying = [member for member in self._workforce.members if not member.is_retiring]
        for _ in range(wanted - len(staying)):
            if not self._workforce.hire():
                break
        surplus = max(0, len(staying) - wanted)
        idle = [member for member in staying if state.leased_to(member.worker) is None]
        for member in sorted(idle, key=lambda member: member.busy_at)[:surplus]:
            if self._has_idled(member):
                self._workforce.retire(member)

    def _has_idled(self, member: Member) -> bool:
        is_starting = member.facts is None
        return is_starting or time.monotonic() - member.busy_at >= self._options.idle_seconds
