"""Sends votes and certificates whose signatures are wrong."""

from dataclasses import replace

from consensus.messages import ConsensusMessage
from ledger.signers import pack_signers
from ledger.types import Ed25519Signature, ValidatorIndex
from ledger.votes import Finalization, Notarization, Notarize, Nullification, Nullify
from tests.simulation.adversaries.base import Byzantine


class Forger(Byzantine):
    """Spoils half of its votes, and makes certificates out of nothing."""

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send the message, or a forgery in its place."""
        if self.world.rng.random() < 0.5:
            super().broadcast(message)
            return
        self.accuse()
        wrong = Ed25519Signature(self.world.rng.randbytes(64))
        signers = pack_signers(ValidatorIndex(index) for index in range(self.world.count))
        signatures = (wrong,) * self.world.count
        if isinstance(message, Notarize):
            super().broadcast(replace(message, signature=wrong))
            super().broadcast(Notarization(message.proposal, signers, signatures))
            super().broadcast(Finalization(message.proposal, signers, signatures))
        elif isinstance(message, Nullify):
            super().broadcast(replace(message, signature=wrong))
            super().broadcast(Nullification(message.round, signers, signatures))
        else:
            super().broadcast(message)
