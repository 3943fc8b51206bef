"""A final block, ready for JSON."""

from typing import Any

from actors.validator.archive import Archive
from ledger.codec import to_plain


def plain_block(archive: Archive, height: int) -> dict[str, Any] | None:
    """Final block at a height, with the certificate that covers it; None where there is none."""
    sealed = archive.block(height)
    if sealed is None:
        return None
    certificate = archive.certificate_from(sealed.header.epoch, sealed.header.view)
    body = sealed.body
    return {
        "digest": "0x" + sealed.digest.hex(),
        "header": to_plain(sealed.header),
        "transactions": ["0x" + raw.hex() for raw in body.transactions],
        "checkpoints": [to_plain(checkpoint) for checkpoint in body.checkpoints],
        "evidence": [to_plain(evidence) for evidence in body.evidence],
        "operator_votes": [to_plain(vote) for vote in body.operator_votes],
        "l1_messages": [to_plain(message) for message in body.l1_messages],
        "finalization": None if certificate is None else to_plain(certificate),
    }
