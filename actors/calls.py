"""Calls between the actors of one node, with Ray's failures turned into ours.

An actor that died is restarted by Ray; until then calls to it raise
:class:`ActorAway`, and the caller tries again later.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from actors.config import ACTOR_NAMESPACE

SETTLE_SECONDS: Final = 0.5

_LOOKUPS: Final = ThreadPoolExecutor(8, thread_name_prefix="lookup")
"""Looking a name up asks Ray's head: while there is none it blocks, and the event loop must not."""


class ActorAway(Exception):
    """The actor is dead, restarting, or not there yet."""


class ActorLink:
    """One actor by name; looked up at the first call, and again after it was gone."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._handle: ActorHandle | None = None
        self._lookup: asyncio.Future[ActorHandle] | None = None

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method and wait for its result.

        Raises
        ------
        ActorAway
            If the actor cannot answer.
        Exception
            Whatever the method raised.
        """
        try:
            handle = await self._find()
            return await getattr(handle, method).remote(*arguments)
        except RayTaskError as error:
            raise error.as_instanceof_cause() from None
        except (RayError, ValueError) as error:
            self._handle = None
            raise ActorAway(f"{self._name}: {error}") from error

    async def settle(self) -> None:
        """Find the actor and hear from it, before anybody calls it.

        Where an actor runs is asked of Ray's head at the first call; later ones need no head.
        """
        while True:
            try:
                await self.call("ready")
            except ActorAway:
                await asyncio.sleep(SETTLE_SECONDS)
            else:
                return

    async def _find(self) -> ActorHandle:
        if self._handle is not None:
            return self._handle
        if self._lookup is None or self._lookup.done():
            loop = asyncio.get_running_loop()
            self._lookup = loop.run_in_executor(_LOOKUPS, _look_up, self._name)
        # Shielded: a caller that gives up leaves the lookup to those who wait as well.
        self._handle = await asyncio.shield(self._lookup)
        return self._handle


def _look_up(name: str) -> ActorHandle:
    return ray.get_actor(name, namespace=ACTOR_NAMESPACE)
