"""Columns on the device: how traces get there, and how a matrix is cut into pieces of points."""

from __future__ import annotations

from functools import partial

from proving.errors import ShapeOutOfBounds
from proving.field import jax_base as base
from proving.field.koalabear import P

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array


def on_device(name: str, columns: npt.NDArray[np.uint32]) -> Array:
    """Bring canonical columns (columns, rows) to the device, in Montgomery form.

    Raises
    ------
    ShapeOutOfBounds
        If the rows are not a power of two, or a value is not canonical.
    """
    height = columns.shape[1]
    if height < 2 or height & (height - 1):
        raise ShapeOutOfBounds(f"rows of {name}", "a power of two from 2 on", height)
    largest = int(columns.max(initial=0))
    if largest >= P:
        raise ShapeOutOfBounds(f"value in a column of {name}", f"0..{P - 1}", largest)
    montgomery: Array = _to_montgomery(columns)
    return montgomery


@jax.jit
def _to_montgomery(columns: Array) -> Array:
    return base.to_montgomery(columns.astype(jnp.uint32))


@partial(jax.jit, static_argnames=("count", "stride"))
def piece(matrix: Array, start: int, count: int, stride: int) -> Array:
    """Return the points start, start + 1, …, of every stride-th column, around the circle.

    A matrix of fewer points than `count` is repeated, so that programs see one shape only.
    """
    size = matrix.shape[1]
    positions = (start + jnp.arange(count)) * stride % size
    return jnp.take(matrix, positions, axis=1, mode="clip")


@partial(jax.jit, static_argnames="columns")
def select_columns(matrix: Array, columns: tuple[int, ...]) -> Array:
    """Return some columns of a matrix."""
    return matrix[np.array(columns, np.int32)]
