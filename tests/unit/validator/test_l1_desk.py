"""What a leader proposes of L1's queue, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from block_world import GENESIS
from local_l1 import LocalL1, LocalL1View

from actors.validator.l1_desk import L1Desk
from actors.validator.tasks import Tasks
from bridge.state import initial_state
from ledger.genesis import NO_L1
from ledger.types import View

DELTA_MS = 10
STATE = initial_state(GENESIS)


class World:
    """A desk that runs, and how often it has told the proposer of work."""

    def __init__(self) -> None:
        self.l1 = LocalL1()
        self.view = LocalL1View(self.l1)
        self.told = 0
        self.desk = L1Desk(STATE, self.view, DELTA_MS, self._on_work)
        self.failures: list[BaseException] = []
        self.tasks = Tasks(self.failures.append)

    def _on_work(self) -> None:
        self.told += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.002)

    def offered(self) -> list[int]:
        return [message.nonce for message in self.desk.available(0)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.tasks.start(made.desk.run())
    yield made
    await made.tasks.close()
    assert made.failures == []


async def test_a_confirmed_entry_is_offered_and_the_proposer_told(world: World) -> None:
    first = world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.told == 1)
    assert world.desk.available(0) == (first,)
    second = world.l1.force(b"raw")
    await world.until(lambda: world.told == 2)
    assert world.desk.available(0) == (first, second)
    assert world.desk.available(1) == (second,)


async def test_an_entry_is_not_offered_as_soon_as_it_shows(world: World) -> None:
    loop = asyncio.get_running_loop()
    world.l1.deposit(bytes(20), 5)
    started = loop.time()
    await world.until(lambda: world.desk.seen_count == 1)
    await world.until(lambda: world.offered() == [0])
    assert loop.time() - started >= 2 * DELTA_MS / 1000


async def test_an_entry_that_a_reorg_has_changed_has_to_age_again(world: World) -> None:
    world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.offered() == [0])
    changed = replace(world.l1.queue[0], value_wei=6)
    world.l1.queue[0] = changed
    await world.until(lambda: world.offered() == [])
    await world.until(lambda: world.desk.available(0) == (changed,))


async def test_what_the_final_ledger_holds_is_forgotten(world: World) -> None:
    for _ in range(3):
        world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.offered() == [0, 1, 2])
    world.desk.settle(replace(STATE, next_l1_nonce=2))
    assert world.offered() == [2]
    world.desk.notice()
    world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.offered() == [2, 3])


async def test_a_queue_out_of_order_is_not_believed(world: World) -> None:
    world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.offered() == [0])
    world.l1.queue.append(world.l1.queue[0])
    await world.until(lambda: world.desk.rejected["L1's entries are not in order"] > 0)
    assert world.offered() == [0]


async def test_what_is_known_stays_while_l1_is_away(world: World) -> None:
    world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.offered() == [0])
    world.view.is_away = True
    await world.until(lambda: world.desk.rejected["L1 is away"] > 1)
    assert world.offered() == [0]


async def test_a_leader_whose_entries_came_to_nothing_holds_them_back_for_a_while(
    world: World,
) -> None:
    world.l1.deposit(bytes(20), 5)
    await world.until(lambda: world.offered() == [0])
    world.desk.proposed(View(7))
    world.desk.nullified(View(6))
    assert world.offered() == [0]
    world.desk.nullified(View(7))
    assert world.offered() == []
    await world.until(lambda: world.offered() == [0])
    # Each time twice as long, and not at all after an entry has become final.
    world.desk.proposed(View(11))
    world.desk.nullified(View(11))
    assert world.offered() == []
    world.l1.deposit(bytes(20), 5)
    world.desk.settle(replace(STATE, next_l1_nonce=1))
    await world.until(lambda: world.offered() == [1])


async def test_a_network_without_l1_looks_at_nothing() -> None:
    view = LocalL1View(LocalL1())
    view.is_away = True
    desk = L1Desk(initial_state(replace(GENESIS, l1=NO_L1)), view, DELTA_MS, lambda: None)
    await asyncio.wait_for(desk.run(), 10)
    assert desk.rejected == {}


# HOW OTHERS' PROPOSALS ARE JUDGED


async def test_a_proposal_is_judged_by_what_l1_shows_at_that_moment() -> None:
    l1 = LocalL1()
    view = LocalL1View(l1)
    desk = L1Desk(STATE, view, DELTA_MS, lambda: None)
    entries = (l1.deposit(bytes(20), 5), l1.deposit(bytes(20), 6), l1.force(b"raw"))
    assert await desk.agrees(entries) is True
    assert await desk.agrees(entries[1:]) is True
    assert await desk.agrees((entries[0], entries[2])) is False
    assert await desk.agrees((*entries[:2], replace(entries[2], data=b"other"))) is False
    view.confirmed = 2
    assert await desk.agrees(entries) is None
    assert await desk.agrees((replace(entries[0], value_wei=7), entries[1], entries[2])) is False
    view.is_away = True
    assert await desk.agrees(entries) is None
