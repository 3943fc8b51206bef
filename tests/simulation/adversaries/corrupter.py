"""Proposes payloads that are not valid."""

from consensus import Effect, ProposalBuilt, RequestProposal
from tests.simulation.adversaries.base import Byzantine
from tests.simulation.payload import make_payload


class Corrupter(Byzantine):
    """A leader whose payloads fail the check, and that votes for them all the same."""

    def perform(self, effect: Effect) -> None:
        """Build an unsound payload, or one with a wrong parent."""
        if not isinstance(effect, RequestProposal):
            super().perform(effect)
            return
        self.accuse()
        is_sound = self.world.rng.random() < 0.5
        parent = self.world.validators.digest if is_sound else effect.parent_payload
        if is_sound and parent == effect.parent_payload:
            is_sound = False
        salt = self.world.rng.getrandbits(32)
        payload = make_payload(effect.view, parent, self.index, salt, is_sound)
        self.store[payload.digest] = payload
        built = ProposalBuilt(effect.view, payload.digest)
        self.world.scheduler.after(0, self.run, built)
