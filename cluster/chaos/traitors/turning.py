"""Turns a running validator into a traitor from outside, and back."""

import asyncio
from collections.abc import Awaitable, Callable

from actors.transport.channels import POLICIES
from actors.transport.interface import Channel, Received
from actors.transport.libp2p_transport import Libp2pTransport
from actors.validator.block_tree import TreeBlock
from actors.validator.node import ValidatorNode
from cluster.chaos.traitors.base import Traitor
from consensus.effects import RequestProposal
from ledger.evidence import Evidence


class TwistedTransport(Libp2pTransport):
    """A validator's transport, with a traitor between it and the validator.

    No ``super()`` here: a call that is under way when the transport is turned back ends as usual.
    """

    traitor: Traitor

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The validator's event loop."""
        assert self._loop is not None, "the transport runs"
        return self._loop

    @property
    def peers(self) -> tuple[int, ...]:
        """All other validators."""
        return tuple(self._links)

    def broadcast(self, channel: Channel, payload: bytes) -> None:
        """Each peer gets what the traitor has for it."""
        for peer in self._links:
            self._twist(peer, channel, payload, is_answer=False)

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        """The peer gets what the traitor has for it."""
        self._twist(peer, channel, payload, is_answer=True)

    async def receive(self) -> list[Received]:
        """The traitor listens as well."""
        received = await Libp2pTransport.receive(self)
        self.traitor.hears(received)
        return received

    def _twist(self, peer: int, channel: Channel, payload: bytes, *, is_answer: bool) -> None:
        words = self.traitor.words(peer, channel, payload, is_answer=is_answer)
        for chosen_channel, word in words:
            self.say(peer, chosen_channel, word)

    # THE TRAITOR'S MOUTH

    def say(self, peer: int, channel: Channel, payload: bytes) -> None:
        """Send as an honest validator's transport does."""
        Libp2pTransport.send(self, peer, channel, payload)

    def shove(self, peer: int, channel: Channel, payload: bytes) -> None:
        """Send a message of any size."""
        self._links[peer].queue(channel, payload)
        self._flush_soon(peer)

    def backlog(self, peer: int, channel: Channel) -> int:
        """Messages that wait to leave, at most what the queue holds."""
        return min(len(self._links[peer]._queues[channel]), POLICIES[channel].queue_messages)


def turn(node: ValidatorNode, traitor: Traitor) -> None:
    """Turn a running validator, on libp2p, into a traitor.

    It keeps evidence to itself: no traitor convicts itself.
    """
    transport = node.transport
    assert isinstance(transport, Libp2pTransport)
    transport.__class__ = TwistedTransport
    assert isinstance(transport, TwistedTransport)
    transport.traitor = traitor
    vars(node.proposer)["build"] = _twisted(node.proposer.build, traitor)
    vars(node.operators)["add_evidence"] = _ignore
    traitor.join(node, transport)


def arrest(node: ValidatorNode) -> Traitor:
    """Turn it back: from now on it says what its core says. Gives the traitor."""
    transport = node.transport
    assert isinstance(transport, TwistedTransport)
    traitor = transport.traitor
    traitor.leave()
    _release(transport)
    del vars(node.proposer)["build"]
    del vars(node.operators)["add_evidence"]
    return traitor


def _release(transport: Libp2pTransport) -> None:
    transport.__class__ = Libp2pTransport


def _twisted(
    build: Callable[[RequestProposal], Awaitable[TreeBlock]], traitor: Traitor
) -> Callable[[RequestProposal], Awaitable[TreeBlock]]:
    async def twisted(request: RequestProposal) -> TreeBlock:
        return traitor.builds(await build(request))

    return twisted


def _ignore(_evidence: Evidence) -> None:
    return None
