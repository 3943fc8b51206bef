"""The in-memory backend: the same interface inside one event loop, for tests.

A :class:`MemoryNetwork` joins :class:`MemoryTransport` objects. Delivery is in order and
immediate, unless a seeded ``LinkFault`` drops or delays: the same seed gives the same
decisions in the same order of sends.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass

from actors.transport.channels import check_message_size
from actors.transport.errors import NotRunningError
from actors.transport.inbox import Inbox
from actors.transport.interface import (
    Channel,
    ChannelCounters,
    ConnectionState,
    PeerStatus,
    Received,
    TransportStatus,
)


@dataclass(frozen=True, slots=True)
class LinkFault:
    """What a lossy link does to a message.

    Parameters
    ----------
    drop_probability
        Chance, 0 to 1, that a message vanishes.
    minimum_delay_seconds, maximum_delay_seconds
        Bounds of a uniformly drawn delay; later messages may then overtake earlier ones.
    """

    drop_probability: float = 0.0
    minimum_delay_seconds: float = 0.0
    maximum_delay_seconds: float = 0.0


class MemoryNetwork:
    """Wires the transports of one test together.

    Parameters
    ----------
    validators
        Indices of all validators.
    seed
        Seed of every random decision.
    """

    def __init__(self, validators: Iterable[int], seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._fault = LinkFault()
        self._cut: set[frozenset[int]] = set()
        indices = tuple(validators)
        self.transports = {
            index: MemoryTransport(self, index, [peer for peer in indices if peer != index])
            for index in indices
        }

    def set_fault(self, fault: LinkFault) -> None:
        """Apply a fault to every link from now on."""
        self._fault = fault

    def partition(self, *groups: Iterable[int]) -> None:
        """Cut every link between validators of different groups."""
        sides = [frozenset(group) for group in groups]
        self._cut = {
            frozenset((left, right))
            for position, side in enumerate(sides)
            for other in sides[position + 1 :]
            for left in side
            for right in other
        }

    def heal(self) -> None:
        """Restore every link."""
        self._cut.clear()

    def is_connected(self, left: int, right: int) -> bool:
        """Tell whether messages pass between two validators."""
        both_run = self.transports[left].is_running and self.transports[right].is_running
        return both_run and frozenset((left, right)) not in self._cut

    def carry(self, sender: int, receiver: int, channel: Channel, payload: bytes) -> bool:
        """Deliver, delay or drop one message; False when it was dropped."""
        is_lost = self._random.random() < self._fault.drop_probability
        delay_seconds = self._random.uniform(
            self._fault.minimum_delay_seconds, self._fault.maximum_delay_seconds
        )
        if is_lost or not self.is_connected(sender, receiver):
            return False
        destination = self.transports[receiver]
        if delay_seconds <= 0:
            destination.deliver(sender, channel, payload)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(delay_seconds, destination.deliver, sender, channel, payload)
        return True


class MemoryTransport:
    """One validator's end of a :class:`MemoryNetwork`. Implements ``Transport``."""

    def __init__(self, network: MemoryNetwork, index: int, peers: Iterable[int]) -> None:
        self.index = index
        self.is_running = False
        self._network = network
        self._peers = tuple(peers)
        self._inbox = Inbox(self._peers)
        keys = [(peer, channel) for peer in self._peers for channel in Channel]
        self._sent = dict.fromkeys(keys, (0, 0))
        self._received = dict.fromkeys(keys, (0, 0))
        self._dropped = dict.fromkeys(keys, 0)

    async def start(self) -> None:
        """See ``Transport.start``. A closed transport may be started again, empty."""
        self._inbox = Inbox(self._peers)
        self._inbox.open()
        self.is_running = True

    async def close(self) -> None:
        """See ``Transport.close``."""
        self.is_running = False
        self._inbox.close()

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        """See ``Transport.send``."""
        if not self.is_running:
            raise NotRunningError("start() the transport first")
        check_message_size(channel, payload)
        key = (peer, channel)
        messages, size = self._sent[key]
        if self._network.carry(self.index, peer, channel, payload):
            self._sent[key] = (messages + 1, size + len(payload))
        else:
            self._dropped[key] += 1

    def broadcast(self, channel: Channel, payload: bytes) -> None:
        """See ``Transport.broadcast``."""
        for peer in self._peers:
            self.send(peer, channel, payload)

    async def receive(self) -> list[Received]:
        """See ``Transport.receive``."""
        if not self.is_running:
            raise NotRunningError("start() the transport first")
        return await self._inbox.receive()

    def status(self) -> TransportStatus:
        """See ``Transport.status``."""
        return TransportStatus(
            listen_address=None,
            rejected_connections=0,
            peers={peer: self._peer_status(peer) for peer in self._peers},
        )

    def deliver(self, sender: int, channel: Channel, payload: bytes) -> None:
        """Take a message from the network (not part of ``Transport``)."""
        if not self.is_running:
            return
        messages, size = self._received[sender, channel]
        self._received[sender, channel] = (messages + 1, size + len(payload))
        self._inbox.put(sender, channel, [payload])

    def _peer_status(self, peer: int) -> PeerStatus:
        is_connected = self._network.is_connected(self.index, peer)
        channels = {
            channel: ChannelCounters(
                *self._sent[peer, channel],
                *self._received[peer, channel],
                self._dropped[peer, channel],
                self._inbox.dropped[peer, channel],
            )
            for channel in Channel
        }
        return PeerStatus(
            state=ConnectionState.CONNECTED if is_connected else ConnectionState.DISCONNECTED,
            peer_id=f"memory-{peer}",
            round_trip_seconds=0.0 if is_connected else None,
            connections=int(is_connected),
            violations=0,
            throttled=0,
            last_disconnect_reason=None,
            channels=channels,
        )
