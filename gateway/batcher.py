"""Gathers single requests into batches, so that each costs a share of one remote call.

While one batch runs, the next one fills: under load batches grow by themselves
and nothing waits longer than for one batch. An idle batcher waits
``linger_seconds`` for company before it runs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from gateway.errors import LimitExceeded

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Runs one batch at a time, in the order of submission.

    Parameters
    ----------
    run
        Answers a batch: one answer for each item, in the same order. What it
        raises, each caller of the batch gets.
    max_items
        Size of a batch.
    max_waiting
        Items that may wait for their batch; further ones are refused.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        max_items: int,
        max_waiting: int,
        linger_seconds: float = 0.0,
    ) -> None:
        self._run = run
        self._max_items = max_items
        self._max_waiting = max_waiting
        self._linger_seconds = linger_seconds
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._timer: asyncio.Handle | None = None
        self.batch_count = 0
        self.item_count = 0

    def submit(self, item: Item) -> "asyncio.Future[Answer]":
        """Put an item into the next batch.

        Raises
        ------
        LimitExceeded
            If too many items wait already.
        """
        if len(self._waiting) >= self._max_waiting:
            raise LimitExceeded("the node is busy: too many requests wait; try again later")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        if self._running is None:
            if len(self._waiting) >= self._max_items:
                self._start()
            elif self._timer is None:
                self._timer = loop.call_later(self._linger_seconds, self._start)
        return future

    async def close(self) -> None:
        """Give up what waits and wait for the batch that runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._waiting.popleft()[1].cancel()
        if self._running is not None:
            await asyncio.wait([self._running])

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch: list[tuple[Item, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self._max_items:
            item, future = self._waiting.popleft()
            if not future.done():
                batch.append((item, future))
        if not batch:
            return
        self.batch_count += 1
        self.item_count += len(batch)
        self._running = asyncio.get_running_loop().create_task(self._answer(batch))
        self._running.add_done_callback(lambda task: self._finish(task, batch))

    async def _answer(self, batch: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        answers = await self._run([item for item, _ in batch])
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    def _finish(
        self, task: "asyncio.Task[None]", batch: list[tuple[Item, "asyncio.Future[Answer]"]]
    ) -> None:
        self._running = None
        error = None if task.cancelled() else task.exception()
        for _, future in batch:
            if future.done():
                continue
            if error is None:
                future.cancel()
            else:
                future.set_exception(error)
                # A caller that has gone away will not look at it; asyncio need not complain.
                future.exception()
        if self._waiting and self._timer is None:
            self._start()
