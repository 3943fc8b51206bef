"""Payloads and the packets that carry them beside the votes."""

import hashlib
from dataclasses import dataclass

from ledger.types import Digest, ValidatorIndex, View


@dataclass(frozen=True, slots=True)
class Payload:
    """What stands for a block: enough to check parents and validity.

    ``is_last`` stands for what the ledger's rules say of the last block of an epoch.
    """

    view: View
    parent: Digest
    proposer: ValidatorIndex
    salt: int
    is_sound: bool
    digest: Digest
    is_last: bool = False


def make_payload(
    view: View,
    parent: Digest,
    proposer: ValidatorIndex,
    salt: int = 0,
    is_sound: bool = True,
    is_last: bool = False,
) -> Payload:
    """Make a payload; its digest covers all of it."""
    mark = "last " if is_last else ""
    content = f"{view} {proposer} {salt} {is_sound} {mark}".encode() + parent
    digest = Digest(hashlib.sha256(content).digest())
    return Payload(view, parent, proposer, salt, is_sound, digest, is_last)


@dataclass(frozen=True, slots=True)
class PayloadPacket:
    """A payload on its way."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class PayloadWanted:
    """A request for a payload by digest."""

    digest: Digest
