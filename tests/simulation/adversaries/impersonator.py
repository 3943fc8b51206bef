"""Votes in the name of others."""

from dataclasses import replace

from consensus.messages import ConsensusMessage
from ledger.types import ValidatorIndex
from ledger.votes import Finalize, Notarize, Nullify
from tests.simulation.adversaries.base import Byzantine


class Impersonator(Byzantine):
    """Puts another validator's name under each vote it sends."""

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send the vote twice: once as its own, once as somebody else's."""
        super().broadcast(message)
        if isinstance(message, (Notarize, Nullify, Finalize)):
            self.accuse()
            victim = ValidatorIndex(self.world.rng.choice(self.world.others(self.index)))
            super().broadcast(replace(message, signer=victim))
