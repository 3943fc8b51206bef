"""How a pool is set up."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.config import NodeConfig
from actors.prover.pool.errors import UnusableOptions
from actors.prover.pool.programs import PoolProgram, stf_programs
from actors.prover.pool.proving import MakeProver, zkvm_prover
from proving.jobs import QueueConfig

POOL, WORKER = "prover-pool", "prover-worker"


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Of every worker.

    Attributes
    ----------
    cpus, gpus
        What Ray sets aside for one; a cluster with an autoscaler grows until it has them.
    jobs_before_recycling
        A worker that proved so many is replaced by a fresh process.
    heartbeat_seconds
        Well below the queue's lease.
    orphan_seconds
        A worker whose pool does not answer for so long ends.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    jobs_before_recycling: int = 64
    heartbeat_seconds: float = 5.0
    orphan_seconds: float = 300.0
    make_prover: MakeProver = zkvm_prover


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Of a pool. They are kept by Ray, for restarts: small.

    Attributes
    ----------
    programs
        Submissions are for the first; the others are what jobs of earlier options may ask for.
    minimum_workers, maximum_workers
        There is one for each job that waits or runs, within these bounds.
    idle_seconds
        A worker above the minimum that had nothing to do for so long ends.
    splitter
        Name of the actor whose `split(first_block, last_block)` makes smaller witnesses; without
        one no segment is split.

    Raises
    ------
    UnusableOptions
        There are no programs, or the bounds exclude one another.
    """

    programs: tuple[PoolProgram, ...] = field(default_factory=stf_programs)
    minimum_workers: int = 0
    maximum_workers: int = 1
    idle_seconds: float = 120.0
    tick_seconds: float = 1.0
    splitter: str | None = None
    queue: QueueConfig = field(default_factory=QueueConfig)
    worker: WorkerOptions = field(default_factory=WorkerOptions)

    def __post_init__(self) -> None:
        if not self.programs:
            raise UnusableOptions("a pool needs a program to prove")
        if not 0 <= self.minimum_workers <= self.maximum_workers or self.maximum_workers < 1:
            raise UnusableOptions(
                "expected 0 <= minimum <= maximum workers and a maximum of at least 1, got "
                f"{self.minimum_workers} and {self.maximum_workers}"
            )
        if 2_000 * self.worker.heartbeat_seconds > self.queue.lease_ms:
            raise UnusableOptions(
                f"a lease of {self.queue.lease_ms} ms does not outlast two heartbeats of "
                f"{self.worker.heartbeat_seconds} s"
            )


def pool_name(config: NodeConfig) -> str:
    """Name under which Ray knows a node's pool."""
    return config.actor_name(POOL)
