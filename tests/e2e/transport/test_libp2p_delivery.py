"""What honest validators get: delivery, order, priorities, back-pressure, reconnects."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from actors.transport import Channel, ConnectionState, MessageTooLargeError, NotRunningError
from actors.transport.channels import POLICIES


async def test_every_channel_carries_its_longest_message_to_everyone(cluster_of, collect):
    cluster = cluster_of(3)
    await cluster.start_all()
    for channel in Channel:
        payload = os.urandom(POLICIES[channel].maximum_message_bytes)
        cluster[1].broadcast(channel, payload)
        for index in (0, 2):
            (received,) = await collect(cluster[index], 1)
            assert (received.peer, received.channel) == (1, channel)
            assert received.payload == payload


async def test_a_message_above_the_limit_is_rejected_before_it_is_queued(pair):
    limit = POLICIES[Channel.CONSENSUS].maximum_message_bytes
    with pytest.raises(MessageTooLargeError):
        pair[0].send(1, Channel.CONSENSUS, bytes(limit + 1))


async def test_messages_of_a_channel_arrive_in_order_and_complete(pair, collect):
    numbers = range(1000)
    for number in numbers:
        pair[0].send(1, Channel.CONSENSUS, number.to_bytes(4, "big") * 20)
    received = await collect(pair[1], len(numbers))
    assert [int.from_bytes(message.payload[:4], "big") for message in received] == list(numbers)


async def test_a_vote_overtakes_payloads_that_were_queued_before_it(pair, collect):
    for _ in range(3):
        pair[0].send(1, Channel.PAYLOAD, bytes(4 * 1024 * 1024))
    pair[0].send(1, Channel.CONSENSUS, b"vote")
    received = await collect(pair[1], 4)
    assert received[-1].channel is Channel.PAYLOAD
    assert [message.channel for message in received].index(Channel.CONSENSUS) <= 1


async def test_one_wake_up_brings_what_one_turn_sent(pair):
    for number in range(50):
        pair[0].send(1, Channel.CONSENSUS, b"%d" % number)
    assert len(await pair[1].receive()) == 50


async def test_a_reader_that_stops_pushes_back_to_the_senders_queue(pair, collect, until):
    policy = POLICIES[Channel.CONSENSUS]
    message = bytes(16 * 1024)

    def sender_counters():
        return pair[0].status().peers[1].channels[Channel.CONSENSUS]

    while sender_counters().dropped_outbound < 10:
        pair[0].send(1, Channel.CONSENSUS, message)
        await asyncio.sleep(0)
    at_receiver = pair[1].status().peers[0].channels[Channel.CONSENSUS]
    assert at_receiver.received_bytes <= policy.receive_window_bytes
    assert at_receiver.dropped_inbound == 0
    pair[0].send(1, Channel.ATTESTATION, b"other channels are not blocked")
    received = await collect(pair[1], 1)
    while received[-1].channel is not Channel.ATTESTATION:
        received += await pair[1].receive()
    delivered = sender_counters().sent_messages
    await until(lambda: sender_counters().sent_messages >= delivered)


async def test_messages_wait_for_a_validator_that_comes_back(cluster_of, collect, until):
    cluster = cluster_of(2)
    await cluster.start_all()
    await cluster[1].close()
    await until(lambda: cluster[0].status().peers[1].state is ConnectionState.DISCONNECTED)
    cluster[0].send(1, Channel.CONSENSUS, b"while you were away")
    await cluster.start(1)
    (received,) = await collect(cluster[1], 1)
    assert received.payload == b"while you were away"
    assert cluster[0].status().peers[1].connections == 2


async def test_heartbeats_measure_the_round_trip(pair, until):
    await until(lambda: pair[0].status().peers[1].round_trip_seconds is not None)
    assert 0 < pair[0].status().peers[1].round_trip_seconds < 1


async def test_status_counts_both_directions(pair, collect):
    pair[0].send(1, Channel.TRANSACTIONS, b"12345678")
    await collect(pair[1], 1)
    sent = pair[0].status().peers[1].channels[Channel.TRANSACTIONS]
    received = pair[1].status().peers[0].channels[Channel.TRANSACTIONS]
    assert (sent.sent_messages, sent.sent_bytes) == (1, 12)
    assert (received.received_messages, received.received_bytes) == (1, 12)


async def test_using_a_closed_transport_is_rejected(cluster_of):
    cluster = cluster_of(2)
    transport = await cluster.start(0)
    waiting = asyncio.ensure_future(transport.receive())
    await asyncio.sleep(0)
    await transport.close()
    with pytest.raises(NotRunningError):
        await waiting
    with pytest.raises(NotRunningError):
        transport.send(1, Channel.CONSENSUS, b"x")
    with pytest.raises(NotRunningError):
        await transport.start()


def open_sockets() -> int:
    descriptors = os.listdir("/proc/self/fd")
    targets = []
    for descriptor in descriptors:
        try:
            targets.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue  # the descriptor of this very listing
    return sum(target.startswith("socket:") for target in targets)


@pytest.mark.filterwarnings("error")
async def test_closing_leaves_no_thread_and_no_socket(cluster_of):
    warm_up = cluster_of(2)
    await warm_up.start_all()
    await warm_up.close()
    threads, sockets = threading.active_count(), open_sockets()
    cluster = cluster_of(3)
    await cluster.start_all()
    assert threading.active_count() == threads + 3
    await cluster.close()
    assert threading.active_count() == threads
    assert open_sockets() == sockets


@pytest.mark.slow
async def test_reconnecting_many_times_uses_nothing_up(cluster_of, until):
    """More reconnects than the host has connection slots for two validators (34)."""
    cluster = cluster_of(2)
    await cluster.start_all()
    for round_number in range(2, 45):
        link = cluster[0]._links[1]
        link.muxer.fail("the test cuts the connection")
        await until(lambda: cluster[1].status().peers[0].connections >= round_number)  # noqa: B023
        await cluster.connected()
    assert cluster[0].status().peers[1].violations == 0
