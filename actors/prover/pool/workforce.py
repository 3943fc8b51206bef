"""The pool's workers: Ray actors that outlive it, hired and dismissed by need.

Each life of a worker has a name of its own, by which a pool that was restarted finds it again. A
worker's death is seen at once, for the pool waits for the end of its `run`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import ray
import structlog
from ray.actor import ActorHandle
from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError

from actors.config import ACTOR_NAMESPACE, NodeConfig
from actors.prover.pool.messages import WorkerFacts
from actors.prover.pool.options import WORKER, WorkerOptions
from proving.jobs import WorkerId

LONGEST_PAUSE_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Member:
    """One worker. `facts` is None until it speaks; `is_retiring`: it ends when it asks next."""

    worker: WorkerId
    slot: int
    handle: ActorHandle
    hired_at: float
    spoke_at: float
    busy_at: float
    facts: WorkerFacts | None = None
    is_retiring: bool = False


@dataclass(frozen=True, slots=True)
class Downfall:
    """How a worker ended that nobody had told to end."""

    worker: WorkerId
    reason: str
    at: float


class Workforce:
    """Who works for a pool.

    Parameters
    ----------
    worker_class
        The Ray actor class of workers.
    clock
        Monotonic seconds.
    on_lost
        Called with a worker that is dead for certain.
    """

    def __init__(
        self,
        config: NodeConfig,
        options: WorkerOptions,
        worker_class: Any,
        clock: Callable[[], float],
        on_lost: Callable[[WorkerId], None],
    ) -> None:
        self._config = config
        self._options = options
        self._class = worker_class
        self._clock = clock
        self._on_lost = on_lost
        self._members: dict[WorkerId, Member] = {}
        self._watches: set[asyncio.Task[None]] = set()
        self._stillborn = 0
        self._hires_from = clock()
        self._last_downfall: Downfall | None = None

    @property
    def members(self) -> list[Member]:
        """All workers, also those that have not spoken yet."""
        return list(self._members.values())

    @property
    def last_downfall(self) -> Downfall | None:
        """The last worker that failed, as long as none has asked for work since."""
        return self._last_downfall

    def adopt_all(self) -> None:
        """Take over the workers of an earlier life of this pool."""
        prefix = f"{self._config.actor_name(WORKER)}-"
        for entry in ray.util.list_named_actors(all_namespaces=True):
            name = entry["name"]
            if entry["namespace"] != ACTOR_NAMESPACE or not name.startswith(prefix):
                continue
            try:
                handle = ray.get_actor(name, namespace=ACTOR_NAMESPACE)
            except ValueError:
                continue  # It has just died.
            slot = int(name.removeprefix(prefix).split("-")[0])
            self._add(WorkerId(name), slot, handle)

    def hear(self, worker: WorkerId, facts: WorkerFacts, *, is_busy: bool) -> Member | None:
        """Note that a worker spoke. None: it is not one of ours, or is known to be dead."""
        member = self._members.get(worker)
        if member is not None:
            self._stillborn = 0
            self._last_downfall = None
            member.facts = facts
            member.spoke_at = self._clock()
            if is_busy:
                member.busy_at = member.spoke_at
        return member

    def hire(self) -> bool:
        """Start a worker, unless those before it died before they said a word."""
        if self._clock() < self._hires_from:
            return False
        slot = min(set(range(len(self._members) + 1)) - {m.slot for m in self._members.values()})
        worker = WorkerId(f"{self._config.actor_name(WORKER)}-{slot}-{secrets.token_hex(4)}")
        handle = self._class.options(
            name=worker,
            namespace=ACTOR_NAMESPACE,
            lifetime="detached",
            num_cpus=self._options.cpus,
            num_gpus=self._options.gpus,
        ).remote(self._config, worker, slot, self._options)
        self._add(worker, slot, handle)
        log.info("worker hired", worker=worker)
        return True

    def retire(self, member: Member) -> None:
        """Have a worker end when it asks for work next; one that is still to start, now."""
        member.is_retiring = True
        if member.facts is None:
            self.dismiss(member.worker)

    def dismiss(self, worker: WorkerId) -> None:
        """End a worker's process."""
        member = self._members.get(worker)
        if member is not None:
            ray.kill(member.handle, no_restart=True)
            self._remove(worker)

    async def close(self) -> None:
        """Forget all workers, which live on."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    def _add(self, worker: WorkerId, slot: int, handle: ActorHandle) -> None:
        now = self._clock()
        self._members[worker] = Member(worker, slot, handle, now, now, now)
        watch = asyncio.get_running_loop().create_task(self._watch(worker, handle))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, worker: WorkerId, handle: ActorHandle) -> None:
        """Have a worker run, until it has ended."""
        while True:
            try:
                await handle.run.remote()
            except ActorUnavailableError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except RayTaskError as error:
                reason = str(error.cause) or type(error.cause).__name__
                log.error("a worker failed", worker=worker, reason=reason)
                self._last_downfall = Downfall(worker, reason, self._clock())
                self.dismiss(worker)
                return
            except RayActorError as error:
                reason = str(error).splitlines()[0]
                log.info("a worker ended", worker=worker, reason=reason)
                self._note_end(worker, reason)
            self._remove(worker)
            return

    def _note_end(self, worker: WorkerId, reason: str) -> None:
        member = self._members.get(worker)
        if member is not None and not member.is_retiring:
            self._last_downfall = Downfall(worker, reason, self._clock())

    def _remove(self, worker: WorkerId) -> None:
        member = self._members.pop(worker, None)
        if member is None:
            return
        if member.facts is None and not member.is_retiring:
            self._stillborn += 1
            pause = min(2.0 ** (self._stillborn - 1), LONGEST_PAUSE_SECONDS)
            self._hires_from = self._clock() + pause
        self._on_lost(worker)
