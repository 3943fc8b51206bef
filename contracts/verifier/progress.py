"""How far a session is, as the contract says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from contracts.verifier.errors import SessionError
from ledger.hashing import keccak

_ZERO_ADDRESS: Final = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Progress:
    """What is done of a session.

    Attributes
    ----------
    tables, queries
        How many of them are checked.
    is_evaluated
        Whether all tables are, so that queries can be.
    """

    is_begun: bool
    tables: int
    is_evaluated: bool
    queries: int


def progress_call(session_id: bytes) -> bytes:
    """Call data that asks for a session."""
    return keccak(b"sessions(bytes32)")[:4] + session_id


def read_progress(output: bytes) -> Progress:
    """Read the answer.

    Raises
    ------
    SessionError
        It is none.
    """
    try:
        tables, queries, is_begun, context = decode(["uint32", "uint32", "bool", "address"], output)
    except DecodingError as error:
        raise SessionError(f"{len(output)} bytes say nothing about a session") from error
    return Progress(is_begun, tables, context != _ZERO_ADDRESS, queries)


def is_verified_call(statement_digest: bytes) -> bytes:
    """Call data that asks whether a statement was proved."""
    return keccak(b"isVerified(bytes32)")[:4] + statement_digest
