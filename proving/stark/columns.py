"""Columns on the device: how values get there and back, and how matrices are cut into pieces.

Programs are compiled for shapes. So that few are needed, matrices of all heights pass through the
same programs in pieces of one size; cutting and assembling are copies on the host where JAX
computes there, and programs elsewhere. What is done once per proof with few values is done on the
host in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from proving.errors import ShapeOutOfBounds
from proving.field import jax_base as base
from proving.field.extension import DEGREE, ONE, Extension
from proving.field.host_arrays import Words, allocate, on_host, to_host, wrap
from proving.field.koalabear import P, inverse
from proving.field.ntt_plan import to_montgomery

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


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
    if on_host():
        return tuple(block([read], start, count, None) for read in reads)
    matrices = tuple(read.matrix for read in reads)
    cut: tuple[Array, ...] = _pieces(matrices, start, count, tuple(read[1:] for read in reads))
    return cut


def block(reads: Sequence[Strided], start: int, count: int, rows: int | None) -> Array:
    """Return the same points of several matrices below each other, and zeros up to `rows` rows."""
    if not on_host():
        below: Array = _padded(pieces(reads, start, count), rows)
        return below
    parts = [_view(read, start, count) for read in reads]
    used = sum(len(part) for part in parts)
    target = allocate((used if rows is None else rows, count))
    target[used:] = 0
    first = 0
    for part in parts:
        target[first : first + len(part)] = part
        first += len(part)
    return wrap(target)


def assembled(rows_of_pieces: Sequence[Sequence[Array]], size: int) -> Array:
    """Put pieces together again: side by side in each row of them, up to `size`; rows in order."""
    if not on_host():
        whole: Array = _assembled(rows_of_pieces, size)
        return whole
    target = allocate((sum(row[0].shape[0] for row in rows_of_pieces), size))
    top = 0
    for row in rows_of_pieces:
        bottom, left = top + row[0].shape[0], 0
        for piece in row:
            right = min(left + piece.shape[1], size)
            target[top:bottom, left:right] = np.asarray(piece)[:, : right - left]
            left = right
        top = bottom
    return wrap(target)


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


def _view(read: Strided, start: int, count: int) -> Words:
    """Cut a matrix in the host's memory, where that takes no program for its shape."""
    matrix = to_host(read.matrix)
    size, stride = matrix.shape[1], read.stride
    if read.columns is not None:
        first, end = (read.columns[0], read.columns[-1] + 1) if read.columns else (0, 0)
        is_range = read.columns == tuple(range(first, end))
        matrix = matrix[first:end] if is_range else matrix[np.array(read.columns, np.intp)]
    start = (start + read.offset) * stride % size
    if start + (count - 1) * stride < size:
        return matrix[:, start : start + count * stride : stride]
    return matrix[:, (start + np.arange(count) * stride) % size]


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


@partial(jax.jit, static_argnames="rows")
def _padded(parts: tuple[Array, ...], rows: int | None) -> Array:
    below = jnp.concatenate(parts)
    return below if rows is None else jnp.pad(below, ((0, rows - below.shape[0]), (0, 0)))


@partial(jax.jit, static_argnames="size")
def _assembled(rows_of_pieces: Sequence[Sequence[Array]], size: int) -> Array:
    rows = [jnp.concatenate(list(row), axis=1)[:, :size] for row in rows_of_pieces]
    return jnp.concatenate(rows)
