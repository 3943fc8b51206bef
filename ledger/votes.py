"""Votes of Simplex and the certificates that a quorum of them makes.

A vote's signature covers the domain of its kind, the digest of the genesis and
the content, so that it counts for nothing in another network or phase.
Certificates are a signer bitmap with the signatures in ascending order of
signers: attributable, so that misbehaviour has a name.
"""

from typing import Annotated

from ledger.bounds import AtMost
from ledger.codec import encode, wire
from ledger.hashing import Domain, domain_prefix
from ledger.types import (
    MAX_VALIDATORS,
    Digest,
    DigestField,
    Ed25519SignatureField,
    EpochField,
    SignerBitmapField,
    ValidatorIndexField,
    ViewField,
)

SignaturesField = Annotated[tuple[Ed25519SignatureField, ...], AtMost(MAX_VALIDATORS)]


@wire(1)
class Proposal:
    """What a leader puts to the vote: a payload on top of an earlier view's payload."""

    epoch: EpochField
    view: ViewField
    parent_view: ViewField
    payload: DigestField


@wire(2)
class Round:
    """One view of one epoch: what a nullify vote is about."""

    epoch: EpochField
    view: ViewField


@wire(3)
class Notarize:
    """A vote that the proposal is valid and the first of its view."""

    proposal: Proposal
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


@wire(4)
class Nullify:
    """A vote to skip a view."""

    round: Round
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


@wire(5)
class Finalize:
    """A vote that the proposal is notarized and that the signer never nullified its view."""

    proposal: Proposal
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


@wire(6)
class Notarization:
    """A quorum of notarize votes."""

    proposal: Proposal
    signers: SignerBitmapField
    signatures: SignaturesField


@wire(7)
class Nullification:
    """A quorum of nullify votes."""

    round: Round
    signers: SignerBitmapField
    signatures: SignaturesField


@wire(8)
class Finalization:
    """A quorum of finalize votes: the payload and all its ancestors are final."""

    proposal: Proposal
    signers: SignerBitmapField
    signatures: SignaturesField


Vote = Notarize | Nullify | Finalize
Certificate = Notarization | Nullification | Finalization

_DOMAINS: dict[type, Domain] = {
    Notarize: Domain.NOTARIZE,
    Notarization: Domain.NOTARIZE,
    Nullify: Domain.NULLIFY,
    Nullification: Domain.NULLIFY,
    Finalize: Domain.FINALIZE,
    Finalization: Domain.FINALIZE,
}


def signed_message(
    kind: type[Vote] | type[Certificate], genesis: Digest, subject: Proposal | Round
) -> bytes:
    """The bytes that a vote of this kind, or each vote in such a certificate, signs."""
    return domain_prefix(_DOMAINS[kind]) + genesis + encode(subject)


def subject_of(vote: Vote | Certificate) -> Proposal | Round:
    """What is voted on."""
    if isinstance(vote, (Nullify, Nullification)):
        return vote.round
    return vote.proposal


def round_of(vote: Vote | Certificate) -> Round:
    """Epoch and view that are voted on."""
    subject = subject_of(vote)
    return Round(subject.epoch, subject.view)
