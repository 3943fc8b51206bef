"""Messages on a stream: cutting bytes into messages, and the bounded outbound queue."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.transport.channels import POLICIES, Overflow
from actors.transport.errors import FrameViolation
from actors.transport.framing import MessageDecoder, MessageQueue
from actors.transport.interface import Channel

SMALL = dataclasses.replace(
    POLICIES[Channel.CONSENSUS], queue_messages=3, queue_bytes=100, maximum_message_bytes=60
)
NEWEST = dataclasses.replace(SMALL, overflow=Overflow.DROP_NEWEST)


def stream_bytes(queue: MessageQueue, step: int = 1000) -> bytes:
    data = b""
    while queue:
        pieces, size, _ = queue.take(step)
        assert size == sum(map(len, pieces))
        data += b"".join(pieces)
    return data


def decode(data: bytes, maximum: int = 60, step: int = 1000) -> list[bytes]:
    decoder = MessageDecoder(maximum)
    messages = []
    for start in range(0, len(data), step):
        messages += decoder.feed(memoryview(data)[start : start + step])
    return messages


@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=8),
    st.integers(5, 80),
    st.integers(1, 80),
)
def test_messages_survive_any_split_into_frames_and_reads(messages, write_step, read_step):
    queue = MessageQueue(dataclasses.replace(SMALL, queue_messages=8, queue_bytes=1000))
    for message in messages:
        queue.push(message)
    assert decode(stream_bytes(queue, write_step), step=read_step) == messages


def test_the_longest_allowed_message_is_accepted():
    assert decode((60).to_bytes(4, "big") + bytes(60)) == [bytes(60)]


@pytest.mark.parametrize("length", [0, 61, 2**32 - 1])
def test_a_length_outside_the_limits_is_rejected_before_its_body_arrives(length):
    with pytest.raises(FrameViolation) as caught:
        decode(length.to_bytes(4, "big"))
    assert (caught.value.got_bytes, caught.value.limit_bytes) == (length, 60)


def test_an_announced_length_allocates_nothing():
    decoder = MessageDecoder(2**31)
    assert decoder.feed(memoryview((2**31).to_bytes(4, "big") + b"x")) == []
    assert decoder._pieces == [b"x"]


def test_a_full_queue_drops_the_oldest_where_the_channel_says_so():
    queue = MessageQueue(SMALL)
    for message in (b"1", b"2", b"3", b"4"):
        queue.push(message)
    assert decode(stream_bytes(queue)) == [b"2", b"3", b"4"]
    assert queue.dropped == 1


def test_a_full_queue_drops_the_newest_where_the_channel_says_so():
    queue = MessageQueue(NEWEST)
    for message in (b"1", b"2", b"3", b"4"):
        queue.push(message)
    assert decode(stream_bytes(queue)) == [b"1", b"2", b"3"]
    assert queue.dropped == 1


def test_bytes_bound_the_queue_too():
    queue = MessageQueue(SMALL)
    for message in (b"a" * 60, b"b" * 60):
        queue.push(message)
    assert decode(stream_bytes(queue)) == [b"b" * 60]
    assert (queue.dropped, queue.queued_bytes) == (1, 0)


def test_a_partly_sent_message_goes_out_whole_after_a_rewind():
    queue = MessageQueue(SMALL)
    queue.push(b"first message")
    queue.push(b"second")
    pieces, size, completed = queue.take(8)
    assert (b"".join(pieces), size, completed) == (b"\0\0\0\x0dfirs", 8, 0)
    queue.rewind()
    assert decode(stream_bytes(queue)) == [b"first message", b"second"]


def test_a_started_message_is_never_dropped():
    queue = MessageQueue(SMALL)
    queue.push(b"started")
    queue.take(6)
    for message in (b"1", b"2", b"3", b"4"):
        queue.push(message)
    rest = stream_bytes(queue)
    assert rest.startswith(b"arted")
    assert decode(rest[5:]) == [b"2", b"3", b"4"]


@pytest.mark.parametrize("channel", list(Channel))
def test_the_longest_message_always_fits_what_credit_returns_leave(channel):
    policy = POLICIES[channel]
    assert policy.credit_threshold_bytes > 0
    unreturned = policy.credit_threshold_bytes - 1
    assert policy.receive_window_bytes - unreturned > policy.maximum_message_bytes + 4


def test_every_channel_has_its_own_protocol():
    assert len({policy.protocol for policy in POLICIES.values()}) == len(Channel)
