"""Calls between the actors of one node, with Ray's failures turned into ours.

An actor that died is restarted by Ray; until then calls to it raise
:class:`ActorAway`, and the caller tries again later.
"""

from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayTaskError

from actors.config import ACTOR_NAMESPACE


class ActorAway(Exception):
    """The actor is dead, restarting, or not there yet."""


class ActorLink:
    """One actor by name; looked up at the first call, and again after it was gone."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._handle: ActorHandle | None = None

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
            if self._handle is None:
                self._handle = ray.get_actor(self._name, namespace=ACTOR_NAMESPACE)
            return await getattr(self._handle, method).remote(*arguments)
        except RayTaskError as error:
            raise error.as_instanceof_cause() from None
        except (RayActorError, ValueError) as error:
            self._handle = None
            raise ActorAway(f"{self._name}: {error}") from error
