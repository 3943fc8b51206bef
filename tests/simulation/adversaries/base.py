"""What all adversaries share: an honest core, whose words each adversary twists."""

from consensus import Effect, EvidenceFound, Finalized, PeerFault
from consensus.messages import ConsensusMessage
from ledger.types import Digest
from ledger.votes import Finalize, Notarize, Nullify, Proposal, Round, signed_message
from tests.simulation.node import Node
from tests.simulation.payload import Payload, make_payload


class Byzantine(Node):
    """A validator under the adversary's control; the checker does not listen to it."""

    def on_boot(self) -> None:
        """Nobody listens."""

    def perform(self, effect: Effect) -> None:
        """As an honest validator, but report nothing."""
        if not isinstance(effect, (EvidenceFound, PeerFault, Finalized)):
            super().perform(effect)

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send to all others."""
        for peer in self.world.others(self.index):
            self.transmit(peer, message)

    def send(self, peer: int, message: ConsensusMessage) -> None:
        """Send to one."""
        self.transmit(peer, message)

    def is_own_proposal(self, message: ConsensusMessage) -> bool:
        """Whether the message is this validator's notarize vote in a view that it leads."""
        return (
            isinstance(message, Notarize)
            and message.signer == self.index
            and self.config.leader_of(message.proposal.view) == self.index
        )

    # VOTES THAT THE PROTOCOL DOES NOT ALLOW

    def notarize(self, proposal: Proposal) -> Notarize:
        """A genuine notarize vote for anything."""
        message = signed_message(Notarize, self.world.validators.digest, proposal)
        return Notarize(proposal, self.index, self.config.sign(message))

    def finalize(self, proposal: Proposal) -> Finalize:
        """A genuine finalize vote for anything."""
        message = signed_message(Finalize, self.world.validators.digest, proposal)
        return Finalize(proposal, self.index, self.config.sign(message))

    def nullify(self, subject: Round) -> Nullify:
        """A genuine nullify vote for any view."""
        message = signed_message(Nullify, self.world.validators.digest, subject)
        return Nullify(subject, self.index, self.config.sign(message))

    def another_payload(self, proposal: Proposal, parent: Digest) -> Payload:
        """A payload that competes with the proposed one."""
        payload = make_payload(proposal.view, parent, self.index, self.world.rng.getrandbits(32))
        self.store[payload.digest] = payload
        return payload

    def accuse(self) -> None:
        """Count one misdeed."""
        self.world.faults[type(self).__name__.lower()] += 1
