"""Sums of rows of a matrix on the device: base-field arrays of shape (rows, points).

A row here is what a trace calls a column: one value per point of a domain. Terms are selected by
index, several sums of equally many terms are computed at once, and long sums become loops of the
compiled program, so that its size does not grow with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proving.field import jax_base as base
from proving.field import jax_extension as extension

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array, lax

Indices = npt.NDArray[np.int32]

PRODUCTS_PER_REDUCTION = 4
"""As many products of field elements fit in 64 bits."""
UNROLLED_STEPS = 4


def take_rows(matrix: Array, indices: Indices) -> Array:
    """Return the rows of these indices; a slice where they are fixed and consecutive."""
    if isinstance(indices, np.ndarray):
        first, count = int(indices[0]), len(indices)
        if np.array_equal(indices, np.arange(first, first + count)):
            return matrix[first : first + count]
    return jnp.take(matrix, indices, axis=0, mode="clip")


def add_rows(total: Array, matrix: Array, indices: Indices) -> Array:
    """Add matrix[indices[:, 0]] + matrix[indices[:, 1]] + … to `total`."""
    return _repeat(
        lambda result, positions: base.add(result, take_rows(matrix, positions)),
        total,
        indices.T,
    )


def subtract_rows(total: Array, matrix: Array, indices: Indices) -> Array:
    """Subtract matrix[indices[:, 0]], matrix[indices[:, 1]], … from `total`."""
    return _repeat(
        lambda result, positions: base.subtract(result, take_rows(matrix, positions)),
        total,
        indices.T,
    )


def weighted_sums(weights: Array, matrix: Array, indices: Indices) -> Array:
    """Return the sums Σ over t of weights[…, s, t] · matrix[indices[s, t]].

    Parameters
    ----------
    weights
        Shape (…, sums, terms), Montgomery form. With a leading axis of 4 they are elements of the
        extension field, without it of the base field.
    matrix
        Shape (rows, points).
    indices
        Shape (sums, terms).

    Returns
    -------
    Array
        Shape (…, sums, points).
    """
    *leading, sums, terms = weights.shape
    block = min(PRODUCTS_PER_REDUCTION, terms)
    block_count = -(-terms // block)
    padding = block_count * block - terms
    weights = jnp.pad(weights, [*((0, 0) for _ in leading), (0, 0), (0, padding)])
    weights = jnp.moveaxis(weights.reshape(*leading, sums, block_count, block), (-2, -1), (0, 1))
    positions = np.pad(indices, ((0, 0), (0, padding))).reshape(sums, block_count, block)

    def add_block(total: Array, item: tuple[Array, Any]) -> Array:
        block_weights, block_positions = item
        wide = base.widening_product(
            block_weights[0][..., None], take_rows(matrix, block_positions[0])
        )
        for k in range(1, block):
            wide += base.widening_product(
                block_weights[k][..., None], take_rows(matrix, block_positions[k])
            )
        return base.add(total, base.reduce_wide(wide))

    start = jnp.zeros((*leading, sums, matrix.shape[1]), jnp.uint32)
    return _repeat(add_block, start, (weights, positions.transpose(1, 2, 0)))


def weighted_sum(weights: Array, matrix: Array, indices: Indices) -> Array:
    """Return the one sum Σ over t of weights[:, t] · matrix[indices[t]], of shape (4, points)."""
    return weighted_sums(weights[:, None, :], matrix, indices[None])[:, 0]


def sum_over_middle_axis(values: Array) -> Array:
    """Return the sums over the second axis of an array (4, count, points), by halving."""
    while values.shape[1] > 1:
        half = values.shape[1] // 2
        halves = base.add(values[:, :half], values[:, half : 2 * half])
        values = jnp.concatenate([halves, values[:, 2 * half :]], axis=1)
    return values[:, 0]


@jax.jit
def inverses(values: Array) -> Array:
    """Return the inverses of extension elements, (4, …).

    A program of its own: fused with what comes before and after, XLA would compute parts of an
    inverse once for each of their readers. Call it outside of `jax.jit`.
    """
    return extension.inverse(values)


def _repeat(step: Callable[[Array, Any], Array], start: Array, items: Any) -> Array:
    """Fold `step` over the leading axis of `items`: unrolled if short, else a compiled loop."""
    parts = items if isinstance(items, tuple) else (items,)
    count = len(parts[0])
    if count > UNROLLED_STEPS:
        on_device = tuple(jnp.asarray(part) for part in parts)
        result: Array = lax.scan(
            lambda total, item: (step(total, item if len(parts) > 1 else item[0]), None),
            start,
            on_device,
        )[0]
        return result
    for index in range(count):
        own = tuple(part[index] for part in parts)
        start = step(start, own if len(parts) > 1 else own[0])
    return start
