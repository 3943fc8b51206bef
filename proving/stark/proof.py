"""What the prover sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proving.commitment.opening import Opening
from proving.field.extension import Extension
from proving.fri.proof import FriProof


@dataclass(frozen=True, slots=True)
class OpenedValues:
    """Values of a matrix's columns at the point z.

    Attributes
    ----------
    here
        Of all columns at z.
    following
        At g·z, with g the generator of the trace's domain: of the columns that are read in the next
        row.
    """

    here: tuple[Extension, ...]
    following: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof. `Instance` says how many of everything there are.

    Attributes
    ----------
    log_heights
        For each chip of the machine; `ABSENT` for those that are absent.
    main_root, lookup_root, quotient_root
        32 bytes each. The preprocessed tree's root is in the verifying key.
    lookup_nonce, batching_nonce
        Proofs of work before the challenges of the lookups and of the batching.
    sums
        S of each table with interactions.
    opened
        In the order of `Instance.matrices`.
    queries
        For each query of FRI one opening of each tree, in the order of `Instance.trees`.
    """

    log_heights: tuple[int, ...]
    main_root: bytes
    lookup_nonce: int
    lookup_root: bytes
    sums: tuple[Extension, ...]
    quotient_root: bytes
    opened: tuple[OpenedValues, ...]
    batching_nonce: int
    fri: FriProof
    queries: tuple[tuple[Opening, ...], ...]

    def opened_values(self) -> Iterator[Extension]:
        """All opened values in the order in which the transcript observes them."""
        for matrix in self.opened:
            yield from matrix.here
            yield from matrix.following
