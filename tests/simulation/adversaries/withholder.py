"""Proposes to all, but hands the payload to few."""

from tests.simulation.adversaries.base import Byzantine
from tests.simulation.payload import Payload, PayloadPacket


class Withholder(Byzantine):
    """A leader whose payload reaches a few validators only, and that answers no requests."""

    def publish(self, payload: Payload) -> None:
        """Choose who gets it."""
        self.accuse()
        others = self.world.others(self.index)
        for peer in self.world.rng.sample(others, self.world.rng.randint(0, len(others))):
            self.world.network.send(self.index, peer, PayloadPacket(payload))
        del self.store[payload.digest]
