"""Evidence: two signed votes of one validator that an honest one never signs both of."""

from ledger.codec import wire
from ledger.errors import EvidenceError
from ledger.types import ValidatorIndex
from ledger.votes import Finalize, Notarize, Nullify, Vote, round_of, subject_of


@wire(20)
class ConflictingNotarize:
    """Two notarize votes for different proposals of one view."""

    first: Notarize
    second: Notarize


@wire(21)
class ConflictingFinalize:
    """Two finalize votes for different proposals of one view."""

    first: Finalize
    second: Finalize


@wire(22)
class NullifyFinalize:
    """A nullify and a finalize vote in one view."""

    nullify: Nullify
    finalize: Finalize


Evidence = ConflictingNotarize | ConflictingFinalize | NullifyFinalize


def votes_of(evidence: Evidence) -> tuple[Vote, Vote]:
    """The two votes, whose signatures the caller has still to check."""
    if isinstance(evidence, NullifyFinalize):
        return evidence.nullify, evidence.finalize
    return evidence.first, evidence.second


def culprit_of(evidence: Evidence) -> ValidatorIndex:
    """The validator that both votes name.

    Raises
    ------
    EvidenceError
        If the votes are of two validators or of two views, or do not contradict each other.
    """
    first, second = votes_of(evidence)
    if first.signer != second.signer:
        raise EvidenceError(f"votes of two validators: {first.signer} and {second.signer}")
    subjects = subject_of(first), subject_of(second)
    if subjects[0] == subjects[1]:
        raise EvidenceError("two votes for one proposal")
    if round_of(first) != round_of(second):
        raise EvidenceError(f"votes in two views: {subjects[0].view} and {subjects[1].view}")
    return first.signer
