"""Votes like everybody, but never proposes."""

from consensus import Effect, RequestProposal
from tests.simulation.adversaries.base import Byzantine


class Silent(Byzantine):
    """A leader that lets its views time out."""

    def perform(self, effect: Effect) -> None:
        """Do not build."""
        if isinstance(effect, RequestProposal):
            self.accuse()
        else:
            super().perform(effect)
