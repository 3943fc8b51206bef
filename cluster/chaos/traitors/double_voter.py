"""Votes twice where an honest validator votes once."""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from cluster.chaos.traitors.base import Traitor
from consensus.messages import ConsensusMessage
from ledger.votes import Finalize, Notarize, Round


class Contradiction(StrEnum):
    """Which two votes: the three kinds of evidence."""

    NOTARIZE = "ConflictingNotarize"
    FINALIZE = "ConflictingFinalize"
    NULLIFY_FINALIZE = "NullifyFinalize"


class DoubleVoter(Traitor):
    """Adds to its votes what contradicts them."""

    def __init__(self, kind: Contradiction, seed: int = 1) -> None:
        super().__init__(seed)
        self.kind = kind

    def tells(self, peer: int, message: ConsensusMessage) -> Iterable[ConsensusMessage]:
        """The vote, and its contradiction, in either order."""
        said = [message, *self._contradictions(message)]
        self.deeds[self.kind.value] += len(said) - 1
        self.random.shuffle(said)
        return said

    def _contradictions(self, message: ConsensusMessage) -> list[ConsensusMessage]:
        if not self.is_own_vote(message):
            return []
        if self.kind is Contradiction.NOTARIZE and isinstance(message, Notarize):
            return [self.notarize(replace(message.proposal, payload=self.invented_digest()))]
        if self.kind is Contradiction.FINALIZE and isinstance(message, Finalize):
            return [self.finalize(replace(message.proposal, payload=self.invented_digest()))]
        if self.kind is Contradiction.NULLIFY_FINALIZE and isinstance(message, Finalize):
            return [self.nullify(Round(message.proposal.epoch, message.proposal.view))]
        return []
