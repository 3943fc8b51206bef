"""What the prover of FRI sends."""

from __future__ import annotations

from dataclasses import dataclass

from proving.commitment.opening import Opening
from proving.field.extension import Extension


@dataclass(frozen=True, slots=True)
class FriProof:
    """A proof of low degree.

    Attributes
    ----------
    layer_roots
        Root of each layer's tree, largest domain first, 32 bytes each.
    final_polynomial
        Coefficients, lowest degree first.
    nonce
        Proof of work before the query indices.
    queries
        Per query, one opening in each layer's tree: the values of one coset.
    """

    layer_roots: tuple[bytes, ...]
    final_polynomial: tuple[Extension, ...]
    nonce: int
    queries: tuple[tuple[Opening, ...], ...]
