"""Signer bitmaps: bit ``i`` (least significant first) stands for validator ``i``."""

from collections.abc import Iterable

from ledger.errors import InvalidSigners, QuorumNotReached
from ledger.types import ValidatorIndex, quorum


def pack_signers(signers: Iterable[ValidatorIndex]) -> bytes:
    """Shortest bitmap of a set of validators."""
    bits = 0
    for signer in signers:
        bits |= 1 << signer
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def unpack_signers(bitmap: bytes, validator_count: int) -> tuple[ValidatorIndex, ...]:
    """Validators of a bitmap, ascending.

    Raises
    ------
    InvalidSigners
        If the bitmap is not the shortest one or names a validator that does not exist.
    """
    if bitmap and bitmap[-1] == 0:
        raise InvalidSigners("the signer bitmap has a trailing zero byte")
    bits = int.from_bytes(bitmap, "little")
    if bits >> validator_count:
        raise InvalidSigners(f"a signer beyond the {validator_count} validators")
    return tuple(ValidatorIndex(index) for index in range(bits.bit_length()) if bits >> index & 1)


def unpack_quorum(bitmap: bytes, validator_count: int) -> tuple[ValidatorIndex, ...]:
    """Like :func:`unpack_signers`, and at least a quorum of them.

    Raises
    ------
    QuorumNotReached
        If there are fewer.
    """
    signers = unpack_signers(bitmap, validator_count)
    needed = quorum(validator_count)
    if len(signers) < needed:
        raise QuorumNotReached(len(signers), needed)
    return signers
