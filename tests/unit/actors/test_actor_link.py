"""Finding an actor by name while Ray's head is away: who waits for it is the caller alone."""

import asyncio
import threading

import pytest

from actors import calls
from actors.calls import ActorAway, ActorLink


class Away:
    """Lookups that wait for a head, and then find nothing."""

    def __init__(self) -> None:
        self.head = threading.Event()
        self.asked = 0

    def look_up(self, name: str) -> None:
        self.asked += 1
        assert self.head.wait(30)
        raise ValueError(f"no actor is called {name}")


@pytest.fixture
def away(monkeypatch):
    found = Away()
    monkeypatch.setattr(calls, "_look_up", found.look_up)
    yield found
    found.head.set()


async def test_the_event_loop_goes_on_while_ray_has_no_head(away):
    link = ActorLink("node-0/validator")
    calling = asyncio.ensure_future(link.call("status"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not calling.done()
    away.head.set()
    with pytest.raises(ActorAway, match="no actor is called node-0/validator"):
        await calling


async def test_many_callers_wait_for_one_lookup_and_one_that_gives_up_does_not_end_it(away):
    link = ActorLink("node-0/validator")
    first, *others = [asyncio.ensure_future(link.call("status")) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    away.head.set()
    answers = await asyncio.gather(*others, return_exceptions=True)
    assert all(isinstance(answer, ActorAway) for answer in answers)
    assert away.asked == 1


async def test_after_a_lookup_that_found_nothing_the_next_call_asks_again(away):
    away.head.set()
    link = ActorLink("node-0/validator")
    for expected in (1, 2):
        with pytest.raises(ActorAway):
            await link.call("status")
        assert away.asked == expected
