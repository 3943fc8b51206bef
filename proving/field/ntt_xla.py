"""The transform of `ntt_plan` in JAX: for accelerators, and the same results everywhere.

Columns go through in blocks of a fixed count, so that few programs are compiled and scratch memory
is bounded.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Final

import jax
import jax.numpy as jnp
from jax import Array

from proving.field import jax_base as base
from proving.field.ntt_plan import Plan

BLOCK_WORDS: Final = 2**23


def transform(plan: Plan, columns: Array, size: int) -> Array:
    """Transform every column (Montgomery, natural order); the result is (count, size)."""
    count = columns.shape[0]
    block = min(max(1, BLOCK_WORDS // size), 1 << (count - 1).bit_length())
    result = jnp.empty((count + -count % block, size), jnp.uint32)
    for start in range(0, count, block):
        part = columns[start : start + block]
        part = jnp.pad(part, ((0, block - part.shape[0]), (0, 0)))
        result = _store(result, _transform(part, *_tables(plan)), start)
    return result[:count]


@lru_cache(maxsize=32)
def _tables(plan: Plan) -> tuple[Array, ...]:
    return (
        jnp.asarray(plan.row_scale),
        jnp.asarray(plan.row_twiddles),
        jnp.asarray(plan.lane_twiddles),
        jnp.asarray(plan.cross_twiddles),
        jnp.asarray(plan.reversed_rows),
        jnp.asarray(plan.reversed_lanes),
    )


@partial(jax.jit, donate_argnums=0)
def _store(result: Array, block: Array, start: int) -> Array:
    return jax.lax.dynamic_update_slice(result, block, (start, 0))


@jax.jit
def _transform(
    columns: Array,
    row_scale: Array,
    row_twiddles: Array,
    lane_twiddles: Array,
    cross_twiddles: Array,
    reversed_rows: Array,
    reversed_lanes: Array,
) -> Array:
    count = columns.shape[0]
    rows, lanes = cross_twiddles.shape
    run = columns.shape[1] // lanes
    matrix = columns.reshape(count, 1, run, lanes)
    matrix = base.multiply(matrix, row_scale.reshape(1, rows // run, run, 1))
    matrix = _transform_runs(matrix.reshape(count, rows, lanes), row_twiddles, run)
    matrix = base.multiply(matrix[:, reversed_rows], cross_twiddles)
    matrix = _transform_runs(matrix.transpose(0, 2, 1), lane_twiddles, lanes)
    return matrix[:, reversed_lanes].reshape(count, rows * lanes)


def _transform_runs(matrix: Array, twiddles: Array, size: int) -> Array:
    """Transform axis 1 in independent runs of `size`; each run comes out bit-reversed."""
    count, rows, lanes = matrix.shape
    half = size // 2
    while half:
        pairs = matrix.reshape(count, rows // (2 * half), 2, half, lanes)
        upper, lower = pairs[:, :, 0], pairs[:, :, 1]
        factors = twiddles[:: twiddles.shape[0] // half][:, None]
        products = base.multiply(base.subtract(upper, lower), factors)
        matrix = jnp.stack([base.add(upper, lower), products], axis=2)
        half //= 2
    return matrix.reshape(count, rows, lanes)
