"""A proof cut into calls of the contract, each short enough for one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    source
        What the calls were cut from.
    """

    statement_digest: bytes
    session_id: bytes
    calls: tuple[Call, ...]
    source: Source

    def remaining(self, is_begun: bool, tables: int, queries: int) -> tuple[Call, ...]:
        """Calls that are left when so much is done.

        Where somebody else's calls left off inside of one of these, others take their place.
        """
        done = {Step.BEGIN: int(is_begun), Step.EVALUATE: tables, Step.QUERY: queries}
        starts = {(call.step, call.first) for call in self.calls}
        ends = {(call.step, call.first + call.count) for call in self.calls}
        is_between = all(place in starts | ends for place in done.items())
        calls = self.calls if is_between else self.source.calls(tables, queries)
        return tuple(call for call in calls if call.first >= done[call.step])


@dataclass(frozen=True, slots=True)
class Source:
    """What calls are cut from, and how long they may be."""

    key: VerifyingKey
    encoded: bytes = field(repr=False)
    public_values: tuple[int, ...]
    most_bytes: int

    def session(self, queries_done: int = 0) -> Session:
        """All calls."""
        proof = read(self.key, self.encoded)
        ids = self._ids(proof)
        return Session(ids[0], session_id(*ids), self.calls(0, queries_done), self)

    def calls(self, tables_done: int, queries_done: int) -> tuple[Call, ...]:
        """Calls that go on where so many tables and queries are checked; `begin` is among them."""
        proof = read(self.key, self.encoded)
        ids = self._ids(proof)
        digest, _, opened_hash = ids
        ordered = places(proof, self.public_values)
        return (
            Call(Step.BEGIN, 0, 1, call_data("begin", digest, proof.header, opened_hash)),
            *_evaluations(proof, digest, tables_done, self.most_bytes),
            *_queries(proof, ids, ordered, queries_done, self.most_bytes),
        )

    def _ids(self, proof: RawProof) -> tuple[bytes, bytes, bytes]:
        digest = statement_digest(self.public_values)
        return digest, keccak(proof.header), keccak(proof.opened)


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
    return Source(key, encoded, tuple(public_values), most_bytes).session(queries_done)


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


def _evaluations(proof: RawProof, digest: bytes, first: int, most_bytes: int) -> list[Call]:
    calls = []
    tables = _program_bytes(proof)
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
