"""Lives in the past: old parents, votes for views long gone."""

from consensus import Effect, RequestProposal
from consensus.messages import ConsensusMessage
from ledger.types import View
from ledger.votes import Finalize, Notarize, Nullify, Proposal, Round
from tests.simulation.adversaries.base import Byzantine
from tests.simulation.payload import make_payload


class Outdated(Byzantine):
    """A leader that builds on old payloads, and a voter that votes in old views again."""

    def perform(self, effect: Effect) -> None:
        """Propose on an earlier payload, most often on the parent of the right one."""
        if not isinstance(effect, RequestProposal):
            super().perform(effect)
            return
        self.accuse()
        known = sorted((payload.view, payload.digest) for payload in self.store.values())
        earlier = [(View(0), self.world.validators.digest), *known]
        is_recent = self.world.rng.random() < 0.7
        recent = earlier[-3:-1] or earlier
        parent_view, parent = self.world.rng.choice(recent if is_recent else earlier)
        payload = make_payload(effect.view, parent, self.index, self.world.rng.getrandbits(32))
        self.store[payload.digest] = payload
        self.publish(payload)
        epoch = self.world.validators.epoch
        self.broadcast(self.notarize(Proposal(epoch, effect.view, parent_view, payload.digest)))

    def broadcast(self, message: ConsensusMessage) -> None:
        """Add a vote of the same kind for an earlier view."""
        super().broadcast(message)
        is_own_vote = isinstance(message, (Notarize, Nullify, Finalize))
        if not is_own_vote or not self.store:
            return
        old = self.world.rng.choice(sorted(self.store.values(), key=lambda one: one.digest))
        epoch = self.world.validators.epoch
        proposal = Proposal(epoch, old.view, View(max(0, old.view - 1)), old.digest)
        if isinstance(message, Notarize):
            super().broadcast(self.notarize(proposal))
        elif isinstance(message, Finalize):
            super().broadcast(self.finalize(proposal))
        else:
            super().broadcast(self.nullify(Round(epoch, old.view)))
