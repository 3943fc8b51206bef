"""The verifier's check that a table's opened values satisfy its constraints at the point z.

For every table, with Z(X) = Xⁿ − 1 and ℓ the last point of the trace's domain,

    Q₀(z) + zⁿ·Q₁(z)  =  Σ αᵏ·C_k(z) / D_k(z)

where C_k runs through the constraints and then those of the lookup groups, and D_k vanishes in the
rows in which C_k holds: Z for every row, Z/(X − ℓ) for all but the last, X − 1 for the first and
X − ℓ for the last. If all C_k are zero where they have to be, the right side is a polynomial of
degree < 2n, and otherwise α makes it one only by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from proving.air.chip import Domain
from proving.air.evaluate import Evaluator
from proving.air.expression import Cell, Expression, Source
from proving.air.logup import LookupChallenges, lookup_constraints
from proving.errors import ConstraintMismatch
from proving.field.extension import DEGREE, ONE, ZERO, Extension
from proving.field.koalabear import inverse, root_of_unity
from proving.stark.instance import Table, Tree
from proving.stark.proof import OpenedValues

UNITS = tuple(Extension([int(i == k) for i in range(DEGREE)]) for k in range(DEGREE))


@dataclass(frozen=True, slots=True)
class ConstraintChallenges:
    """Everything drawn before the opened values were sent."""

    lookups: LookupChallenges
    alpha: Extension
    z: Extension


def check_constraints(
    table: Table,
    opened: Mapping[Tree, OpenedValues],
    claimed_sum: Extension,
    challenges: ConstraintChallenges,
    parameters: Mapping[str, int],
) -> None:
    """Check one table.

    Parameters
    ----------
    opened
        Of each tree that the table has columns in.
    claimed_sum
        S of the table's lookups; of no matter if it has none.

    Raises
    ------
    ConstraintMismatch
        If the identity does not hold.
    """
    expected = expected_quotient(table, opened, claimed_sum, challenges, parameters)
    low, high = extensions_of(opened[Tree.QUOTIENT].here)
    got = low + challenges.z**table.height * high
    if got != expected:
        raise ConstraintMismatch(f"quotient of {table.air.name}", expected, got)


def expected_quotient(
    table: Table,
    opened: Mapping[Tree, OpenedValues],
    claimed_sum: Extension,
    challenges: ConstraintChallenges,
    parameters: Mapping[str, int],
) -> Extension:
    """Return the right side of the identity.

    Raises
    ------
    ConstraintMismatch
        If z is a point of the trace's domain, where nothing can be concluded.
    """
    evaluate = _evaluator(table, opened, parameters)
    divisors = _inverse_divisors(table, challenges.z)
    expected, power = ZERO, ONE
    for constraint in table.air.constraints:
        value = evaluate(constraint.expression)
        expected = expected + power * divisors[constraint.domain] * value
        power = power * challenges.alpha
    if table.layout.groups:
        lookups = opened[Tree.LOOKUP]
        for value in lookup_constraints(
            table.layout,
            evaluate,
            extensions_of(lookups.here),
            extensions_of(lookups.following)[0],
            claimed_sum * inverse(table.height),
            challenges.lookups,
        ):
            expected = expected + power * divisors[Domain.EVERY_ROW] * value
            power = power * challenges.alpha
    return expected


def extensions_of(coordinates: Sequence[Extension]) -> list[Extension]:
    """Return the values of extension columns from those of their coordinates' columns."""
    return [
        sum(
            (unit * value for unit, value in zip(UNITS, coordinates[i : i + DEGREE], strict=True)),
            start=ZERO,
        )
        for i in range(0, len(coordinates), DEGREE)
    ]


def _inverse_divisors(table: Table, z: Extension) -> dict[Domain, Extension]:
    """Return 1 / D(z) of each domain."""
    last = inverse(root_of_unity(table.log_height))
    zerofier = z**table.height - 1
    if not zerofier:
        raise ConstraintMismatch(f"point z of {table.air.name}", "outside of the trace", z)
    return {
        Domain.EVERY_ROW: zerofier.inverse(),
        Domain.TRANSITION: (z - last) * zerofier.inverse(),
        Domain.FIRST_ROW: (z - 1).inverse(),
        Domain.LAST_ROW: (z - last).inverse(),
    }


def _evaluator(
    table: Table, opened: Mapping[Tree, OpenedValues], parameters: Mapping[str, int]
) -> Callable[[Expression], Extension]:
    cells: dict[Cell, Extension] = {}
    for source, tree in ((Source.MAIN, Tree.MAIN), (Source.PREPROCESSED, Tree.PREPROCESSED)):
        if tree in opened:
            for index, value in enumerate(opened[tree].here):
                cells[Cell(source, index)] = value
            following = zip(table.next_columns(tree), opened[tree].following, strict=True)
            for index, value in following:
                cells[Cell(source, index, is_next=True)] = value
    return Evaluator(cells.__getitem__, Extension.from_base, parameters).evaluate
