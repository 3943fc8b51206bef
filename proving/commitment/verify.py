"""Check an opened row against the root of a mixed-height Merkle tree; plain integers only.

With N the tallest height, node i of a layer of 2m nodes pairs with node i + m:

    leaf_h[i] = SHA256(LEAF || row i of every matrix of height h, in commit order)
    layer_N   = leaf_N
    layer_m[i] = SHA256(NODE_WITH_ROW || layer_2m[i] || layer_2m[i + m] || leaf_m[i])
    layer_m[i] = SHA256(NODE || layer_2m[i] || layer_2m[i + m])    where no matrix has height m

and the root is layer_1[0]. A row is its values, four bytes each, big-endian, as are tags.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from proving.commitment.errors import OpeningRejected
from proving.commitment.opening import Opening
from proving.commitment.tags import LEAF, NODE, NODE_WITH_ROW
from proving.field.koalabear import P

DIGEST_BYTES: Final = 32

_LEAF_TAG: Final = struct.pack(">I", LEAF)
_NODE_TAG: Final = struct.pack(">I", NODE)
_NODE_WITH_ROW_TAG: Final = struct.pack(">I", NODE_WITH_ROW)


def verify_opening(
    root: bytes, dimensions: Sequence[tuple[int, int]], index: int, opening: Opening
) -> None:
    """Check that an opening shows the committed rows at an index.

    Parameters
    ----------
    root
        The commitment, 32 bytes.
    dimensions
        (width, log2 of the height) of every matrix in commit order. The verifier knows these; they
        are never taken from a proof.
    index
        Index into the tallest height.
    opening
        From the prover: shapes and ranges are checked before anything is hashed.

    Raises
    ------
    OpeningRejected
        If a shape, a value or the resulting root is not as expected.
    ValueError
        If the caller's own dimensions or index make no sense.
    """
    log_height = max((log for _, log in dimensions), default=-1)
    if not dimensions or not 0 <= index < 1 << log_height:
        raise ValueError(f"index {index} is outside of a tree with {log_height=}")
    _check_shape(dimensions, log_height, opening)

    node = _leaf(dimensions, log_height, opening)
    present = {log for _, log in dimensions}
    for log_half, sibling in zip(range(log_height - 1, -1, -1), opening.path, strict=True):
        half = 1 << log_half
        left, right = (node, sibling) if index < half else (sibling, node)
        index %= half
        if log_half in present:
            row = _leaf(dimensions, log_half, opening)
            node = sha256(_NODE_WITH_ROW_TAG + left + right + row).digest()
        else:
            node = sha256(_NODE_TAG + left + right).digest()
    if node != root:
        raise OpeningRejected("root", root.hex(), node.hex())


def _check_shape(dimensions: Sequence[tuple[int, int]], log_height: int, opening: Opening) -> None:
    if len(opening.rows) != len(dimensions):
        raise OpeningRejected("number of rows", len(dimensions), len(opening.rows))
    if len(opening.path) != log_height:
        raise OpeningRejected("path length", log_height, len(opening.path))
    for number, (row, (width, _)) in enumerate(zip(opening.rows, dimensions, strict=True)):
        if len(row) != width:
            raise OpeningRejected(f"width of row {number}", width, len(row))
        if width and not (min(row) >= 0 and max(row) < P):
            raise OpeningRejected(f"values of row {number}", f"0..{P - 1}", (min(row), max(row)))
    for level, sibling in enumerate(opening.path):
        if len(sibling) != DIGEST_BYTES:
            raise OpeningRejected(f"bytes of node {level}", DIGEST_BYTES, len(sibling))


def _leaf(dimensions: Sequence[tuple[int, int]], log_height: int, opening: Opening) -> bytes:
    hasher = sha256(_LEAF_TAG)
    for (width, log), row in zip(dimensions, opening.rows, strict=True):
        if log == log_height:
            hasher.update(struct.pack(f">{width}I", *row))
    return hasher.digest()
