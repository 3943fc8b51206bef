"""The filters that clients have installed: bounded in number, and dropped when nobody polls."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from execution.types import Hash32
from gateway.errors import LimitExceeded
from gateway.log_query import LogQuery
from gateway.params import BlockTag


@dataclass(slots=True)
class Filter:
    """One filter and how far its owner has read.

    ``pattern`` is ``None`` for a block filter. ``seen_number`` and ``seen_hash``
    name the last block told of; no block up to ``safe_number`` can be dropped.
    """

    pattern: LogQuery | None
    first: BlockTag | int = BlockTag.LATEST
    last: BlockTag | int = BlockTag.LATEST
    seen_number: int = 0
    seen_hash: Hash32 | None = None
    safe_number: int = 0
    polled_at_seconds: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class FilterRegistry:
    """Filters by id. Ids are random, so that nobody guesses another's.

    Parameters
    ----------
    capacity
        Filters that may be installed at once.
    idle_seconds
        A filter that nobody polls for so long may be dropped.
    """

    def __init__(self, capacity: int, idle_seconds: float) -> None:
        self._capacity = capacity
        self._idle_seconds = idle_seconds
        # In the order of their last poll, oldest first.
        self._filters: dict[int, Filter] = {}

    def __len__(self) -> int:
        return len(self._filters)

    def add(self, new: Filter) -> str:
        """Install a filter and give its id in hex.

        Raises
        ------
        LimitExceeded
            If all places are taken by filters in use.
        """
        self._drop_idle()
        if len(self._filters) >= self._capacity:
            raise LimitExceeded("too many filters are installed on this node; try again later")
        filter_id = secrets.randbits(128)
        new.polled_at_seconds = time.monotonic()
        self._filters[filter_id] = new
        return hex(filter_id)

    def get(self, filter_id: int) -> Filter | None:
        """A filter that is about to be polled."""
        self._drop_idle()
        found = self._filters.pop(filter_id, None)
        if found is not None:
            found.polled_at_seconds = time.monotonic()
            self._filters[filter_id] = found
        return found

    def remove(self, filter_id: int) -> bool:
        """Drop a filter; tells whether it was there."""
        return self._filters.pop(filter_id, None) is not None

    def _drop_idle(self) -> None:
        oldest_allowed = time.monotonic() - self._idle_seconds
        while self._filters:
            filter_id, candidate = next(iter(self._filters.items()))
            if candidate.polled_at_seconds >= oldest_allowed:
                return
            del self._filters[filter_id]
