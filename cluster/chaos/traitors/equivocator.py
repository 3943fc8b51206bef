"""Proposes one payload to some validators and another one to the rest."""

from collections.abc import Iterable
from dataclasses import replace

from cluster.chaos.traitors.base import Traitor
from consensus.messages import ConsensusMessage
from ledger.block import LedgerBlock, SealedBlock, seal
from ledger.types import Digest, TimestampMs, View
from ledger.votes import Notarize

MAX_REMEMBERED = 16


class Equivocator(Traitor):
    """A leader with two faces, both of them valid, and a vote for each."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        self._second: dict[Digest, SealedBlock] = {}
        self._audience: dict[View, frozenset[int]] = {}

    def shows(self, peer: int, block: SealedBlock, *, is_answer: bool) -> Iterable[bytes]:
        """The first payload, or the second; who asks for one gets the one asked for."""
        is_proposal = not is_answer and block.header.proposer == self.index
        if not is_proposal:
            return (block.encoded,)
        second = self._second_of(block)
        is_fooled = peer in self._fooled(block.header.view)
        return (second.encoded if is_fooled else block.encoded,)

    def tells(self, peer: int, message: ConsensusMessage) -> Iterable[ConsensusMessage]:
        """The vote that goes with the payload that the peer has got."""
        is_about_own = isinstance(message, Notarize) and message.signer == self.index
        if not isinstance(message, Notarize) or not is_about_own:
            return (message,)
        second = self._second.get(message.proposal.payload)
        if second is None or peer not in self._fooled(message.proposal.view):
            return (message,)
        return (self.notarize(replace(message.proposal, payload=second.digest)),)

    def _second_of(self, block: SealedBlock) -> SealedBlock:
        """As valid as the first: a millisecond later."""
        known = self._second.get(block.digest)
        if known is not None:
            return known
        later = TimestampMs(block.header.timestamp_ms + 1)
        header = replace(block.header, timestamp_ms=later)
        second = self._second[block.digest] = seal(LedgerBlock(header, block.body))
        if len(self._second) > MAX_REMEMBERED:
            del self._second[next(iter(self._second))]
        self.deeds["two proposals in one view"] += 1
        return second

    def _fooled(self, view: View) -> frozenset[int]:
        """Some of the others, and never all of them."""
        if view not in self._audience:
            peers = self.mouth.peers
            count = self.random.randint(1, len(peers) - 1)
            self._audience[view] = frozenset(self.random.sample(peers, count))
            if len(self._audience) > MAX_REMEMBERED:
                del self._audience[next(iter(self._audience))]
        return self._audience[view]
