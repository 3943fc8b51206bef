"""The inbound queue: bounds, fairness, waking."""

from __future__ import annotations

import asyncio
import threading

import pytest

from actors.transport.channels import POLICIES
from actors.transport.errors import NotRunningError
from actors.transport.inbox import MESSAGES_PER_TURN, Inbox
from actors.transport.interface import Channel, Received


@pytest.fixture
async def inbox():
    box = Inbox([1, 2, 3])
    box.open()
    return box


async def test_one_receive_takes_everything_that_waits(inbox):
    inbox.put(1, Channel.CONSENSUS, [b"a", b"b"])
    inbox.put(2, Channel.PAYLOAD, [b"c"])
    assert await inbox.receive() == [
        Received(1, Channel.CONSENSUS, b"a"),
        Received(1, Channel.CONSENSUS, b"b"),
        Received(2, Channel.PAYLOAD, b"c"),
    ]


async def test_receive_waits_for_a_message_from_another_thread(inbox):
    waiting = asyncio.ensure_future(inbox.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    thread = threading.Thread(target=inbox.put, args=(3, Channel.CONSENSUS, [b"x"]))
    thread.start()
    assert await asyncio.wait_for(waiting, 5) == [Received(3, Channel.CONSENSUS, b"x")]
    thread.join()


async def test_no_wake_up_is_lost_among_many_small_puts(inbox):
    total = 5000

    def produce(peer: int) -> None:
        for number in range(total):
            inbox.put(peer, Channel.PAYLOAD, [number.to_bytes(4, "big")])

    received: dict[int, list[int]] = {1: [], 2: [], 3: []}
    threads = [threading.Thread(target=produce, args=(peer,)) for peer in received]
    for thread in threads:
        thread.start()

    def done() -> bool:
        dropped = sum(inbox.dropped.values())
        return sum(map(len, received.values())) + dropped == 3 * total

    while not done():
        for message in await asyncio.wait_for(inbox.receive(), 10):
            received[message.peer].append(int.from_bytes(message.payload, "big"))
    for thread in threads:
        thread.join()
    assert all(numbers == sorted(set(numbers)) for numbers in received.values())


async def test_a_flooder_gets_only_its_share_of_a_turn(inbox):
    inbox.put(1, Channel.CONSENSUS, [b"flood"] * 1000)
    inbox.put(2, Channel.CONSENSUS, [b"vote"])
    first = await inbox.receive()
    assert Received(2, Channel.CONSENSUS, b"vote") in first[:2]
    assert len(first) == MESSAGES_PER_TURN + 1


async def test_urgent_channels_come_first(inbox):
    inbox.put(1, Channel.BACKFILL, [b"old"])
    inbox.put(2, Channel.CONSENSUS, [b"vote"])
    assert [message.channel for message in await inbox.receive()] == [
        Channel.CONSENSUS,
        Channel.BACKFILL,
    ]


async def test_the_count_is_bounded_and_the_oldest_vote_goes(inbox):
    limit = POLICIES[Channel.CONSENSUS].queue_messages
    payloads = [number.to_bytes(4, "big") for number in range(limit + 5)]
    assert inbox.put(1, Channel.CONSENSUS, payloads) == 5 * 8
    received = []
    while len(received) < limit:
        received += await inbox.receive()
    assert [message.payload for message in received] == payloads[5:]
    assert inbox.dropped[1, Channel.CONSENSUS] == 5


async def test_the_count_is_bounded_and_the_newest_transaction_goes(inbox):
    limit = POLICIES[Channel.TRANSACTIONS].queue_messages
    payloads = [number.to_bytes(4, "big") for number in range(limit + 5)]
    inbox.put(1, Channel.TRANSACTIONS, payloads)
    received = []
    while len(received) < limit:
        received += await inbox.receive()
    assert [message.payload for message in received] == payloads[:limit]


async def test_the_bytes_are_bounded(inbox):
    policy = POLICIES[Channel.PAYLOAD]
    inbox.put(1, Channel.PAYLOAD, [bytes(policy.maximum_message_bytes)] * 3)
    assert inbox.queued_bytes(1, Channel.PAYLOAD) <= policy.receive_window_bytes
    assert inbox.dropped[1, Channel.PAYLOAD] == 2


async def test_closing_ends_a_pending_receive(inbox):
    waiting = asyncio.ensure_future(inbox.receive())
    await asyncio.sleep(0)
    inbox.close()
    with pytest.raises(NotRunningError):
        await asyncio.wait_for(waiting, 5)
