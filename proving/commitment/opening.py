"""An opened row of a mixed-height Merkle tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opening:
    """The rows at one index, and the siblings on its way to the root.

    Attributes
    ----------
    rows
        For every matrix in commit order, the canonical values of row index mod height.
    path
        Sibling digests of 32 bytes, from the tallest layer up; one per halving.
    """

    rows: Sequence[Sequence[int]]
    path: Sequence[bytes]
