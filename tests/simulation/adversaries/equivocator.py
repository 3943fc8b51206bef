"""Proposes one payload to some validators and another one to the rest."""

from dataclasses import replace

from consensus.messages import ConsensusMessage
from ledger.votes import Notarize
from tests.simulation.adversaries.base import Byzantine
from tests.simulation.payload import Payload, PayloadPacket


class Equivocator(Byzantine):
    """A leader with two faces, which then votes for both."""

    def publish(self, payload: Payload) -> None:
        """Nothing yet: the payloads go out with the two proposals."""

    def broadcast(self, message: ConsensusMessage) -> None:
        """Split the audience of an own proposal."""
        if not isinstance(message, Notarize) or not self.is_own_proposal(message):
            super().broadcast(message)
            return
        self.accuse()
        first = self.store[message.proposal.payload]
        second = self.another_payload(message.proposal, first.parent)
        other = self.notarize(replace(message.proposal, payload=second.digest))
        for peer in self.world.others(self.index):
            payload, vote = (first, message) if self.world.rng.random() < 0.5 else (second, other)
            self.world.network.send(self.index, peer, PayloadPacket(payload))
            self.transmit(peer, vote)
        for vote in (message, other):
            if self.world.rng.random() < 0.5:
                super().broadcast(vote)
