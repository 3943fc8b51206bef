"""Votes and certificates that nobody signed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from actors.transport.channels import POLICIES
from actors.transport.interface import Channel
from cluster.chaos.traitors.base import Traitor
from consensus.messages import ConsensusMessage
from ledger.signers import pack_signers
from ledger.types import MAX_VALIDATORS, Ed25519Signature, Epoch, ValidatorIndex
from ledger.votes import Finalization, Finalize, Notarization, Notarize, Nullification, Nullify

WRONG_EPOCH: Final = Epoch(7)


class Forger(Traitor):
    """Adds forgeries to each of its votes.

    Parameters
    ----------
    is_loud
        Sends also, once to each peer, a message that is longer than its channel allows; that costs
        the connection.
    """

    def __init__(self, seed: int = 1, *, is_loud: bool = False) -> None:
        super().__init__(seed)
        self._shouted_at: set[int] = set()
        self._is_loud = is_loud

    def tells(self, peer: int, message: ConsensusMessage) -> Iterable[ConsensusMessage]:
        """The vote in several false forms, and certificates out of nothing."""
        if self._is_loud and peer not in self._shouted_at:
            self._shouted_at.add(peer)
            self.deeds["message past its channel's limit"] += 1
            limit = POLICIES[Channel.CONSENSUS].maximum_message_bytes
            self.mouth.shove(peer, Channel.CONSENSUS, bytes(limit + 1))
        if isinstance(message, (Notarize, Finalize)) and message.signer == self.index:
            return self._forgeries_of_a_proposal(message)
        if isinstance(message, Nullify) and message.signer == self.index:
            return self._forgeries_of_a_nullify(message)
        return (message,)

    def _forgeries_of_a_proposal(self, vote: Notarize | Finalize) -> list[ConsensusMessage]:
        self.deeds["forged votes and certificates"] += 1
        other = replace(vote.proposal, payload=self.invented_digest())
        return [
            # Two that contradict each other: with genuine signatures they would convict.
            replace(vote, proposal=other, signature=self._nobodys()),
            replace(vote, signer=self._somebody_else()),
            replace(vote, proposal=replace(vote.proposal, epoch=WRONG_EPOCH)),
            replace(vote, signer=ValidatorIndex(MAX_VALIDATORS - 1)),
            Notarization(other, self._all(), self._signatures(self._count)),
            Finalization(other, self._all(), self._signatures(self._count)),
            Finalization(other, pack_signers([ValidatorIndex(0)]), self._signatures(1)),
            Notarization(other, b"\xff" * (MAX_VALIDATORS // 8), self._signatures(MAX_VALIDATORS)),
            vote,
        ]

    def _forgeries_of_a_nullify(self, vote: Nullify) -> list[ConsensusMessage]:
        self.deeds["forged votes and certificates"] += 1
        return [
            replace(vote, signer=self._somebody_else()),
            replace(vote, round=replace(vote.round, epoch=WRONG_EPOCH)),
            Nullification(vote.round, self._all(), self._signatures(self._count)),
            vote,
        ]

    @property
    def _count(self) -> int:
        return self.node.validators.count

    def _somebody_else(self) -> ValidatorIndex:
        return ValidatorIndex(self.random.choice(self.mouth.peers))

    def _all(self) -> bytes:
        return pack_signers(ValidatorIndex(index) for index in range(self._count))

    def _nobodys(self) -> Ed25519Signature:
        return Ed25519Signature(self.random.randbytes(64))

    def _signatures(self, count: int) -> tuple[Ed25519Signature, ...]:
        return tuple(self._nobodys() for _ in range(count))
