"""Votes of one kind in one view, counted before they are verified (rule 12)."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ledger.types import ValidatorIndex
from ledger.votes import Finalize, Notarize, Nullify, Proposal, Round, subject_of

VoteT = TypeVar("VoteT", Notarize, Nullify, Finalize)


@dataclass(slots=True)
class Tally(Generic[VoteT]):
    """At most one vote per validator: the first that it sent here.

    ``verified`` names the validators whose vote has a checked signature.
    """

    votes: dict[ValidatorIndex, VoteT] = field(default_factory=dict)
    verified: set[ValidatorIndex] = field(default_factory=set)
    counts: dict[Proposal | Round, int] = field(default_factory=dict)

    def put(self, vote: VoteT, *, is_verified: bool) -> None:
        """Hold this vote, in place of an earlier one of its signer."""
        self.drop(vote.signer)
        self.votes[vote.signer] = vote
        subject = subject_of(vote)
        self.counts[subject] = self.counts.get(subject, 0) + 1
        if is_verified:
            self.verified.add(vote.signer)

    def drop(self, signer: ValidatorIndex) -> None:
        """Forget the vote of a validator, if there is one."""
        vote = self.votes.pop(signer, None)
        if vote is None:
            return
        self.verified.discard(signer)
        subject = subject_of(vote)
        self.counts[subject] -= 1
        if self.counts[subject] == 0:
            del self.counts[subject]

    def supporters(self, subject: Proposal | Round) -> list[VoteT]:
        """Votes for a subject, those with a checked signature first, then by signer."""
        votes = [vote for vote in self.votes.values() if subject_of(vote) == subject]
        return sorted(votes, key=lambda vote: (vote.signer not in self.verified, vote.signer))
