"""Every element of a proof, changed by itself, makes the verifier reject it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

import pytest
from fri_world import SMALL, Functions, polynomials, prove_functions, verify_functions

from proving.commitment.opening import Opening
from proving.errors import (
    GrindingFailed,
    MalformedProof,
    OpeningMismatch,
    ProofRejected,
    WrongLength,
)
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.fri.proof import FriProof

T = TypeVar("T")

HEIGHTS = (9, 8, 4)
MUTATED_QUERIES = (0, 7, 15)


@cache
def honest() -> tuple[Functions, FriProof]:
    functions = polynomials(SMALL, HEIGHTS)
    return functions, prove_functions(SMALL, functions)


def assert_rejected(proof: FriProof, error: type[ProofRejected] = ProofRejected) -> None:
    functions, _ = honest()
    with pytest.raises(error):
        verify_functions(SMALL, functions, proof)


def changed(values: Sequence[T], position: int, change: Callable[[T], T]) -> tuple[T, ...]:
    return (*values[:position], change(values[position]), *values[position + 1 :])


def flip_bit(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def with_opening(
    proof: FriProof, query: int, layer: int, change: Callable[[Opening], Opening]
) -> FriProof:
    return replace(
        proof,
        queries=changed(proof.queries, query, lambda openings: changed(openings, layer, change)),
    )


def layers() -> range:
    return range(len(honest()[1].layer_roots))


def test_the_honest_proof_is_accepted() -> None:
    verify_functions(SMALL, *honest())


def test_every_layer_root_is_bound() -> None:
    _, proof = honest()
    for layer in layers():
        roots = changed(proof.layer_roots, layer, flip_bit)
        assert_rejected(replace(proof, layer_roots=roots))


def test_swapped_layer_roots_are_rejected() -> None:
    _, proof = honest()
    first, second, *others = proof.layer_roots
    assert_rejected(replace(proof, layer_roots=(second, first, *others)))


@pytest.mark.parametrize("position", range(4))
def test_every_final_coefficient_is_bound(position: int) -> None:
    _, proof = honest()
    coefficients = changed(proof.final_polynomial, position, lambda value: value + 1)
    assert_rejected(replace(proof, final_polynomial=coefficients))


@pytest.mark.parametrize("step", [1, -1, 1 << 32])
def test_another_nonce_is_rejected(step: int) -> None:
    _, proof = honest()
    assert_rejected(replace(proof, nonce=proof.nonce + step))


@pytest.mark.parametrize("query", MUTATED_QUERIES)
def test_every_opened_value_is_bound(query: int) -> None:
    _, proof = honest()
    for layer in layers():
        (row,) = proof.queries[query][layer].rows
        for position in range(len(row)):
            mutated = changed(row, position, lambda value: (value + 1) % P)
            assert_rejected(with_rows(proof, query, layer, (mutated,)))


def with_rows(proof: FriProof, query: int, layer: int, rows: Sequence[Sequence[int]]) -> FriProof:
    return with_opening(proof, query, layer, lambda opening: replace(opening, rows=rows))


def with_path(proof: FriProof, query: int, layer: int, path: Sequence[bytes]) -> FriProof:
    return with_opening(proof, query, layer, lambda opening: replace(opening, path=path))


@pytest.mark.parametrize("query", MUTATED_QUERIES)
def test_every_node_of_every_path_is_bound(query: int) -> None:
    _, proof = honest()
    for layer in layers():
        path = proof.queries[query][layer].path
        for level in range(len(path)):
            mutated = changed(path, level, flip_bit)
            assert_rejected(with_path(proof, query, layer, mutated))


def test_the_opening_of_another_query_is_rejected() -> None:
    _, proof = honest()
    other = proof.queries[1][0]
    assert other != proof.queries[0][0]
    assert_rejected(with_opening(proof, 0, 0, lambda _: other))


def malformed(proof: FriProof) -> Iterator[tuple[str, FriProof]]:
    roots, queries = proof.layer_roots, proof.queries
    coefficients = proof.final_polynomial
    yield "a layer less", replace(proof, layer_roots=roots[:-1])
    yield "a layer more", replace(proof, layer_roots=(*roots, roots[-1]))
    yield "no layers", replace(proof, layer_roots=())
    yield "a short root", replace(proof, layer_roots=(roots[0][:-1], *roots[1:]))
    yield "a long root", replace(proof, layer_roots=(roots[0] + b"\0", *roots[1:]))
    yield "a coefficient less", replace(proof, final_polynomial=coefficients[:-1])
    zero = Extension((0, 0, 0, 0))
    yield "a zero coefficient more", replace(proof, final_polynomial=(*coefficients, zero))
    yield "no coefficients", replace(proof, final_polynomial=())
    yield "a query less", replace(proof, queries=queries[:-1])
    yield "a query more", replace(proof, queries=(*queries, queries[0]))
    yield "no queries", replace(proof, queries=())
    yield "an opening less", replace(proof, queries=(queries[0][:-1], *queries[1:]))
    yield (
        "an opening more",
        replace(proof, queries=((*queries[0], queries[0][-1]), *queries[1:])),
    )
    yield "a negative nonce", replace(proof, nonce=-1)
    yield "a long nonce", replace(proof, nonce=1 << 64)


def misshapen_openings(proof: FriProof) -> Iterator[tuple[str, FriProof]]:
    (row,) = proof.queries[0][0].rows
    yield "a value less", with_rows(proof, 0, 0, (row[:-1],))
    yield "a value more", with_rows(proof, 0, 0, ((*row, 0),))
    yield "no row", with_rows(proof, 0, 0, ())
    yield "a row more", with_rows(proof, 0, 0, (row, row))
    yield "a value above the modulus", with_rows(proof, 0, 0, ((row[0] + P, *row[1:]),))
    yield "a negative value", with_rows(proof, 0, 0, ((row[0] - P, *row[1:]),))
    path = proof.queries[0][0].path
    yield "a node less", with_path(proof, 0, 0, path[:-1])
    yield "a node more", with_path(proof, 0, 0, (*path, path[-1]))
    yield "a short node", with_path(proof, 0, 0, (path[0][:-1], *path[1:]))


def test_every_proof_of_another_shape_is_malformed() -> None:
    _, proof = honest()
    tried = list(malformed(proof))
    for _name, mutated in tried:
        assert_rejected(mutated, MalformedProof)
    assert len(tried) == 15


def test_every_opening_of_another_shape_is_rejected() -> None:
    _, proof = honest()
    tried = list(misshapen_openings(proof))
    for _name, mutated in tried:
        assert_rejected(mutated, OpeningMismatch)
    assert len(tried) == 9


def test_other_parameters_are_rejected() -> None:
    functions, proof = honest()
    with pytest.raises(WrongLength):
        verify_functions(replace(SMALL, query_count=15), functions, proof)
    with pytest.raises(ProofRejected):
        verify_functions(replace(SMALL, max_log_arity=2), functions, proof)


def test_more_proof_of_work_than_was_done_is_rejected() -> None:
    functions, proof = honest()
    with pytest.raises(GrindingFailed):
        verify_functions(replace(SMALL, query_grinding_bits=30), functions, proof)
