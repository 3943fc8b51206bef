"""One validator on the bench, and the keys of all the others to talk to it with."""

import hashlib
from collections.abc import Iterable

from consensus import (
    ConsensusConfig,
    ConsensusMessage,
    Effect,
    Event,
    MessageReceived,
    PayloadChecked,
    ProposalBuilt,
    Record,
    Start,
    Tick,
    initial_state,
    step,
)
from ledger.signers import pack_signers
from ledger.types import Digest, ValidatorIndex, View, quorum
from ledger.votes import (
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Proposal,
    Round,
    signed_message,
)
from tests.simulation.keys import KeyedHashValidators

DELTA_MS = 100


class Bench:
    """Steps one validator by hand.

    The epoch is 0, so of four validators 1 leads view 1, 2 view 2, 3 view 3, 0 view 4.
    """

    def __init__(self, index: int = 0, count: int = 4) -> None:
        self.validators = KeyedHashValidators(count)
        self.config = ConsensusConfig(
            index=ValidatorIndex(index),
            validators=self.validators,
            sign=self.validators.signer(ValidatorIndex(index)),
            delta_ms=DELTA_MS,
        )
        self.state = initial_state(self.config)
        self.now_ms = 0
        self.effects: list[Effect] = []

    # EVENTS

    def step(self, event: Event) -> list[Effect]:
        """One event; the effects are also kept in ``effects``."""
        self.state, effects = step(self.state, event, self.now_ms)
        self.effects.extend(effects)
        return effects

    def start(self, *records: Record) -> list[Effect]:
        """The first event."""
        return self.step(Start(records))

    def hear(self, peer: int, message: ConsensusMessage) -> list[Effect]:
        """A message from a peer."""
        return self.step(MessageReceived(ValidatorIndex(peer), message))

    def verdict(self, proposal: Proposal, is_valid: bool = True) -> list[Effect]:
        """The shell has checked a payload."""
        return self.step(PayloadChecked(proposal.view, proposal.payload, is_valid))

    def built(self, proposal: Proposal) -> list[Effect]:
        """The shell has built a payload."""
        return self.step(ProposalBuilt(proposal.view, proposal.payload))

    def wait(self, milliseconds: int) -> list[Effect]:
        """Time passes, then the timer fires."""
        self.now_ms += milliseconds
        return self.step(Tick())

    def accept(self, proposal: Proposal) -> list[Effect]:
        """The leader proposes, and the payload is fine."""
        leader = self.config.leader_of(proposal.view)
        return self.hear(leader, self.notarize(leader, proposal)) + self.verdict(proposal)

    # WHAT TO SAY

    def proposal(self, view: int, parent: int | None = None, salt: str = "") -> Proposal:
        """A proposal, by default on the view before."""
        payload = Digest(hashlib.sha256(f"{view} {salt}".encode()).digest())
        parent_view = View(view - 1 if parent is None else parent)
        return Proposal(self.validators.epoch, View(view), parent_view, payload)

    def notarize(self, signer: int, proposal: Proposal) -> Notarize:
        """A genuine vote."""
        index = ValidatorIndex(signer)
        message = signed_message(Notarize, self.validators.digest, proposal)
        return Notarize(proposal, index, self.validators.signer(index)(message))

    def finalize(self, signer: int, proposal: Proposal) -> Finalize:
        """A genuine vote."""
        index = ValidatorIndex(signer)
        message = signed_message(Finalize, self.validators.digest, proposal)
        return Finalize(proposal, index, self.validators.signer(index)(message))

    def nullify(self, signer: int, view: int) -> Nullify:
        """A genuine vote."""
        index = ValidatorIndex(signer)
        subject = Round(self.validators.epoch, View(view))
        message = signed_message(Nullify, self.validators.digest, subject)
        return Nullify(subject, index, self.validators.signer(index)(message))

    def notarization(self, proposal: Proposal, signers: Iterable[int] = ()) -> Notarization:
        """A genuine certificate, by default of the last 2f+1 validators."""
        votes = [self.notarize(signer, proposal) for signer in self._signers(signers)]
        return Notarization(
            proposal,
            pack_signers(vote.signer for vote in votes),
            tuple(vote.signature for vote in votes),
        )

    def nullification(self, view: int, signers: Iterable[int] = ()) -> Nullification:
        """A genuine certificate, by default of the last 2f+1 validators."""
        votes = [self.nullify(signer, view) for signer in self._signers(signers)]
        return Nullification(
            votes[0].round,
            pack_signers(vote.signer for vote in votes),
            tuple(vote.signature for vote in votes),
        )

    def finalization(self, proposal: Proposal, signers: Iterable[int] = ()) -> Finalization:
        """A genuine certificate, by default of the last 2f+1 validators."""
        votes = [self.finalize(signer, proposal) for signer in self._signers(signers)]
        return Finalization(
            proposal,
            pack_signers(vote.signer for vote in votes),
            tuple(vote.signature for vote in votes),
        )

    def _signers(self, signers: Iterable[int]) -> list[int]:
        count = self.validators.count
        return sorted(signers) or list(range(count - quorum(count), count))
