"""The newest block of the ZK chain that is final on L1, as the node's settlement sees it."""

import asyncio
import time
from typing import Final

from actors.calls import ActorAway, ActorLink

FRESH_SECONDS: Final = 0.5


class ProvenBlock:
    """Asks the settlement actor, at most twice a second: every ``finalized`` depends on it.

    It never goes back, also while settlement restarts and has yet to read L1.
    """

    def __init__(self, settlement: ActorLink) -> None:
        self._settlement = settlement
        self._number = 0
        self._asked_at: float | None = None
        self._lock = asyncio.Lock()

    async def number(self) -> int:
        """The block's number; 0 before anything has settled."""
        async with self._lock:
            if self._asked_at is None or time.monotonic() - self._asked_at > FRESH_SECONDS:
                self._asked_at = time.monotonic()
                try:
                    answer: int = await self._settlement.call("proven_block")
                except ActorAway:
                    answer = 0
                self._number = max(self._number, answer)
        return self._number
