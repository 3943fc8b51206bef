"""Columns on the device: how values get there and back, and how matrices are cut into pieces.

Programs are compiled for shapes, so what is done once per proof with few values is done on the
host, and what is done with whole matrices is one program each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from proving.errors import ShapeOutOfBounds
from proving.field import jax_base as base
from proving.field.extension import DEGREE, ONE, Extension
from proving.field.koalabear import P, inverse
from proving.field.ntt_plan import to_montgomery

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array

Words = npt.NDArray[np.uint32]


class Strided(NamedTuple):
    """Which points of a matrix are wanted, for `pieces`.

    Attributes
    ----------
    stride
        Only every so manieth point counts, from the first on.
    offset
        How many of these lie between a piece's first point and what is read: the way to the next
        row, where that is wanted.
    columns
        Which columns; None for all.
    """

    matrix: Array | Words
    stride: int = 1
    offset: int = 0
    columns: tuple[int, ...] | None = None


def on_device(name: str, columns: Words) -> Array:
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


def pieces(reads: Sequence[Strided], start: int, count: int) -> tuple[Array, ...]:
    """Return `count` points of each matrix from number `start` on, around the circle.

    A matrix of fewer points than `count` is repeated, so that programs see one shape only.
    """
    matrices = tuple(read.matrix for read in reads)
    cut: tuple[Array, ...] = _pieces(matrices, start, count, tuple(read[1:] for read in reads))
    return cut


def extension_rows(values: Sequence[Extension]) -> Words:
    """Return elements as an array of shape (4, count), Montgomery form."""
    coefficients = np.array([value.coefficients for value in values], np.uint64)
    return np.ascontiguousarray(to_montgomery(coefficients.reshape(-1, DEGREE)).T)


def power_rows(alpha: Extension, count: int) -> Words:
    """Return 1, α, …, α^(count − 1) as an array of shape (4, count), Montgomery form."""
    powers, power = [], ONE
    for _ in range(count):
        powers.append(power)
        power = power * alpha
    return extension_rows(powers)


def to_extensions(rows: Array) -> tuple[Extension, ...]:
    """Return an array of shape (4, count), Montgomery form, as elements."""
    scale = np.uint64(inverse(base.MONTGOMERY_ONE))
    canonical = np.asarray(rows).astype(np.uint64) * scale % np.uint64(P)
    return tuple(Extension(column) for column in canonical.T.tolist())


@jax.jit
def _to_montgomery(columns: Array) -> Array:
    return base.to_montgomery(columns.astype(jnp.uint32))


@partial(jax.jit, static_argnames=("count", "where"))
def _pieces(
    matrices: tuple[Array, ...],
    start: int,
    count: int,
    where: tuple[tuple[int, int, tuple[int, ...] | None], ...],
) -> tuple[Array, ...]:
    points = start + jnp.arange(count)
    cut = []
    for matrix, (stride, offset, columns) in zip(matrices, where, strict=True):
        positions = (points + offset) * stride % matrix.shape[1]
        own = jnp.take(matrix, positions, axis=1, mode="clip")
        cut.append(own if columns is None else own[np.array(columns, np.int32)])
    return tuple(cut)
