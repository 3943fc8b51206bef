"""The prover of FRI, on arrays. The protocol is in `proving.fri.verifier`.

Values are in Montgomery form, of shape (4, N), in natural order. Folds are made of halvings, so
that every schedule runs the same few compiled programs: one per power of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from proving.commitment.merkle import MerkleTree, commit
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import P, inverse, root_of_unity
from proving.field.ntt import interpolate
from proving.field.ntt_plan import powers, to_montgomery
from proving.fri.proof import FriProof
from proving.fri.schedule import fold_schedule
from proving.fri.verifier import HALF, sample_indices
from proving.parameters import Parameters
from proving.transcript import Transcript

# isort: split
import jax
import jax.numpy as jnp
from jax import Array


def prove(
    parameters: Parameters, transcript: Transcript, inputs: Mapping[int, Array]
) -> tuple[FriProof, tuple[int, ...]]:
    """Prove that the functions have low degree.

    The prover does not check that they do: of a function that is no polynomial of low degree it
    makes a proof that the verifier rejects.

    Parameters
    ----------
    inputs
        log2 of a size N to the values of F_N on the subgroup of that size: (4, N), Montgomery.

    Returns
    -------
    The proof and the query indices, in the domain of the largest size.

    Raises
    ------
    ShapeOutOfBounds
        If a size is outside what the parameters allow.
    """
    log_sizes = sorted(inputs)
    trees: list[MerkleTree] = []
    steps = fold_schedule(log_sizes, parameters)

    # COMMIT AND FOLD
    layer = inputs[log_sizes[-1]]
    for step in steps:
        tree = commit([_cosets_as_rows(layer, step.arity)])
        transcript.observe("FRI layer root", tree.root)
        beta = transcript.sample_extension("FRI fold")
        layer = fold(layer, beta, step.log_arity)
        if step.rolls_in:
            power = extension.constant(beta**step.arity)
            layer = _add_multiple(layer, power, inputs[step.log_folded_size])
        trees.append(tree)

    # FINAL POLYNOMIAL
    final_polynomial = _final_polynomial(layer, parameters.final_length)
    transcript.observe_extension("FRI final polynomial", final_polynomial)

    # QUERIES
    nonce = transcript.grind("FRI queries", parameters.query_grinding_bits)
    indices = sample_indices(parameters, transcript, log_sizes[-1])
    openings = [
        tree.open_many([index % (1 << step.log_folded_size) for index in indices])
        for tree, step in zip(trees, steps, strict=True)
    ]
    proof = FriProof(
        layer_roots=tuple(tree.root for tree in trees),
        final_polynomial=final_polynomial,
        nonce=nonce,
        queries=tuple(
            tuple(layer_openings[number] for layer_openings in openings)
            for number in range(len(indices))
        ),
    )
    return proof, indices


def fold(layer: Array, beta: Extension, log_arity: int) -> Array:
    """Fold a layer of shape (4, N) into one of shape (4, N / 2^log_arity)."""
    for _ in range(log_arity):
        layer = _fold_halves(layer, extension.constant(beta))
        beta = beta * beta
    return layer


@jax.jit
def _fold_halves(layer: Array, beta: Array) -> Array:
    half = layer.shape[1] // 2
    values, opposites = layer[:, :half], layer[:, half:]
    even_part = extension.multiply_base(
        extension.add(values, opposites), jnp.asarray(base.constant(HALF))
    )
    odd_part = extension.multiply_base(
        extension.subtract(values, opposites), _halves_of_inverse_points(half)
    )
    return extension.add(even_part, extension.multiply(odd_part, beta[:, None]))


def _halves_of_inverse_points(count: int) -> Array:
    """Return 1/(2ωⁱ) for i < `count`, ω of order 2·count: a product of two short tables."""
    log_count = count.bit_length() - 1
    log_fine = log_count // 2
    step = inverse(root_of_unity(log_count + 1))
    fine = powers(step, 1 << log_fine)
    coarse = powers(pow(step, 1 << log_fine, P), 1 << (log_count - log_fine), first=HALF)
    return base.multiply(
        jnp.asarray(to_montgomery(coarse))[:, None], jnp.asarray(to_montgomery(fine))
    ).reshape(count)


@jax.jit
def _add_multiple(layer: Array, factor: Array, other: Array) -> Array:
    return extension.add(layer, extension.multiply(other, factor[:, None]))


@partial(jax.jit, static_argnames="arity")
def _cosets_as_rows(layer: Array, arity: int) -> Array:
    """Return (4·arity, N/arity): row i has the points i, i + N/arity, …, coordinates together."""
    rows = layer.shape[1] // arity
    cosets = layer.reshape(DEGREE, arity, rows).transpose(1, 0, 2)
    return cosets.reshape(DEGREE * arity, rows)


def _final_polynomial(layer: Array, length: int) -> tuple[Extension, ...]:
    coefficients = np.asarray(base.from_montgomery(interpolate(layer)[:, :length]))
    return tuple(Extension([int(c) for c in column]) for column in coefficients.T)
