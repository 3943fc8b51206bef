"""The worker as a Ray actor: it asks the pool for jobs and proves them, one at a time.

The proof is made in a thread of its own. Heartbeats leave from the event loop, so that none is
late because a proof takes long. Proofs go to the pool only, which alone decides what becomes of
them. A worker outlives its pool's death and hands in its proof to the pool's next life; it ends by
itself when nobody has answered for long.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Any, Final, TypeVar

import psutil
import ray
import structlog

from actors.calls import ActorAway, ActorLink
from actors.config import NodeConfig
from actors.logs import configure_logs
from actors.prover.pool.errors import PoolError
from actors.prover.pool.messages import (
    Handed,
    ProgramSource,
    Rest,
    Retire,
    WorkerFacts,
    WorkOrder,
)
from actors.prover.pool.options import WorkerOptions, pool_name
from actors.prover.pool.proving import Proven, Prover
from proving.errors import ProvingError
from proving.jobs import WorkerId
from proving.machine.errors import MachineError

RETRY_SECONDS: Final = 0.5
LOADING: Final = "load"

T = TypeVar("T")

log = structlog.get_logger(__name__)


class PoolGone(Exception):
    """The pool has not answered for so long that it will not."""


class Abandoned(Exception):
    """The pool has no use for this proof any more."""


@ray.remote(num_cpus=0, max_restarts=0, max_concurrency=16)
class ProverWorkerActor:
    """Proves jobs of a pool until it is told to retire."""

    def __init__(
        self, config: NodeConfig, worker: WorkerId, slot: int, options: WorkerOptions
    ) -> None:
        configure_logs(config, f"prover-worker-{slot}")
        self._worker = worker
        self._options = options
        self._pool = ActorLink(pool_name(config))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="proving")
        self._provers: dict[bytes, Prover] = {}
        self._facts = WorkerFacts(os.getpid(), socket.gethostname(), "", 0, 0)
        self._is_abandoned = threading.Event()
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Work. Does not return: the caller sees the actor's end."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._work())
        await asyncio.shield(self._running)
        ray.actor.exit_actor()

    async def _work(self) -> None:
        try:
            # Warm before it asks for work: a job that waits should go to whoever is ready.
            await self._set_up(await self._ask("program", None))
            while self._facts.proved < self._options.jobs_before_recycling:
                answer = await self._ask("lease", self._worker, self._current_facts())
                if isinstance(answer, Rest):
                    continue
                if isinstance(answer, Retire) or not await self._do(answer):
                    return
        except PoolGone as error:
            log.warning("the worker ends", reason=str(error))

    async def _do(self, order: WorkOrder) -> bool:
        """Prove a job and say how it ended; gives whether this process can prove another one."""
        self._is_abandoned.clear()
        loop = asyncio.get_running_loop()
        proving = loop.create_task(self._prove(order))
        beating = loop.create_task(self._beat(order))
        try:
            await asyncio.wait({proving})
        finally:
            beating.cancel()
        self._facts = replace(self._facts, phase="", fraction=0.0)
        error = proving.exception()
        if isinstance(error, Abandoned):
            return True
        if error is not None:
            reason = str(error) or type(error).__name__
            log.warning("a job failed", job=order.job_id.hex(), exc_info=error)
            await self._ask("report_failure", self._worker, order.job_id, order.token, reason)
            return isinstance(error, MachineError | ProvingError | PoolError)
        proven = proving.result()
        self._facts = replace(self._facts, proved=self._facts.proved + 1)
        handed = Handed(
            self._worker, order.job_id, order.token, proven.proof, proven.cycles, proven.seconds
        )
        await self._ask("hand_in", handed)
        return True

    async def _prove(self, order: WorkOrder) -> Proven:
        self._facts = replace(self._facts, phase=LOADING, fraction=0.0)
        if order.key_digest not in self._provers:
            await self._set_up(await self._ask("program", order.key_digest))
        prover = self._provers[order.key_digest]
        return await self._in_thread(prover.prove, order.witness, self._on_phase)

    async def _set_up(self, source: ProgramSource) -> None:
        """Make a program's prover, once in this process."""
        prover = await self._in_thread(
            self._options.make_prover, source.elf, source.parameters, source.key
        )
        self._provers[source.key_digest] = prover
        self._facts = replace(self._facts, device=prover.device)

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run in the proving thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _on_phase(self, phase: str, fraction: float) -> None:
        if self._is_abandoned.is_set():
            raise Abandoned
        self._facts = replace(self._facts, phase=phase, fraction=fraction)

    async def _beat(self, order: WorkOrder) -> None:
        """Send heartbeats while a job lasts; ends when nobody wants the job any more."""
        while True:
            await asyncio.sleep(self._options.heartbeat_seconds)
            is_wanted = await self._ask(
                "heartbeat", self._worker, order.job_id, order.token, self._current_facts()
            )
            if not is_wanted:
                self._is_abandoned.set()
                return

    def _current_facts(self) -> WorkerFacts:
        memory_bytes: int = psutil.Process().memory_info().rss
        return replace(self._facts, memory_bytes=memory_bytes)

    async def _ask(self, method: str, *arguments: Any) -> Any:
        """Call the pool; as long as it is away, again."""
        silent_since = monotonic()
        while True:
            try:
                return await self._pool.call(method, *arguments)
            except ActorAway as error:
                if monotonic() - silent_since > self._options.orphan_seconds:
                    raise PoolGone(str(error)) from error
                await asyncio.sleep(RETRY_SECONDS)
