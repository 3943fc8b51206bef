"""Functions of known degree, small parameters, and a caller that opens them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array

from proving.field import jax_base as base
from proving.field.extension import Extension
from proving.field.host_arrays import Words
from proving.field.koalabear import P
from proving.field.ntt import evaluate_on_coset
from proving.fri import verifier
from proving.fri.proof import FriProof
from proving.fri.prover import prove
from proving.parameters import Parameters
from proving.transcript import Transcript

SMALL = Parameters(
    name="small",
    log_blowup=1,
    query_count=16,
    lookup_grinding_bits=0,
    batching_grinding_bits=0,
    query_grinding_bits=6,
    log_final_length=2,
    max_log_arity=3,
    min_log_height=2,
    max_log_height=13,
)

HEIGHT_SETS = [(2,), (9,), (9, 8, 7), (10, 4), (11, 8, 5, 2), (8, 7, 3)]
"""One height without layers, one with, neighbours, a gap, multiples of the arity, and mixed."""


@dataclass(frozen=True, slots=True)
class Function:
    """Values on the subgroup, (4, N): in Montgomery form, and canonical as rows (N, 4)."""

    values: Array
    rows: list[list[int]]

    def at(self, index: int) -> Extension:
        return Extension(self.rows[index % len(self.rows)])


def function(values: Array) -> Function:
    return Function(values, np.asarray(base.from_montgomery(values)).T.tolist())


Functions = Mapping[int, Function]


def polynomial(
    parameters: Parameters, log_height: int, seed: int, *, length: int | None = None
) -> Function:
    """A random polynomial with that many coefficients (default: all that the height allows)."""
    log_size = log_height + parameters.log_blowup
    coefficients = np.zeros((4, 1 << log_size), np.uint32)
    count = 1 << log_height if length is None else length
    coefficients[:, :count] = random_elements(count, seed)
    return from_coefficients(coefficients)


def from_coefficients(coefficients: Words) -> Function:
    log_size = coefficients.shape[1].bit_length() - 1
    montgomery = base.to_montgomery(jnp.asarray(coefficients))
    return function(evaluate_on_coset(montgomery, log_size, shift=1))


def random_function(parameters: Parameters, log_height: int, seed: int) -> Function:
    """Random values: far from every polynomial of low degree."""
    values = random_elements(1 << (log_height + parameters.log_blowup), seed)
    return function(base.to_montgomery(jnp.asarray(values)))


def random_elements(count: int, seed: int) -> Words:
    """(4, count) canonical."""
    generator = random.Random(seed)
    flat = [generator.randrange(P) for _ in range(4 * count)]
    return np.array(flat, np.uint32).reshape(4, count)


def polynomials(parameters: Parameters, log_heights: tuple[int, ...], seed: int = 1) -> Functions:
    """A random polynomial of full length per height, by log2 of the extension's size."""
    return {
        height + parameters.log_blowup: polynomial(parameters, height, seed + height)
        for height in log_heights
    }


def prove_functions(parameters: Parameters, functions: Functions) -> FriProof:
    inputs = {log_size: given.values for log_size, given in functions.items()}
    proof, _ = prove(parameters, Transcript("fri test"), inputs)
    return proof


def verify_functions(parameters: Parameters, functions: Functions, proof: FriProof) -> None:
    def reduced_openings(index: int) -> dict[int, Extension]:
        return {log_size: given.at(index) for log_size, given in functions.items()}

    verifier.verify(parameters, Transcript("fri test"), list(functions), proof, reduced_openings)
