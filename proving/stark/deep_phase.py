"""The prover's last two steps before FRI: opened values, and what batches them.

`reduced_openings` says what the batched functions are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from proving.air.row_arrays import inverses, weighted_sum
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import DEGREE, ONE, ZERO, Extension
from proving.field.koalabear import GENERATOR, root_of_unity
from proving.field.ntt_plan import powers, to_montgomery
from proving.field.openings import evaluate_at_points
from proving.stark.columns import Strided, pieces, power_rows, to_extensions
from proving.stark.instance import Matrix
from proving.stark.proof import OpenedValues

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def open_columns(matrix: Matrix, extended: Array, z: Extension) -> OpenedValues:
    """Evaluate a matrix's columns at z, and some at g·z."""
    stride = extended.shape[1] >> matrix.log_height
    (trace_domain,) = pieces([Strided(extended, stride)], 0, 1 << matrix.log_height)
    here = to_extensions(evaluate_at_points(trace_domain, z, shift=GENERATOR))
    if not matrix.next_columns:
        return OpenedValues(here, ())
    read = Strided(trace_domain, columns=matrix.next_columns)
    (columns,) = pieces([read], 0, 1 << matrix.log_height)
    next_point = z * root_of_unity(matrix.log_height)
    return OpenedValues(
        here, to_extensions(evaluate_at_points(columns, next_point, shift=GENERATOR))
    )


def reduced_polynomial(
    members: Sequence[tuple[Matrix, Array, OpenedValues]],
    z: Extension,
    batching: Extension,
    log_height: int,
) -> Array:
    """Compute F_N on the coset, of shape (4, N), from all matrices of that size."""
    claims = (
        [value for _, _, opened in members for value in opened.here],
        [value for _, _, opened in members for value in opened.following],
    )
    lambdas = power_rows(batching, len(claims[0]) + len(claims[1]))
    size = members[0][1].shape[1]
    points = to_montgomery(powers(root_of_unity(size.bit_length() - 1), size, GENERATOR))

    result: Array = jnp.asarray(np.zeros((DEGREE, size), np.uint32))
    power, used = ONE, 0
    for k, point in enumerate((z, z * root_of_unity(log_height))):
        total: Array = jnp.asarray(np.zeros((DEGREE, size), np.uint32))
        for matrix, extended, _ in members:
            columns = matrix.next_columns if k else tuple(range(matrix.width))
            if columns:
                weights = lambdas[:, used : used + len(columns)]
                total = _add_combined(total, weights, extended, columns)
                used += len(columns)
        claim = ZERO
        for value in claims[k]:
            claim = claim + power * value
            power = power * batching
        factors = inverses(_distances(extension.constant(point), points))
        result = _add_scaled_difference(result, extension.constant(claim), total, factors)
    return result


@partial(jax.jit, static_argnames="columns")
def _add_combined(total: Array, weights: Array, matrix: Array, columns: tuple[int, ...]) -> Array:
    return extension.add(total, weighted_sum(weights, matrix, np.array(columns, np.int32)))


@jax.jit
def _distances(opened_at: Array, points: Array) -> Array:
    first = base.subtract(opened_at[:1, None], points)
    return jnp.concatenate(
        [first, jnp.broadcast_to(opened_at[1:, None], (DEGREE - 1, points.shape[0]))]
    )


@jax.jit
def _add_scaled_difference(result: Array, claim: Array, values: Array, factors: Array) -> Array:
    """Return result + (claim − values) · factors."""
    difference = base.subtract(claim[:, None], values)
    return extension.add(result, extension.multiply(difference, factors))
