"""The in-memory backend behaves like the interface says, and repeats itself by seed."""

from __future__ import annotations

import asyncio

import pytest

from actors.transport import (
    Channel,
    ConnectionState,
    MessageTooLargeError,
    NotRunningError,
    Received,
)
from actors.transport.channels import POLICIES
from actors.transport.memory import LinkFault, MemoryNetwork


async def started(seed: int = 0) -> MemoryNetwork:
    network = MemoryNetwork(range(4), seed)
    for transport in network.transports.values():
        await transport.start()
    return network


async def test_a_broadcast_reaches_everyone_else():
    network = await started()
    network.transports[0].broadcast(Channel.CONSENSUS, b"vote")
    for index in (1, 2, 3):
        received = await network.transports[index].receive()
        assert received == [Received(0, Channel.CONSENSUS, b"vote")]


async def test_sending_before_start_and_after_close_is_rejected():
    network = MemoryNetwork(range(4))
    transport = network.transports[0]
    with pytest.raises(NotRunningError):
        transport.send(1, Channel.CONSENSUS, b"x")
    await transport.start()
    transport.send(1, Channel.CONSENSUS, b"x")
    await transport.close()
    with pytest.raises(NotRunningError):
        transport.broadcast(Channel.CONSENSUS, b"x")


@pytest.mark.parametrize("size", [0, POLICIES[Channel.CONSENSUS].maximum_message_bytes + 1])
async def test_empty_and_oversized_messages_are_rejected(size):
    network = await started()
    with pytest.raises(MessageTooLargeError):
        network.transports[0].send(1, Channel.CONSENSUS, bytes(size))


async def test_a_partition_cuts_and_healing_restores():
    network = await started()
    network.partition([0, 1], [2, 3])
    network.transports[0].send(2, Channel.CONSENSUS, b"lost")
    network.transports[0].send(1, Channel.CONSENSUS, b"near")
    assert network.transports[0].status().peers[2].state is ConnectionState.DISCONNECTED
    network.heal()
    network.transports[0].send(2, Channel.CONSENSUS, b"healed")
    assert (await network.transports[1].receive())[0].payload == b"near"
    assert (await network.transports[2].receive())[0].payload == b"healed"
    counters = network.transports[0].status().peers[2].channels[Channel.CONSENSUS]
    assert (counters.sent_messages, counters.dropped_outbound) == (1, 1)


async def arrivals(seed: int) -> list[bytes]:
    network = await started(seed)
    network.set_fault(LinkFault(drop_probability=0.5))
    for number in range(50):
        network.transports[0].send(1, Channel.CONSENSUS, b"%d" % number)
    return [message.payload for message in await network.transports[1].receive()]


async def test_the_same_seed_drops_the_same_messages():
    assert await arrivals(1) == await arrivals(1)
    assert await arrivals(1) != await arrivals(2)


async def test_delayed_messages_arrive():
    network = await started()
    network.set_fault(LinkFault(minimum_delay_seconds=0.001, maximum_delay_seconds=0.01))
    network.transports[0].send(1, Channel.CONSENSUS, b"late")
    received = await asyncio.wait_for(network.transports[1].receive(), 5)
    assert received[0].payload == b"late"
