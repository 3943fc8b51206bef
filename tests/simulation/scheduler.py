"""A virtual clock: callbacks in order of time, ties in order of arrival."""

import heapq
from collections.abc import Callable


class Scheduler:
    """Time in microseconds; it passes only from one callback to the next."""

    def __init__(self) -> None:
        self.now_us = 0
        self._queue: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._sequence = 0

    @property
    def now_ms(self) -> int:
        """Whole milliseconds, as consensus sees the time."""
        return self.now_us // 1000

    def after(self, delay_us: int, callback: Callable[..., None], *arguments: object) -> None:
        """Call back in ``delay_us``, never in the past."""
        self._sequence += 1
        due_us = self.now_us + max(0, delay_us)
        heapq.heappush(self._queue, (due_us, self._sequence, callback, arguments))

    def run(self, until_us: int, is_done: Callable[[], bool] = lambda: False) -> None:
        """Run until a time, or until a condition holds (looked at before each callback)."""
        while self._queue and self._queue[0][0] <= until_us and not is_done():
            due_us, _, callback, arguments = heapq.heappop(self._queue)
            self.now_us = due_us
            callback(*arguments)
        if not is_done():
            self.now_us = max(self.now_us, until_us)
