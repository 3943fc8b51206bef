"""The prover's last two steps before FRI: opened values, and what batches them.

`reduced_openings` says what the batched functions are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from proving.air.row_arrays import inverses, weighted_sum
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import GENERATOR, root_of_unity
from proving.field.ntt_plan import powers, to_montgomery
from proving.field.openings import evaluate_at_points
from proving.stark.columns import select_columns
from proving.stark.instance import Matrix
from proving.stark.proof import OpenedValues

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def open_columns(matrix: Matrix, extended: Array, z: Extension) -> OpenedValues:
    """Evaluate a matrix's columns at z, and some at g·z."""
    trace_domain = extended[:, :: extended.shape[1] >> matrix.log_height]
    following: tuple[Extension, ...] = ()
    if matrix.next_columns:
        columns = select_columns(trace_domain, matrix.next_columns)
        following = _values_at(columns, z * root_of_unity(matrix.log_height))
    return OpenedValues(_values_at(trace_domain, z), following)


def reduced_polynomial(
    members: Sequence[tuple[Matrix, Array, OpenedValues]],
    z: Extension,
    batching: Extension,
    log_height: int,
) -> Array:
    """Compute F_N on the coset, of shape (4, N), from all matrices of that size."""
    here = [value for _, _, opened in members for value in opened.here]
    following = [value for _, _, opened in members for value in opened.following]
    lambdas = extension.powers(batching, len(here) + len(following))
    claims = _dot(lambdas, _as_array([*here, *following]), len(here))

    size = members[0][1].shape[1]
    sums = [jnp.zeros((DEGREE, size), jnp.uint32)] * 2
    offsets = [0, len(here)]
    for matrix, extended, _ in members:
        for k, columns in enumerate((tuple(range(matrix.width)), matrix.next_columns)):
            if columns:
                weights = lambdas[:, offsets[k] : offsets[k] + len(columns)]
                sums[k] = _add_combined(sums[k], weights, extended, columns)
                offsets[k] += len(columns)

    log_size = size.bit_length() - 1
    points = jnp.asarray(to_montgomery(powers(root_of_unity(log_size), size, GENERATOR)))
    opened_at = [z, z * root_of_unity(log_height)]
    result: Array = _divided_difference(
        claims[0], sums[0], extension.constant(opened_at[0]), points
    )
    if following:
        other = _divided_difference(claims[1], sums[1], extension.constant(opened_at[1]), points)
        result = extension.add(result, other)
    return result


def _values_at(columns: Array, point: Extension) -> tuple[Extension, ...]:
    values = base.from_montgomery(evaluate_at_points(columns, point, shift=GENERATOR))
    return tuple(Extension(column) for column in np.asarray(values).T.tolist())


def _as_array(values: Sequence[Extension]) -> Array:
    coefficients = np.array([value.coefficients for value in values], np.uint64).T
    return jnp.asarray(to_montgomery(coefficients))


def _dot(lambdas: Array, claims: Array, split: int) -> tuple[Array, Array]:
    """Return Σ λᵏ·claim over the first `split` claims, and over the others."""
    products = extension.multiply(lambdas, claims)
    return _total(products[:, :split]), _total(products[:, split:])


def _total(values: Array) -> Array:
    total = jnp.sum(base.from_montgomery(values).astype(jnp.uint64), axis=1)
    return extension.constant(Extension([int(coordinate) for coordinate in total]))


@partial(jax.jit, static_argnames="columns")
def _add_combined(total: Array, weights: Array, matrix: Array, columns: tuple[int, ...]) -> Array:
    return extension.add(total, weighted_sum(weights, matrix, np.array(columns, np.int32)))


def _divided_difference(claim: Array, values: Array, opened_at: Array, points: Array) -> Array:
    """Return (claim − values) / (opened_at − points)."""
    result: Array = _scaled_difference(claim, values, inverses(_distances(opened_at, points)))
    return result


@jax.jit
def _distances(opened_at: Array, points: Array) -> Array:
    first = base.subtract(opened_at[:1, None], points)
    return jnp.concatenate(
        [first, jnp.broadcast_to(opened_at[1:, None], (DEGREE - 1, points.shape[0]))]
    )


@jax.jit
def _scaled_difference(claim: Array, values: Array, factors: Array) -> Array:
    return extension.multiply(base.subtract(claim[:, None], values), factors)
