"""Payloads between their arrival and the answer to consensus."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from block_world import GENESIS, KEYS, block_on, empty_tree, leader_of
from local_l1 import LocalL1, LocalL1View
from local_network import LocalBridge

from actors.transport.memory import MemoryNetwork
from actors.validator import payloads as payloads_module
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.l1_desk import L1Desk
from actors.validator.payloads import PayloadDesk
from actors.validator.tasks import Tasks
from actors.validator.vote_journal import VoteJournal
from consensus.effects import CheckPayload
from consensus.events import PayloadChecked
from ledger.block import SealedBlock
from ledger.types import Digest, TimestampMs, ValidatorIndex, View
from ledger.votes import Proposal
from storage.journal import Journal

PEER = ValidatorIndex(2)


class World:
    """A desk with real parts, and what it says."""

    def __init__(self, directory: Path) -> None:
        self.tree: BlockTree = empty_tree()
        self.answers: list[PayloadChecked] = []
        self.failures: list[BaseException] = []
        self.tasks = Tasks(self.failures.append)
        self.journal = VoteJournal(Journal(directory / "journal"))
        self.transport = MemoryNetwork(range(4)).transports[0]
        self.queue = LocalL1()
        self.view = LocalL1View(self.queue)
        self.l1 = L1Desk(self.tree.root_state, self.view, 250, lambda: None)
        self.desk = PayloadDesk(
            self.tree,
            self.journal,
            self.transport,
            LocalBridge(GENESIS, KEYS[0]),
            self.l1,
            GENESIS.timing.max_drift_ms,
            self.tasks,
            leader_of,
            self.answers.append,
            self._added,
        )

    def _added(self, block: TreeBlock) -> None:
        self.desk.parent_arrived(block.digest)

    def ask(self, sealed: SealedBlock, view: int | None = None, parent: bytes = b"") -> None:
        wanted_view = View(sealed.header.view if view is None else view)
        proposal = Proposal(GENESIS.epoch, wanted_view, View(0), sealed.digest)
        self.desk.check(CheckPayload(proposal, Digest(parent or sealed.header.parent)))

    def receive(self, sealed: SealedBlock, peer: int | None = None) -> None:
        sender = sealed.header.proposer if peer is None else ValidatorIndex(peer)
        self.desk.receive(sender, sealed.encoded)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.transport.start()
    yield made
    await made.tasks.close()
    await made.transport.close()
    made.journal.close()
    assert made.failures == []


def answers(world: World) -> list[tuple[int, bool]]:
    return [(answer.view, answer.is_valid) for answer in world.answers]


async def test_a_payload_is_answered_for_whichever_comes_first(world: World) -> None:
    early, late = block_on(world.tree, world.tree.root, 1), block_on(world.tree, world.tree.root, 2)
    world.receive(early)
    world.ask(early)
    world.ask(late)
    assert answers(world) == [(1, True)]
    world.receive(late)
    assert answers(world) == [(1, True), (2, True)]


async def test_one_payload_in_two_views_is_answered_for_in_both(world: World) -> None:
    sealed = block_on(world.tree, world.tree.root, 1)
    world.ask(sealed)
    world.ask(sealed, view=2)
    world.receive(sealed)
    assert sorted(answers(world)) == [(1, True), (2, False)]


async def test_a_payload_on_another_parent_than_the_proposals_is_refused(world: World) -> None:
    sealed = block_on(world.tree, world.tree.root, 1)
    world.ask(sealed, parent=b"\x09" * 32)
    world.receive(sealed)
    assert answers(world) == [(1, False)]
    assert world.tree.get(sealed.digest) is None


async def test_an_invented_parent_is_not_asked_for(world: World) -> None:
    sealed = block_on(world.tree, world.tree.root, 1, parent=Digest(b"\x09" * 32))
    world.ask(sealed, parent=world.tree.root)
    world.receive(sealed)
    assert answers(world) == [(1, False)]
    assert world.desk._wanted == {}


async def test_final_payloads_are_added_in_order_whatever_order_they_come_in(world: World) -> None:
    other = empty_tree()
    first = other.check(block_on(other, other.root, 1), leader_of(View(1)))
    other.add(first)
    second = block_on(other, first.digest, 2)
    world.desk.want_final(second.digest, View(2))
    world.receive(second, peer=3)
    assert world.tree.get(second.digest) is None
    assert set(world.desk._wanted) == {first.digest, second.digest}
    world.receive(first.sealed, peer=3)
    assert world.tree.get(second.digest) is not None
    assert world.desk._wanted == {}


async def test_what_finality_has_passed_is_no_longer_asked_for(world: World) -> None:
    world.desk.want_final(Digest(b"\x09" * 32), View(5))
    world.ask(block_on(world.tree, world.tree.root, 6))
    world.desk.forget_up_to(View(5))
    assert len(world.desk._wanted) == 1
    world.desk.forget_up_to(View(6))
    assert world.desk._wanted == {}


async def test_a_payload_dated_ahead_is_answered_for_when_the_clock_has_caught_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = 10**12 * 2
    monkeypatch.setattr(payloads_module, "unix_milliseconds", lambda: now_ms)
    ahead = TimestampMs(now_ms + GENESIS.timing.max_drift_ms + 1)
    sealed = block_on(world.tree, world.tree.root, 1, timestamp_ms=ahead)
    world.receive(sealed)
    world.ask(sealed)
    assert answers(world) == []
    monkeypatch.setattr(payloads_module, "unix_milliseconds", lambda: now_ms + 1)
    async with asyncio.timeout(10):
        while not world.answers:
            await asyncio.sleep(0.005)
    assert answers(world) == [(1, True)]


async def answered(world: World) -> None:
    async with asyncio.timeout(10):
        while not world.answers:
            await asyncio.sleep(0.005)


def rejected(world: World) -> dict[str, int]:
    return dict(world.desk.rejected)


async def test_entries_that_l1_shows_here_are_voted_for(world: World) -> None:
    entries = (world.queue.deposit(bytes(20), 5), world.queue.force(b"raw"))
    sealed = block_on(world.tree, world.tree.root, 1, l1_messages=entries)
    world.receive(sealed)
    world.ask(sealed)
    await answered(world)
    assert answers(world) == [(1, True)]
    assert rejected(world) == {}


async def test_entries_that_l1_does_not_show_yet_wait_for_it(world: World) -> None:
    entries = (world.queue.deposit(bytes(20), 5), world.queue.deposit(bytes(20), 6))
    sealed = block_on(world.tree, world.tree.root, 1, l1_messages=entries)
    world.view.confirmed = 1
    world.receive(sealed)
    world.ask(sealed)
    async with asyncio.timeout(10):
        while not rejected(world):
            await asyncio.sleep(0.005)
    assert answers(world) == []
    world.view.confirmed = None
    await answered(world)
    assert answers(world) == [(1, True)]
    assert rejected(world) == {"payload ahead of L1 as seen here: it waits": 1}


async def test_entries_other_than_l1s_are_invalid_also_before_all_of_them_show(
    world: World,
) -> None:
    first = world.queue.deposit(bytes(20), 5)
    invented = replace(first, value_wei=6)
    sealed = block_on(
        world.tree, world.tree.root, 1, l1_messages=(invented, replace(first, nonce=1))
    )
    world.receive(sealed)
    world.ask(sealed)
    await answered(world)
    assert answers(world) == [(1, False)]
    assert rejected(world) == {"invalid payload: OtherThanL1": 1}


async def test_nobody_votes_on_entries_while_l1_is_away(world: World) -> None:
    sealed = block_on(
        world.tree, world.tree.root, 1, l1_messages=(world.queue.deposit(bytes(20), 5),)
    )
    world.view.is_away = True
    world.receive(sealed)
    world.ask(sealed)
    async with asyncio.timeout(10):
        while not rejected(world):
            await asyncio.sleep(0.005)
    assert answers(world) == []
    world.view.is_away = False
    await answered(world)
    assert answers(world) == [(1, True)]


async def test_a_payload_that_waits_for_l1_is_let_go_when_its_view_is_over(world: World) -> None:
    entry = world.queue.deposit(bytes(20), 5)
    world.queue.queue.clear()
    sealed = block_on(world.tree, world.tree.root, 1, l1_messages=(entry,))
    world.receive(sealed)
    world.ask(sealed)
    world.desk.forget_up_to(View(1))
    async with asyncio.timeout(10):
        while world.desk._in_check:
            await asyncio.sleep(0.005)
    assert answers(world) == []
    assert rejected(world).keys() <= {"payload ahead of L1 as seen here: it waits"}


async def test_a_final_payload_is_taken_whatever_l1_shows_here(world: World) -> None:
    entry = world.queue.deposit(bytes(20), 5)
    world.view.is_away = True
    sealed = block_on(world.tree, world.tree.root, 1, l1_messages=(entry,))
    world.desk.want_final(sealed.digest, View(1))
    world.receive(sealed)
    assert world.tree.get(sealed.digest) is not None


async def test_a_final_payload_is_taken_whatever_the_clock_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads_module, "unix_milliseconds", lambda: 0)
    sealed = block_on(world.tree, world.tree.root, 1)
    world.desk.want_final(sealed.digest, View(1))
    world.receive(sealed)
    assert world.tree.get(sealed.digest) is not None


async def test_an_accepted_payload_is_in_the_journal_before_the_answer(
    world: World, tmp_path: Path
) -> None:
    sealed = block_on(world.tree, world.tree.root, 1)
    world.receive(sealed)
    world.ask(sealed)
    world.journal.close()
    again = VoteJournal(Journal(tmp_path / "journal"))
    assert [found.digest for found in again.payloads] == [sealed.digest]
    again.close()
    world.journal = VoteJournal(Journal(tmp_path / "other"))
