"""The verifier's values of the functions that FRI tests.

For every size N of low-degree extensions, F_N batches what is claimed about all columns of tables
of that size, with running powers of λ: first all columns at z, then those that are opened at g·z
too, both in the order of `Instance.matrices`,

    F_N(x) = Σ λᵏ · (f_k(z) − f_k(x)) / (z − x)  +  Σ λᵏ · (f_k(g·z) − f_k(x)) / (g·z − x)

at x = 3·ωⁱ. It is a polynomial of degree < N / 2^log_blowup exactly if all claims are true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proving.commitment.opening import Opening
from proving.errors import InvalidProof
from proving.field.extension import ZERO, Extension, PowerTable
from proving.field.koalabear import GENERATOR, P, root_of_unity
from proving.stark.instance import Instance, Matrix, Tree
from proving.stark.proof import OpenedValues


@dataclass(frozen=True, slots=True)
class _Batch:
    """Everything about one size that is the same in all queries.

    Attributes
    ----------
    members
        Matrices of this size, each as its tree's position among the openings, its position in the
        tree, and the columns that are opened at g·z.
    claims
        Σ λᵏ·f_k(z) and Σ λᵏ·f_k(g·z).
    points
        z and g·z.
    """

    members: tuple[tuple[int, int, tuple[int, ...]], ...]
    claims: tuple[Extension, Extension]
    points: tuple[Extension, Extension]


class ReducedOpenings:
    """Computes F_N from opened rows.

    Parameters
    ----------
    opened
        The claims, in the order of `Instance.matrices`.
    z, batching
        The point and λ.
    """

    def __init__(
        self,
        instance: Instance,
        opened: Sequence[OpenedValues],
        z: Extension,
        batching: Extension,
    ) -> None:
        by_size: dict[int, list[tuple[Matrix, OpenedValues]]] = {}
        log_blowup = instance.key.proof_parameters.log_blowup
        for matrix, values in zip(instance.matrices, opened, strict=True):
            by_size.setdefault(matrix.log_height + log_blowup, []).append((matrix, values))
        longest = max(
            sum(matrix.width + len(matrix.next_columns) for matrix, _ in items)
            for items in by_size.values()
        )
        self._powers = PowerTable(batching, longest)
        self._batches = {
            log_size: self._batch(instance, items, z, log_size - log_blowup)
            for log_size, items in by_size.items()
        }

    def at(self, index: int, openings: Sequence[Opening]) -> Mapping[int, Extension]:
        """Return F_N of each size, by log2 of N, at point index mod N.

        Parameters
        ----------
        openings
            One of each tree at this index, already checked against its root.

        Raises
        ------
        InvalidProof
            If z or g·z is the point itself, where nothing can be concluded.
        """
        return {
            log_size: self._value(batch, log_size, index, openings)
            for log_size, batch in self._batches.items()
        }

    def _value(
        self, batch: _Batch, log_size: int, index: int, openings: Sequence[Opening]
    ) -> Extension:
        here: list[int] = []
        following: list[int] = []
        for tree, position, next_columns in batch.members:
            row = openings[tree].rows[position]
            here += row
            following += [row[column] for column in next_columns]
        sums = self._powers.dot(here), self._powers.dot(following, offset=len(here))

        x = GENERATOR * pow(root_of_unity(log_size), index, P) % P
        result = ZERO
        for claim, value, point in zip(batch.claims, sums, batch.points, strict=True):
            distance = point - x
            if not distance:
                raise InvalidProof("point of the opened values", "outside of the domain", x)
            result = result + (claim - value) * distance.inverse()
        return result

    def _batch(
        self,
        instance: Instance,
        items: Sequence[tuple[Matrix, OpenedValues]],
        z: Extension,
        log_height: int,
    ) -> _Batch:
        position_in_tree = {
            id(matrix): position
            for tree in Tree
            for position, matrix in enumerate(instance.matrices_of(tree))
        }
        here = [value for _, values in items for value in values.here]
        following = [value for _, values in items for value in values.following]
        return _Batch(
            members=tuple(
                (
                    instance.trees.index(matrix.tree),
                    position_in_tree[id(matrix)],
                    matrix.next_columns,
                )
                for matrix, _ in items
            ),
            claims=(self._combined(here, 0), self._combined(following, len(here))),
            points=(z, z * root_of_unity(log_height)),
        )

    def _combined(self, claims: Sequence[Extension], offset: int) -> Extension:
        return sum((self._powers[offset + k] * claim for k, claim in enumerate(claims)), start=ZERO)
