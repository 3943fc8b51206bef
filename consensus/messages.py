"""What validators say to each other, and what a validator writes down."""

from typing import Annotated, Final, cast

from ledger.bounds import AtMost, Exactly
from ledger.codec import decode, wire
from ledger.types import EpochField, View, ViewField
from ledger.votes import (
    Certificate,
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Round,
    Vote,
    subject_of,
)

MAX_VIEWS_PER_REQUEST: Final = 32
MAX_CERTIFICATES_PER_RESPONSE: Final = 64
MAX_MESSAGE_BYTES: Final = 2 * 1024 * 1024
CHALLENGE_BYTES: Final = 16

CertificateField = Notarization | Nullification | Finalization
ChallengeField = Annotated[bytes, Exactly(CHALLENGE_BYTES)]


@wire(50)
class CertificateRequest:
    """Ask for all certificates of some views, and for a finalization above ``finalized``."""

    epoch: EpochField
    finalized: ViewField
    views: Annotated[tuple[ViewField, ...], AtMost(MAX_VIEWS_PER_REQUEST)]


@wire(51)
class CertificateResponse:
    """As many of the certificates asked for as the sender holds and the bound allows."""

    certificates: Annotated[tuple[CertificateField, ...], AtMost(MAX_CERTIFICATES_PER_RESPONSE)]


@wire(52)
class ViewRequest:
    """Ask in which view a validator is. The challenge, drawn anew, tells old answers from new."""

    epoch: EpochField
    challenge: ChallengeField


@wire(53)
class ViewResponse:
    """What ended the view before the one that the sender is in; nothing in the first view."""

    epoch: EpochField
    challenge: ChallengeField
    certificates: Annotated[tuple[CertificateField, ...], AtMost(1)]


@wire(54)
class VotesFrom:
    """Journal only: this validator's votes in the views from this one on are all in the journal."""

    round: Round


ConsensusMessage = (
    Vote | Certificate | CertificateRequest | CertificateResponse | ViewRequest | ViewResponse
)
Record = Vote | Certificate | VotesFrom

_VOTES_AND_CERTIFICATES = (
    Notarize,
    Nullify,
    Finalize,
    Notarization,
    Nullification,
    Finalization,
)


def open_message(raw: bytes) -> ConsensusMessage:
    """Decode a message from a peer.

    Raises
    ------
    CodecError
        If the bytes are not the canonical encoding of a consensus message.
    """
    message = decode(
        raw,
        *_VOTES_AND_CERTIFICATES,
        CertificateRequest,
        CertificateResponse,
        ViewRequest,
        ViewResponse,
        limit_bytes=MAX_MESSAGE_BYTES,
    )
    return cast(ConsensusMessage, message)


def open_record(raw: bytes) -> Record:
    """Decode one record of the own journal.

    Raises
    ------
    CodecError
        If the bytes are not the canonical encoding of a record.
    """
    record = decode(raw, *_VOTES_AND_CERTIFICATES, VotesFrom, limit_bytes=MAX_MESSAGE_BYTES)
    return cast(Record, record)


def view_of(record: Record) -> View:
    """The view that a record of the journal is about."""
    return record.round.view if isinstance(record, VotesFrom) else subject_of(record).view
