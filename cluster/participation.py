"""Who took part in a final block."""

from typing import Any

from ledger.signers import unpack_signers
from ledger.types import MAX_VALIDATORS


def participants(block: dict[str, Any]) -> set[int]:
    """Who proposed a final block, or signed the certificate that covers it."""
    found = {int(block["header"]["proposer"])}
    certificate = block["finalization"]
    if certificate is not None:
        bitmap = bytes.fromhex(certificate["signers"].removeprefix("0x"))
        found.update(unpack_signers(bitmap, MAX_VALIDATORS))
    return found
