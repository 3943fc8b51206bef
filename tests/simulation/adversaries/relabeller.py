"""Passes certificates of the epoch before off as those of its own."""

from dataclasses import replace
from typing import TYPE_CHECKING

from consensus.messages import ConsensusMessage
from ledger.types import View
from ledger.votes import Certificate, Nullification, Round, subject_of
from tests.simulation.adversaries.base import Byzantine

if TYPE_CHECKING:
    from tests.simulation.epochs import Era


class Relabeller(Byzantine):
    """Says what the old set has signed, as it is and with the epoch and the view changed."""

    def __init__(self, world: "Era", index: int) -> None:
        super().__init__(world, index)
        self._era = world

    def broadcast(self, message: ConsensusMessage) -> None:
        """Add a certificate of the epoch before."""
        super().broadcast(message)
        earlier = self._era.earlier
        if earlier is None or not earlier.certificates or self.state is None:
            return
        self.accuse()
        found = self.world.rng.choice(earlier.certificates)
        super().broadcast(found)
        for view in (subject_of(found).view, View(self.state.view)):
            super().broadcast(self._relabelled(found, view))

    def _relabelled(self, found: Certificate, view: View) -> Certificate:
        epoch = self.world.validators.epoch
        if isinstance(found, Nullification):
            return replace(found, round=Round(epoch, view))
        return replace(found, proposal=replace(found.proposal, epoch=epoch, view=view))
