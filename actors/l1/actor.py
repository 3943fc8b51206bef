"""The embedded L1 as a Ray actor: for development networks, which have no other L1."""

import asyncio
from pathlib import Path

import ray

from actors.boot import die_if_failed
from actors.l1.server import EmbeddedL1, start_embedded_l1
from actors.l1.settings import L1Settings


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=100)
class EmbeddedL1Actor:
    """Serves an Ethereum chain of its own on a port of this machine."""

    def __init__(self, directory: Path, settings: L1Settings, host: str, port: int) -> None:
        self._l1: asyncio.Task[EmbeddedL1] = asyncio.get_running_loop().create_task(
            start_embedded_l1(directory, settings, host=host, port=port)
        )
        self._l1.add_done_callback(die_if_failed)

    async def ready(self) -> str:
        """The endpoint, once it answers."""
        return (await asyncio.shield(self._l1)).url

    async def stop(self) -> None:
        """Answer no more and close the database; no call follows."""
        await (await self._l1).stop()
