"""Votes for two proposals of a view, both times."""

from dataclasses import replace

from consensus.messages import ConsensusMessage
from ledger.types import Digest
from ledger.votes import Finalize, Notarize
from tests.simulation.adversaries.base import Byzantine


class Conflicter(Byzantine):
    """Adds to each notarize and finalize vote one for a payload of its own invention."""

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send the vote and its contradiction, in either order."""
        messages = [message]
        if isinstance(message, (Notarize, Finalize)) and message.signer == self.index:
            self.accuse()
            invented = Digest(self.world.rng.randbytes(32))
            proposal = replace(message.proposal, payload=invented)
            is_notarize = isinstance(message, Notarize)
            messages.append(self.notarize(proposal) if is_notarize else self.finalize(proposal))
        self.world.rng.shuffle(messages)
        for said in messages:
            super().broadcast(said)
