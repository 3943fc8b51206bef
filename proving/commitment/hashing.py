"""Digests of rows on whichever device computes: compiled loops on CPUs, XLA elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from proving.commitment import sha256_lanes, sha256_xla
from proving.commitment.tags import LEAF, NODE, NODE_WITH_ROW
from proving.field.host_arrays import Words, on_host

# isort: split
import jax.numpy as jnp
import numpy as np
from jax import Array

Digests = Array | Words
"""(8, count) uint32: word i of every digest, big-endian."""


def hash_leaves(matrices: Sequence[Array]) -> Digests:
    """Return the leaf digests of matrices of one height, (width, height) in Montgomery form."""
    return _hash_rows(LEAF, list(matrices), montgomery=True)


def hash_nodes(layer: Digests, leaves: Digests | None) -> Digests:
    """Return the layer above: node i over nodes i and i + half, with the leaf of row i if any."""
    half = layer.shape[1] // 2
    children = [layer[:, :half], layer[:, half:]]
    if leaves is None:
        return _hash_rows(NODE, children, montgomery=False)
    return _hash_rows(NODE_WITH_ROW, [*children, leaves], montgomery=False)


def _hash_rows(tag: int, matrices: Sequence[Digests], *, montgomery: bool) -> Digests:
    if on_host():
        words = [np.asarray(matrix) for matrix in matrices]
        return sha256_lanes.hash_rows(tag, words, montgomery=montgomery)
    return sha256_xla.hash_rows(
        tag, [jnp.asarray(matrix) for matrix in matrices], montgomery=montgomery
    )
