"""A proof cut into calls of the contract, each short enough for one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from eth_abi.abi import encode

from contracts.verifier.encoding import RawProof, places, query_bytes, read
from contracts.verifier.errors import UnsplittableProofError
from contracts.verifier.programs import machine_programs
from contracts.verifier.queue import Place
from ledger.hashing import keccak
from proving.stark.keys import VerifyingKey

MOST_TRANSACTION_BYTES: Final = 128 << 10
"""What nodes relay, as raw bytes."""
MOST_CALL_BYTES: Final = MOST_TRANSACTION_BYTES - 512
"""Call data, with room for signature, fees and length prefixes."""
MOST_PROGRAM_BYTES: Final = 130_000
"""Of programs that one call runs; they take about 60 gas a byte."""

_SELECTORS: Final = {
    "begin": "begin(bytes32,bytes,bytes32)",
    "evaluate": "evaluate(bytes32,bytes,bytes,uint256,uint256)",
    "query": "query(bytes32,bytes32,bytes32,uint256,bytes)",
}


class Step(StrEnum):
    """The steps of a session, in order."""

    BEGIN = "begin"
    EVALUATE = "evaluate"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes
    ----------
    first
        How many tables or queries have to be checked before it.
    count
        How many it checks.
    """

    step: Step
    first: int
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """All calls that verify a proof, in order.

    Attributes
    ----------
    session_id
        By which the contract knows the session.
    """

    statement_digest: bytes
    session_id: bytes
    calls: tuple[Call, ...]

    def remaining(self, is_begun: bool, tables: int, queries: int) -> tuple[Call, ...]:
        """Calls that are left when so much is done.

        Calls that somebody else cut in other places may have left off inside of one of these; then
        `cut` has to be asked with `queries_done`.
        """
        done = {Step.BEGIN: int(is_begun), Step.EVALUATE: tables, Step.QUERY: queries}
        return tuple(call for call in self.calls if call.first >= done[call.step])


def cut(
    key: VerifyingKey,
    encoded: bytes,
    public_values: Sequence[int],
    most_bytes: int = MOST_CALL_BYTES,
    *,
    queries_done: int = 0,
) -> Session:
    """Cut a proof into calls.

    Parameters
    ----------
    most_bytes
        Of a call.
    queries_done
        How many queries are checked already: the calls for queries start there.

    Raises
    ------
    MalformedProof
        These are not the bytes of a proof for this key.
    UnsplittableProofError
        The opened values, or one query, are too long for a call.
    """
    proof = read(key, encoded)
    digest = statement_digest(public_values)
    header_hash, opened_hash = keccak(proof.header), keccak(proof.opened)
    calls = [
        Call(Step.BEGIN, 0, 1, call_data("begin", digest, proof.header, opened_hash)),
        *_evaluations(proof, digest, most_bytes),
    ]
    ordered = places(proof, public_values)
    ids = (digest, header_hash, opened_hash)
    calls += _queries(proof, ids, ordered, queries_done, most_bytes)
    return Session(digest, session_id(*ids), tuple(calls))


def statement_digest(public_values: Sequence[int]) -> bytes:
    """Return the digest that the contract takes for eight public values."""
    return b"".join(value.to_bytes(4, "big") for value in public_values)


def session_id(digest: bytes, header_hash: bytes, opened_hash: bytes) -> bytes:
    """Return the session's number."""
    return keccak(digest + header_hash + opened_hash)


def call_data(function: str, *arguments: Any) -> bytes:
    """Return the call data of a step."""
    signature = _SELECTORS[function]
    types = signature[len(function) + 1 : -1].split(",")
    return keccak(signature.encode())[:4] + encode(types, arguments)


def _evaluations(proof: RawProof, digest: bytes, most_bytes: int) -> list[Call]:
    calls = []
    tables = _program_bytes(proof)
    first = 0
    while first < len(tables):
        count, length = 1, tables[first]
        while first + count < len(tables) and length + tables[first + count] <= MOST_PROGRAM_BYTES:
            length += tables[first + count]
            count += 1
        data = call_data("evaluate", digest, proof.header, proof.opened, first, count)
        if len(data) > most_bytes:
            raise UnsplittableProofError("opened values", most_bytes, len(data))
        calls.append(Call(Step.EVALUATE, first, count, data))
        first += count
    return calls


def _program_bytes(proof: RawProof) -> list[int]:
    """Length of each present table's program."""
    programs = machine_programs(proof.instance.key.machine).programs
    return [
        len(program.code)
        for program, log_height in zip(programs, proof.instance.log_heights, strict=True)
        if log_height
    ]


def _queries(
    proof: RawProof,
    ids: tuple[bytes, bytes, bytes],
    ordered: Sequence[Place],
    first: int,
    most_bytes: int,
) -> list[Call]:
    overhead = len(call_data("query", *ids, 0, b"")) + 32
    calls = []
    while first < len(ordered):
        parts = [query_bytes(proof, ordered[first], None)]
        length = len(parts[0])
        if length + overhead > most_bytes:
            raise UnsplittableProofError("a query", most_bytes, length + overhead)
        for number in range(first + 1, len(ordered)):
            part = query_bytes(proof, ordered[number], ordered[number - 1])
            length += len(part)
            if length + overhead > most_bytes:
                break
            parts.append(part)
        data = call_data("query", *ids, first, b"".join(parts))
        calls.append(Call(Step.QUERY, first, len(parts), data))
        first += len(parts)
    return calls
