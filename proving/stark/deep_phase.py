"""The prover's last two steps before FRI: opened values, and what batches them.

`reduced_openings` says what the batched functions are.
"""

from __future__ import annotations

from collections.abc import Sequence

from proving.air.row_arrays import inverses, weighted_sum
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import DEGREE, ONE, ZERO, Extension
from proving.field.host_arrays import Words
from proving.field.koalabear import GENERATOR, root_of_unity
from proving.field.ntt_plan import powers, to_montgomery
from proving.field.openings import evaluate_at_points
from proving.stark.columns import (
    Strided,
    assembled,
    block,
    pieces,
    power_rows,
    to_extensions,
)
from proving.stark.instance import Matrix
from proving.stark.proof import OpenedValues

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

COLUMNS_PER_BLOCK = 64
PIECES = (1 << 8, 1 << 11, 1 << 14)
"""Numbers of points: columns are batched in these few shapes, whatever their tables' are."""


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
        reads = [
            Strided(extended, columns=matrix.next_columns if k else None)
            for matrix, extended, _ in members
        ]
        count = len(claims[k])
        total = _combined(reads, lambdas[:, used : used + count], size)
        used += count
        claim = ZERO
        for value in claims[k]:
            claim = claim + power * value
            power = power * batching
        factors = inverses(_distances(extension.constant(point), points))
        result = _add_scaled_difference(result, extension.constant(claim), total, factors)
    return result


def _combined(reads: Sequence[Strided], weights: Words, size: int) -> Array:
    """Return Σ weights[:, k] · column k, of shape (4, size), over all columns of the reads.

    Parameters
    ----------
    weights
        Shape (4, columns of all reads together), Montgomery form.
    """
    totals = []
    blocks = _blocks(reads)
    padding = len(blocks) * COLUMNS_PER_BLOCK - weights.shape[1]
    padded = np.pad(weights, ((0, 0), (0, padding)))
    count = next((count for count in PIECES if count >= size), PIECES[-1])
    for start in range(0, size, count):
        total = jnp.zeros((DEGREE, count), jnp.uint32)
        for number, members in enumerate(blocks):
            own = padded[:, number * COLUMNS_PER_BLOCK : (number + 1) * COLUMNS_PER_BLOCK]
            rows = block(members, start, count, COLUMNS_PER_BLOCK)
            total = _add_combined(total, own, rows)
        totals.append(total)
    return assembled([totals], size)


def _blocks(reads: Sequence[Strided]) -> list[list[Strided]]:
    """Cut the reads, in order, into groups of `COLUMNS_PER_BLOCK` columns; the last may be less."""
    blocks: list[list[Strided]] = []
    room = 0
    for read in reads:
        columns = read.columns
        if columns is None:
            columns = tuple(range(read.matrix.shape[0]))
        while columns:
            if not room:
                blocks.append([])
                room = COLUMNS_PER_BLOCK
            blocks[-1].append(Strided(read.matrix, columns=columns[:room]))
            columns, room = columns[room:], max(0, room - len(columns))
    return blocks


@jax.jit
def _add_combined(total: Array, weights: Array, rows: Array) -> Array:
    return extension.add(
        total, weighted_sum(weights, rows, np.arange(rows.shape[0], dtype=np.int32))
    )


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
