"""Systematic mutation of proofs: every kind of element, each changed by itself.

Works for any machine. A mutation changes the proof's bytes, the statement or the key; the verifier
has to refuse each with a `ProofRejected`. `table` prints what was tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from proving.commitment.opening import Opening
from proving.errors import ProofRejected
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.stark.codec import MAGIC, decode, encode
from proving.stark.keys import VerifyingKey
from proving.stark.proof import OpenedValues, Proof
from proving.stark.verifier import verify

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claim:
    """All that a verifier is given."""

    key: VerifyingKey
    encoded: bytes
    public_values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A changed claim, and the kind of element that was changed."""

    kind: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class Tally:
    """How many mutations of one kind were tried, and how many of them rejected."""

    kind: str
    tried: int
    rejected: int


def is_rejected(claim: Claim) -> bool:
    """Whether the verifier refuses the claim, and with the error that it promises."""
    try:
        verify(claim.key, claim.encoded, claim.public_values)
    except ProofRejected:
        return True
    return False


def tallies(claim: Claim, per_kind: int, seed: int = 1) -> list[Tally]:
    """Try mutations of all kinds, about `per_kind` of each."""
    tried: dict[str, int] = {}
    rejected: dict[str, int] = {}
    for mutation in mutations(claim, per_kind, seed):
        tried[mutation.kind] = tried.get(mutation.kind, 0) + 1
        rejected[mutation.kind] = rejected.get(mutation.kind, 0) + is_rejected(mutation.claim)
    return [Tally(kind, count, rejected[kind]) for kind, count in tried.items()]


def table(rows: Sequence[Tally]) -> str:
    """Return the table that people read."""
    lines = [f"{'kind':<44} {'tried':>6} {'rejected':>9}"]
    lines += [f"{row.kind:<44} {row.tried:>6} {row.rejected:>9}" for row in rows]
    tried, rejected = sum(row.tried for row in rows), sum(row.rejected for row in rows)
    return "\n".join([*lines, f"{'all':<44} {tried:>6} {rejected:>9}"])


def mutations(claim: Claim, per_kind: int, seed: int = 1) -> Iterator[Mutation]:
    """All mutations; none leaves the claim as it is."""
    chance = random.Random(seed)
    for source in (_of_roots, _of_nonces, _of_sums, _of_opened_values, _of_fri, _of_queries):
        for kind, proof in source(claim, per_kind, chance):
            encoded = encode(proof)
            if encoded != claim.encoded:
                yield Mutation(kind, replace(claim, encoded=encoded))
    for kind, encoded in _of_bytes(claim, per_kind, chance):
        yield Mutation(kind, replace(claim, encoded=encoded))
    yield from _of_statements(claim, chance)


Changed = Iterator[tuple[str, Proof]]


def _of_roots(claim: Claim, per_kind: int, chance: random.Random) -> Changed:
    proof = _proof(claim)
    for _ in range(per_kind):
        yield "main root", replace(proof, main_root=_flip(proof.main_root, chance))
        yield "lookup root", replace(proof, lookup_root=_flip(proof.lookup_root, chance))
        yield "quotient root", replace(proof, quotient_root=_flip(proof.quotient_root, chance))
    yield "main root", replace(proof, main_root=proof.quotient_root)


def _of_nonces(claim: Claim, per_kind: int, chance: random.Random) -> Changed:
    proof = _proof(claim)
    for _ in range(per_kind):
        other = chance.randrange(1 << 64)
        yield "lookup nonce", replace(proof, lookup_nonce=other)
        yield "batching nonce", replace(proof, batching_nonce=other)
        yield "query nonce", replace(proof, fri=replace(proof.fri, nonce=other))


def _of_sums(claim: Claim, per_kind: int, chance: random.Random) -> Changed:
    proof = _proof(claim)
    for position in range(len(proof.sums)):
        for _ in range(-(-per_kind // len(proof.sums))):
            sums = _changed(proof.sums, position, lambda value: _other(value, chance))
            yield "claimed sum", replace(proof, sums=sums)
    if len(proof.sums) > 1:
        # the total stays the same
        first, second, *others = proof.sums
        yield "claimed sums, same total", replace(proof, sums=(first + 1, second - 1, *others))


def _of_opened_values(claim: Claim, per_kind: int, chance: random.Random) -> Changed:
    instance, proof = decode(claim.key, claim.encoded)
    for position, matrix in enumerate(instance.matrices):
        name = f"opened value of the {matrix.tree.name.lower()} tree"
        for _ in range(per_kind):
            yield (
                f"{name} at z",
                replace(
                    proof, opened=_changed(proof.opened, position, lambda o: _with_here(o, chance))
                ),
            )
            if matrix.next_columns:
                yield (
                    f"{name} at g z",
                    replace(
                        proof,
                        opened=_changed(
                            proof.opened, position, lambda o: _with_following(o, chance)
                        ),
                    ),
                )


def _of_fri(claim: Claim, per_kind: int, chance: random.Random) -> Changed:
    proof = _proof(claim)
    fri = proof.fri
    for layer in range(len(fri.layer_roots)):
        roots = _changed(fri.layer_roots, layer, lambda root: _flip(root, chance))
        yield "FRI layer root", replace(proof, fri=replace(fri, layer_roots=roots))
    for _ in range(per_kind):
        position = chance.randrange(len(fri.final_polynomial))
        final = _changed(fri.final_polynomial, position, lambda value: _other(value, chance))
        yield "FRI final polynomial", replace(proof, fri=replace(fri, final_polynomial=final))
    for kind, queries in _changed_openings(fri.queries, per_kind, chance):
        yield f"FRI {kind}", replace(proof, fri=replace(fri, queries=queries))


def _of_queries(claim: Claim, per_kind: int, chance: random.Random) -> Changed:
    instance, proof = decode(claim.key, claim.encoded)
    for position, tree in enumerate(instance.trees):
        for kind, queries in _changed_openings(proof.queries, per_kind, chance, position):
            yield f"{kind} of the {tree.name.lower()} tree", replace(proof, queries=queries)
    first, *others = proof.queries
    if others:
        yield "order of queries", replace(proof, queries=(*others, first))


def _changed_openings(
    queries: Sequence[Sequence[Opening]],
    per_kind: int,
    chance: random.Random,
    position: int | None = None,
) -> Iterator[tuple[str, tuple[tuple[Opening, ...], ...]]]:
    for _ in range(per_kind if queries[0] else 0):
        query = chance.randrange(len(queries))
        where = chance.randrange(len(queries[0])) if position is None else position
        for kind, change in (("query row", _with_row), ("Merkle node", _with_node)):
            opening = change(queries[query][where], chance)
            openings = _changed(queries[query], where, lambda _, opening=opening: opening)
            yield kind, _changed(queries, query, lambda _, openings=openings: openings)


def _of_bytes(claim: Claim, per_kind: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    encoded = claim.encoded
    chips = len(claim.key.machine.chips)
    for position in range(len(MAGIC)):
        yield "magic", _with_byte(encoded, position, encoded[position] ^ 1)
    for position in range(len(MAGIC), len(MAGIC) + chips):
        for other in {0, 1, 255, encoded[position] - 1, encoded[position] + 1}:
            if 0 <= other != encoded[position]:
                yield "log height", _with_byte(encoded, position, other)
    for length in (0, 3, len(MAGIC), len(MAGIC) + chips, len(encoded) // 2, len(encoded) - 1):
        yield "truncation", encoded[:length]
    yield "trailing bytes", encoded + b"\0"
    yield "trailing bytes", encoded + encoded
    for start in _element_positions(claim, per_kind, chance):
        value = int.from_bytes(encoded[start : start + 4], "big")
        if value + P < 1 << 32:
            alias = (value + P).to_bytes(4, "big")
            yield "non-canonical element", encoded[:start] + alias + encoded[start + 4 :]
    for _ in range(10 * per_kind):
        position = chance.randrange(len(encoded))
        yield "any byte", _with_byte(encoded, position, encoded[position] ^ chance.randint(1, 255))


def _element_positions(claim: Claim, per_kind: int, chance: random.Random) -> Iterator[int]:
    """Offsets of field elements: the first are the sums, behind two roots and a nonce."""
    instance, proof = decode(claim.key, claim.encoded)
    start = len(MAGIC) + len(instance.log_heights) + 32 + 8 + 32
    for _ in range(per_kind):
        yield start + 4 * chance.randrange(4 * len(proof.sums))


def _of_statements(claim: Claim, chance: random.Random) -> Iterator[Mutation]:
    key, values = claim.key, claim.public_values
    for position in range(len(values)):
        for other in (0, values[position] ^ 1, chance.randrange(1 << 32), 1 << 32, -1):
            if other != values[position]:
                changed = _changed(values, position, lambda _, other=other: other)
                yield Mutation("public value", replace(claim, public_values=changed))
        shorter = (*values[:position], *values[position + 1 :])
        yield Mutation("number of public values", replace(claim, public_values=shorter))
    yield Mutation("number of public values", replace(claim, public_values=(*values, 0)))

    for name, value in key.parameters.items():
        parameters = {**key.parameters, name: (value + 1) % P}
        yield Mutation("parameter", replace(claim, key=_key(key, parameters=parameters)))
    if key.preprocessed_root:
        root = _flip(key.preprocessed_root, chance)
        yield Mutation("preprocessed root", replace(claim, key=_key(key, preprocessed_root=root)))
    renamed = replace(key.machine, name=key.machine.name + "'")
    yield Mutation("machine", replace(claim, key=_key(key, machine=renamed)))
    proof_parameters = replace(key.proof_parameters, name="another")
    yield Mutation(
        "proof parameters", replace(claim, key=_key(key, proof_parameters=proof_parameters))
    )


def _key(key: VerifyingKey, **changes: object) -> VerifyingKey:
    fields = ("machine", "proof_parameters", "parameters", "preprocessed_log_heights")
    given = {name: getattr(key, name) for name in (*fields, "preprocessed_root")} | changes
    return VerifyingKey(**given)


def _proof(claim: Claim) -> Proof:
    return decode(claim.key, claim.encoded)[1]


def _with_here(opened: OpenedValues, chance: random.Random) -> OpenedValues:
    position = chance.randrange(len(opened.here))
    return replace(opened, here=_changed(opened.here, position, lambda v: _other(v, chance)))


def _with_following(opened: OpenedValues, chance: random.Random) -> OpenedValues:
    position = chance.randrange(len(opened.following))
    following = _changed(opened.following, position, lambda v: _other(v, chance))
    return replace(opened, following=following)


def _with_row(opening: Opening, chance: random.Random) -> Opening:
    row = chance.randrange(len(opening.rows))
    column = chance.randrange(len(opening.rows[row]))
    cells = _changed(opening.rows[row], column, lambda cell: (cell + chance.randint(1, P - 1)) % P)
    return replace(opening, rows=_changed(opening.rows, row, lambda _: cells))


def _with_node(opening: Opening, chance: random.Random) -> Opening:
    level = chance.randrange(len(opening.path))
    return replace(opening, path=_changed(opening.path, level, lambda n: _flip(n, chance)))


def _changed(values: Sequence[T], position: int, change: Callable[[T], T]) -> tuple[T, ...]:
    return (*values[:position], change(values[position]), *values[position + 1 :])


def _other(value: Extension, chance: random.Random) -> Extension:
    coordinates = [0, 0, 0, 0]
    coordinates[chance.randrange(4)] = chance.choice((1, P - 1, chance.randint(1, P - 1)))
    return value + Extension(coordinates)


def _flip(data: bytes, chance: random.Random) -> bytes:
    position = chance.randrange(len(data))
    return _with_byte(data, position, data[position] ^ (1 << chance.randrange(8)))


def _with_byte(data: bytes, position: int, value: int) -> bytes:
    return data[:position] + bytes([value]) + data[position + 1 :]
