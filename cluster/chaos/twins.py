"""One validator's key on two machines, each with its own part of the others to talk to.

Each twin follows the protocol and knows nothing of the other, so that together they do what any
traitor could: propose twice, vote twice, vote here and give up there, remember and forget.

Source: Bano et al., "Twins: BFT Systems Made Robust", 2020.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from cluster.chaos.links import Links, Way
from cluster.chaos.proxy import HEALTHY, LinkFault
from ledger.types import quorum

SWALLOWED: Final = LinkFault(is_swallowed=True)
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class TwinPhase:
    """How the honest are shared out for a while.

    Attributes
    ----------
    first, second
        Who talks to the first twin, and who to the second.
    is_parted
        Whether these two groups do not hear each other either.
    """

    first: frozenset[int]
    second: frozenset[int]
    is_parted: bool

    def can_decide(self, count: int) -> bool:
        """Whether one group, with its twin, is a quorum of ``count`` validators."""
        largest = max(len(self.first), len(self.second)) + 1
        return not self.is_parted or largest >= quorum(count)


def draw_phases(random: Random, honest: Iterable[int]) -> Iterator[TwinPhase]:
    """Phases without end, each drawn by itself; the groups are hardly ever empty."""
    everybody = sorted(honest)
    while True:
        size = random.choice([1, *range(1, len(everybody)), len(everybody) - 1, len(everybody)])
        first = frozenset(random.sample(everybody, size))
        yield TwinPhase(first, frozenset(everybody) - first, random.random() < 0.5)


class Twins:
    """The ways to and from both twins.

    Parameters
    ----------
    links
        Has ways between all validators; those of the second twin are added.
    index
        The validator that there is twice.
    second
        Number of the second twin among the nodes.
    addresses
        Where the two listen.
    targets
        Where each honest validator listens.
    """

    def __init__(
        self,
        links: Links,
        index: int,
        second: int,
        addresses: tuple[Address, Address],
        targets: dict[int, Address],
    ) -> None:
        self._links = links
        self._index = index
        self._second = second
        self._addresses = addresses
        self._targets = targets
        self._parted: set[Way] = set()
        self.ports = {peer: links.add((second, peer), *target) for peer, target in targets.items()}
        """Where the second twin dials each honest validator."""

    def share_out(self, phase: TwinPhase) -> None:
        """Connect each honest validator with one twin, and part the groups or not."""
        for peer, target in self._targets.items():
            is_first = peer in phase.first
            self._links.aim((peer, self._index), self._addresses[0 if is_first else 1])
            self._links.aim((self._index, peer), target if is_first else None)
            self._links.aim((self._second, peer), None if is_first else target)
        between = {(a, b) for a in phase.first for b in phase.second if phase.is_parted}
        between |= {(b, a) for a, b in between}
        self._links.set_fault(SWALLOWED, between - self._parted)
        healed = self._parted - between
        self._links.cut(healed)  # They are dead above.
        self._links.set_fault(HEALTHY, healed)
        self._parted = between

    def reunite(self) -> None:
        """End the second twin's part: everybody talks to the first, and to each other."""
        everybody = frozenset(self._targets)
        self.share_out(TwinPhase(everybody, frozenset(), is_parted=False))
