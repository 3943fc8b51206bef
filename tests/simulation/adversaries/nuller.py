"""Nullifies and finalizes each view that it votes in."""

from consensus.messages import ConsensusMessage
from ledger.votes import Notarize, Round
from tests.simulation.adversaries.base import Byzantine


class Nuller(Byzantine):
    """Adds to each notarize vote a nullify and a finalize vote."""

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send all three."""
        super().broadcast(message)
        if isinstance(message, Notarize) and message.signer == self.index:
            self.accuse()
            super().broadcast(self.nullify(Round(message.proposal.epoch, message.proposal.view)))
            super().broadcast(self.finalize(message.proposal))
