"""Between epochs: which epoch a message belongs to (rule 16)."""

from consensus.messages import (
    CertificateRequest,
    CertificateResponse,
    ConsensusMessage,
    Record,
    ViewRequest,
    ViewResponse,
    VotesFrom,
)
from ledger.types import Epoch
from ledger.votes import subject_of


def epoch_of(message: ConsensusMessage) -> Epoch | None:
    """Epoch in which a message was said; None if it does not say, as an empty response."""
    if isinstance(message, (CertificateRequest, ViewRequest, ViewResponse)):
        return message.epoch
    if isinstance(message, CertificateResponse):
        certificates = message.certificates
        return subject_of(certificates[0]).epoch if certificates else None
    return subject_of(message).epoch


def epoch_of_record(record: Record) -> Epoch:
    """Epoch that a record of the journal is about."""
    return record.round.epoch if isinstance(record, VotesFrom) else subject_of(record).epoch
