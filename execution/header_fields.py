"""What can be read from an Ethereum header that came from outside."""

from dataclasses import dataclass
from typing import Final

from execution._strict_rlp import RlpError, decode_fields
from execution.errors import MalformedHeaderError
from execution.types import Hash32

_PARENT_HASH: Final = 0
_STATE_ROOT: Final = 3
_NUMBER: Final = 8


@dataclass(frozen=True, slots=True)
class HeaderFields:
    """The fields that tie a header to its parent and to a state."""

    parent_hash: Hash32
    state_root: Hash32
    number: int


def header_fields(header_rlp: bytes) -> HeaderFields:
    """Read a header.

    Raises
    ------
    MalformedHeaderError
        If the bytes are no header.
    """
    try:
        fields, _ = decode_fields(header_rlp)
    except RlpError as error:
        raise MalformedHeaderError(str(error)) from error
    if len(fields) <= _NUMBER:
        raise MalformedHeaderError(f"expected a header, got {len(fields)} fields")
    parent_hash, state_root, number = fields[_PARENT_HASH], fields[_STATE_ROOT], fields[_NUMBER]
    is_header = (
        isinstance(parent_hash, bytes)
        and isinstance(state_root, bytes)
        and isinstance(number, bytes)
        and len(parent_hash) == len(state_root) == 32
        and len(number) <= 8
    )
    if not is_header:
        raise MalformedHeaderError("a field of the header has another length")
    assert isinstance(parent_hash, bytes)
    assert isinstance(state_root, bytes)
    assert isinstance(number, bytes)
    return HeaderFields(Hash32(parent_hash), Hash32(state_root), int.from_bytes(number, "big"))
