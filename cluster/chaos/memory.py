"""How much memory the honest validators take more than before an attack."""

from collections.abc import Iterable
from typing import Final

import psutil

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken

BYTES_PER_MEBIBYTE: Final = 2**20
MAX_GROWTH_MEBIBYTES: Final = 128
"""Of one validator over a whole scenario. What one peer may have in flight and unread on all
channels is 10 MiB, its payloads that nobody asked for up to 32 MiB; the rest is what the allocator
keeps of passing messages, and what any ledger takes that grows meanwhile."""


class MemoryWatch:
    """Resident memory of some nodes' validator processes, none of which may die meanwhile."""

    def __init__(self, arena: Arena, nodes: Iterable[int]) -> None:
        self._processes = {node: arena.process(node, "validator") for node in nodes}
        self._before = self._resident()

    def growth_mebibytes(self) -> float:
        """Of the validator that has grown most."""
        now = self._resident()
        return max(now[node] - self._before[node] for node in now) / BYTES_PER_MEBIBYTE

    def require_bounded(self, what: str) -> float:
        """Check the growth, and give it.

        Raises
        ------
        InvariantBroken
            If it is past the bound, or a validator has died.
        """
        grown = self.growth_mebibytes()
        if grown > MAX_GROWTH_MEBIBYTES:
            raise InvariantBroken(
                f"{what} has cost {grown:.0f} MiB of memory, at most {MAX_GROWTH_MEBIBYTES}"
            )
        return grown

    def _resident(self) -> dict[int, int]:
        try:
            return {node: int(found.memory_info().rss) for node, found in self._processes.items()}
        except psutil.NoSuchProcess as error:
            raise InvariantBroken("a validator has died although nothing was done to it") from error
