"""Prover pools on a real Ray, as tests look at them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import ray
from ray.exceptions import RayActorError

from actors.config import ACTOR_NAMESPACE, NodeConfig, PeerAddress
from actors.prover.pool.actor import ProverPoolActor
from actors.prover.pool.messages import SegmentInput, SegmentProof, Submission
from actors.prover.pool.options import PoolOptions, WorkerOptions, pool_name
from actors.prover.pool.programs import PoolProgram
from ledger.types import ValidatorIndex
from proving.jobs import QueueConfig

T = TypeVar("T")

POLL_SECONDS = 0.05
QUICK_QUEUE = QueueConfig(lease_ms=20_000, pause_ms=10, longest_pause_ms=100)
QUICK_WORKER = WorkerOptions(heartbeat_seconds=0.2, orphan_seconds=60)


def wait_until(look: Callable[[], T | None], what: str, seconds: float = 90.0) -> T:
    """Poll until something is there, and give it."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(POLL_SECONDS)


class RayPool:
    """One node's pool.

    Parameters
    ----------
    index
        Of the node: pools of one Ray need different ones.
    """

    def __init__(self, index: int, directory: Path, program: PoolProgram) -> None:
        address = PeerAddress(ValidatorIndex(index), "127.0.0.1", 1)
        self.config = NodeConfig(
            index=ValidatorIndex(index),
            directory=directory / f"node-{index}",
            genesis_file=directory / "genesis.bin",
            listen=address,
            peers=(),
            rpc_host="127.0.0.1",
            rpc_port=2,
        )
        self.options = PoolOptions(
            programs=(program,),
            maximum_workers=2,
            tick_seconds=0.1,
            queue=QUICK_QUEUE,
            worker=QUICK_WORKER,
        )

    def configure(self, **changes: Any) -> None:
        """Change options before the start; those of workers by name as well."""
        names = WorkerOptions.__slots__
        of_workers = {name: value for name, value in changes.items() if name in names}
        of_pool = {name: value for name, value in changes.items() if name not in names}
        worker = replace(self.options.worker, **of_workers)
        self.options = replace(self.options, worker=worker, **of_pool)

    def start(self) -> None:
        """Create the actor."""
        actor: Any = ProverPoolActor
        handle = actor.options(
            name=pool_name(self.config), namespace=ACTOR_NAMESPACE, lifetime="detached"
        ).remote(self.config, self.options)
        ray.get(handle.ready.remote(), timeout=60)

    def call(self, method: str, *arguments: Any, seconds: float = 60.0) -> Any:
        """Call the pool; while Ray restarts it, again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                handle = ray.get_actor(pool_name(self.config), namespace=ACTOR_NAMESPACE)
                return ray.get(getattr(handle, method).remote(*arguments), timeout=seconds)
            except RayActorError:
                assert time.monotonic() < deadline, "the pool does not come back"
                time.sleep(POLL_SECONDS)

    def submit(self, batch_id: bytes, segments: Sequence[SegmentInput]) -> Submission:
        """Submit a batch."""
        answer: Submission = self.call("submit_batch", batch_id, list(segments))
        return answer

    def status(self) -> dict[str, Any]:
        """The pool's status."""
        answer: dict[str, Any] = self.call("status")
        return answer

    def jobs(self) -> list[dict[str, Any]]:
        """Its jobs."""
        found: list[dict[str, Any]] = self.status()["jobs"]
        return found

    def workers(self, *states: str) -> list[dict[str, Any]]:
        """Its workers in these states; all, if none is named."""
        found = self.status()["workers"]
        return [worker for worker in found if not states or worker["state"] in states]

    def wait_for_proofs(self, batch_id: bytes, seconds: float = 90.0) -> list[SegmentProof]:
        """Wait for a batch's end."""
        return wait_until(lambda: self.call("proofs", batch_id), "the proofs", seconds)

    def wait_for_leases(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many jobs are in the hands of workers, and give these jobs."""

        def leased() -> list[dict[str, Any]] | None:
            found = [job for job in self.jobs() if job["lease"] is not None]
            return found if len(found) == count else None

        return wait_until(leased, f"{count} leases")

    def kill_pool(self) -> None:
        """Kill -9 of the pool's process; Ray starts it again."""
        process_id = self.status()["process_id"]
        os.kill(process_id, signal.SIGKILL)
        wait_until(lambda: self.status()["process_id"] != process_id, "a new life of the pool")

    def stop(self) -> None:
        """End it with all its workers."""
        with contextlib.suppress(ValueError):
            handle = ray.get_actor(pool_name(self.config), namespace=ACTOR_NAMESPACE)
            ray.get(handle.stop.remote(), timeout=60)
            ray.kill(handle, no_restart=True)


def is_alive(process_id: int) -> bool:
    """Whether a process lives."""
    with contextlib.suppress(psutil.NoSuchProcess):
        is_zombie: bool = psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
        return not is_zombie
    return False
