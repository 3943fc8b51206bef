import asyncio
from collections.abc import Sequence

import pytest

from gateway.batcher import Batcher
from gateway.errors import BackendUnavailable, LimitExceeded


class Doubler:
    """Answers with twice the item, and waits inside a batch while its gate is closed."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def run(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [2 * item for item in items]


def batcher_of(doubler: Doubler, max_items: int = 10, max_waiting: int = 100) -> Batcher[int, int]:
    return Batcher(doubler.run, max_items=max_items, max_waiting=max_waiting)


async def test_requests_that_come_together_share_a_batch() -> None:
    doubler = Doubler()
    batcher = batcher_of(doubler)
    assert await asyncio.gather(*map(batcher.submit, [1, 2, 3])) == [2, 4, 6]
    assert doubler.batches == [[1, 2, 3]]


async def test_what_comes_while_a_batch_runs_goes_into_the_next_one() -> None:
    doubler = Doubler()
    doubler.gate.clear()
    batcher = batcher_of(doubler, max_items=1)
    first = batcher.submit(1)
    await asyncio.sleep(0)
    batcher._max_items = 10
    rest = [batcher.submit(item) for item in (2, 3)]
    doubler.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6]
    assert doubler.batches == [[1], [2, 3]]


async def test_a_batch_has_at_most_max_items_and_order_is_kept() -> None:
    doubler = Doubler()
    batcher = batcher_of(doubler, max_items=2)
    answers = await asyncio.gather(*map(batcher.submit, range(5)))
    assert answers == [0, 2, 4, 6, 8]
    assert doubler.batches == [[0, 1], [2, 3], [4]]


async def test_more_than_max_waiting_items_are_refused() -> None:
    doubler = Doubler()
    batcher = batcher_of(doubler, max_waiting=2)
    waiting = [batcher.submit(1), batcher.submit(2)]
    with pytest.raises(LimitExceeded):
        batcher.submit(3)
    assert await asyncio.gather(*waiting) == [2, 4]


async def test_every_caller_of_a_failed_batch_gets_its_error_and_the_next_batch_runs() -> None:
    doubler = Doubler()
    doubler.error = BackendUnavailable("restarting")
    batcher = batcher_of(doubler)
    outcomes = await asyncio.gather(*map(batcher.submit, [1, 2]), return_exceptions=True)
    assert outcomes == [doubler.error, doubler.error]
    doubler.error = None
    assert await batcher.submit(3) == 6


async def test_a_caller_that_has_gone_costs_nothing() -> None:
    doubler = Doubler()
    batcher = batcher_of(doubler)
    gone, stays = batcher.submit(1), batcher.submit(2)
    gone.cancel()
    assert await stays == 4
    assert doubler.batches == [[2]]


async def test_closing_cancels_what_waits_and_finishes_what_runs() -> None:
    doubler = Doubler()
    doubler.gate.clear()
    batcher = batcher_of(doubler, max_items=1)
    running = batcher.submit(1)
    await asyncio.sleep(0)
    waiting = batcher.submit(2)
    doubler.gate.set()
    await batcher.close()
    assert running.result() == 2
    assert waiting.cancelled()
