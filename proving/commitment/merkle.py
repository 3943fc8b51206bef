"""Commit to matrices of different heights in one Merkle tree (the layout is in `verify`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proving.commitment.hashing import Digests, hash_leaves, hash_nodes
from proving.commitment.opening import Opening
from proving.field import jax_base as base
from proving.field.host_arrays import Words, on_host, to_host
from proving.field.ntt_plan import log_height

# isort: split
import numpy as np
from jax import Array
from numpy.typing import NDArray

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class MerkleTree:
    """A commitment and what is needed to open it.

    Attributes
    ----------
    root
        32 bytes.
    dimensions
        (width, log2 of the height) of every matrix, in commit order.
    matrices
        The committed matrices, (width, height), Montgomery form.
    layers
        Digests from the tallest layer to the root.
    """

    root: bytes
    dimensions: tuple[tuple[int, int], ...]
    matrices: tuple[Array, ...]
    layers: tuple[Digests, ...]

    def open_many(self, indices: Sequence[int]) -> list[Opening]:
        """Open the rows at several indices into the tallest height.

        Raises
        ------
        IndexError
            If an index is not below the tallest height.
        """
        height = self.layers[0].shape[1]
        outside = [index for index in indices if not 0 <= index < height]
        if outside:
            raise IndexError(f"indices must be in 0..{height - 1}, got {outside}")
        positions = np.asarray(indices, np.int64)
        rows = [_rows(matrix, positions % matrix.shape[1]) for matrix in self.matrices]
        paths = [
            _digests(layer, (positions + layer.shape[1] // 2) % layer.shape[1])
            for layer in self.layers[:-1]
        ]
        return [
            Opening(tuple(row[i] for row in rows), tuple(path[i] for path in paths))
            for i in range(len(positions))
        ]


def commit(matrices: Sequence[Array]) -> MerkleTree:
    """Commit to matrices in the given order.

    Parameters
    ----------
    matrices
        (width, height) each, uint32 in Montgomery form, heights powers of two. The columns of
        matrices of one height are concatenated in their leaves.

    Raises
    ------
    ValueError
        If there is no matrix, or a shape is not as described.
    """
    if not matrices:
        raise ValueError("there is nothing to commit to")
    dimensions = tuple((matrix.shape[0], log_height(matrix)) for matrix in matrices)
    if not all(width for width, _ in dimensions):
        raise ValueError(f"every matrix needs a column, got widths and log heights {dimensions}")
    by_log_height: dict[int, list[Array]] = {}
    for (_, log), matrix in zip(dimensions, matrices, strict=True):
        by_log_height.setdefault(log, []).append(matrix)

    tallest = max(by_log_height)
    layers = [hash_leaves(by_log_height[tallest])]
    for log in range(tallest - 1, -1, -1):
        leaves = hash_leaves(by_log_height[log]) if log in by_log_height else None
        layers.append(hash_nodes(layers[-1], leaves))
    root = _digests(layers[-1], np.zeros(1, np.int64))[0]
    return MerkleTree(root, dimensions, tuple(matrices), tuple(layers))


def _rows(matrix: Array, positions: Positions) -> list[tuple[int, ...]]:
    return [tuple(row) for row in base.canonical(_gather(matrix, positions).T).tolist()]


def _digests(layer: Digests, positions: Positions) -> list[bytes]:
    return [row.tobytes() for row in _gather(layer, positions).T.astype(">u4", order="C")]


def _gather(source: Digests, positions: Positions) -> Words:
    """Return columns of an array on the host; only they leave a device."""
    return np.asarray((to_host(source) if on_host() else source)[:, positions])
