"""One key, two machines: each follows the protocol, and knows nothing of the other.

Source: Bano et al., "Twins: BFT Systems Made Robust", 2020.
"""

from consensus.messages import ConsensusMessage
from tests.simulation.adversaries.base import Byzantine
from tests.simulation.payload import Payload, PayloadPacket
from tests.simulation.world import World


class _Twin(Byzantine):
    """One of the two; it talks with its own half of the validators."""

    def __init__(self, world: World, index: int, audience: frozenset[int]) -> None:
        super().__init__(world, index)
        self.audience = audience

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send to the own half."""
        if self.is_own_proposal(message):
            self.world.faults["twins"] += 1
        for peer in sorted(self.audience):
            self.transmit(peer, message)

    def publish(self, payload: Payload) -> None:
        """Send the payload to the own half."""
        for peer in sorted(self.audience):
            self.world.network.send(self.index, peer, PayloadPacket(payload))


class Twins:
    """Both of them; the halves are drawn anew each time the twins start."""

    def __init__(self, world: World, index: int) -> None:
        others = world.others(index)
        world.rng.shuffle(others)
        cut = world.rng.randint(1, len(others))
        self._first = _Twin(world, index, frozenset(others[:cut]))
        self._second = _Twin(world, index, frozenset(others[cut:]))
        world.network.attach(index, self.receive)

    def boot(self) -> None:
        """Start both."""
        self._first.boot()
        self._second.boot()

    def receive(self, sender: int, packet: object) -> None:
        """A packet reaches the twin that talks with its sender."""
        twin = self._first if sender in self._first.audience else self._second
        twin.receive(sender, packet)
