"""What validators say to each other, and what a validator writes down."""

from typing import Annotated, Final, cast

from ledger.bounds import AtMost
from ledger.codec import decode, wire
from ledger.types import EpochField, ViewField
from ledger.votes import (
    Certificate,
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Vote,
)

MAX_VIEWS_PER_REQUEST: Final = 32
MAX_CERTIFICATES_PER_RESPONSE: Final = 64
MAX_MESSAGE_BYTES: Final = 2 * 1024 * 1024

CertificateField = Notarization | Nullification | Finalization


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


ConsensusMessage = Vote | Certificate | CertificateRequest | CertificateResponse
Record = Vote | Certificate

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
        limit_bytes=MAX_MESSAGE_BYTES,
    )
    return cast(ConsensusMessage, message)


def open_record(raw: bytes) -> Record:
    """Decode one record of the own journal.

    Raises
    ------
    CodecError
        If the bytes are not the canonical encoding of a vote or a certificate.
    """
    record = decode(raw, *_VOTES_AND_CERTIFICATES, limit_bytes=MAX_MESSAGE_BYTES)
    return cast(Record, record)
