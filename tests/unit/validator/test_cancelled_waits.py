"""A part that is cancelled ends, also if what it waited for comes at the same moment.

`asyncio.wait_for` of Python 3.11 forgets the cancellation then: a node that was stopped while it
caught up never ended.
"""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from actors.validator.history import History
from ledger.types import ValidatorIndex


@pytest.mark.parametrize("turns", range(4))
async def test_fetching_ends_when_an_answer_and_the_end_come_together(turns: int) -> None:
    parts: Any = SimpleNamespace(
        height=0, count=4, quorum=3, send=lambda *_: None, best_of=lambda peers: []
    )
    history = History(
        parts, parts, parts, parts, [ValidatorIndex(1)], lambda *_: None, Random(1), parts
    )
    history.request()
    task = asyncio.get_running_loop().create_task(history.run())
    for _ in range(5):
        await asyncio.sleep(0)
    history._news.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=1)
    assert done, "it goes on"
