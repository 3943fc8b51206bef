"""LogUp: a bus balances exactly if a sum of fractions over all rows of all chips is zero.

An interaction with tuple (v₁, …, v_k) on bus v₀ and multiplicity m contributes m / d in each row,
where d = γ + v₀ + β·v₁ + … + β^k·v_k is its fingerprint (Haböck, eprint 2022/1530).

A chip commits to these columns over the extension field:

    h_g   for each group g of interactions but the last: the sum of the group's fractions
    φ     running sums: φ(next row) − φ(row) + S/n = Σ h_g + fractions of the last group

where S is the chip's total over all n rows, which the prover claims. Rows are taken in a circle, so
that φ returns to its start exactly if S is the total: no selector is needed, and the verifier is
left with Σ S = 0. Groups are as large as constraints of degree 3 allow: with two interactions,
h·d₁·d₂ = m₁·d₂ + m₂·d₁.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proving.air.chip import MAXIMUM_DEGREE, Air, Bus, Interaction
from proving.air.expression import Expression
from proving.field.extension import DEGREE, ONE, ZERO, Extension

MAXIMUM_GROUP = 2


@dataclass(frozen=True, slots=True)
class LookupLayout:
    """Which interactions share a column.

    Attributes
    ----------
    groups
        Indices of the interactions of each group; empty if the chip has no interactions. Column g
        belongs to group g, but the last column is φ, whose constraint contains the last group.
    """

    interactions: tuple[Interaction, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def column_count(self) -> int:
        """Number of columns over the extension field."""
        return len(self.groups)

    @property
    def base_width(self) -> int:
        """Number of base-field columns: four for each extension column, coordinates in order."""
        return DEGREE * len(self.groups)


@dataclass(frozen=True, slots=True)
class LookupChallenges:
    """The challenges of the fingerprint."""

    gamma: Extension
    beta: Extension


def lookup_layout(air: Air) -> LookupLayout:
    """Put each interaction into the first group that has room for it."""
    groups: list[list[int]] = []
    for index in range(len(air.interactions)):
        for group in groups:
            members = [air.interactions[member] for member in (*group, index)]
            if len(members) <= MAXIMUM_GROUP and _group_degree(members) <= MAXIMUM_DEGREE:
                group.append(index)
                break
        else:
            groups.append([index])
    return LookupLayout(air.interactions, tuple(tuple(group) for group in groups))


def fingerprint(
    bus: Bus, values: Sequence[Extension | int], challenges: LookupChallenges
) -> Extension:
    """Return γ + v₀ + β·v₁ + … + β^k·v_k, where v₀ is the identifier of the bus."""
    result = ZERO
    for value in reversed(values):
        result = (result + value) * challenges.beta
    return result + bus.identifier + challenges.gamma


def lookup_constraints(
    layout: LookupLayout,
    evaluate: Callable[[Expression], Extension],
    columns: Sequence[Extension],
    next_sum: Extension,
    sum_per_row: Extension,
    challenges: LookupChallenges,
) -> list[Extension]:
    """Evaluate the constraint of each group at one point; all are zero in each row of the trace.

    Parameters
    ----------
    evaluate
        Values of the chip's expressions at that point.
    columns
        Values of the columns, in the layout's order.
    next_sum
        Value of φ one row on.
    sum_per_row
        S/n.
    """
    *sums, running_sum = columns
    last = next_sum - running_sum + sum_per_row
    for value in sums:
        last = last - value

    constraints = []
    for group, value in zip(layout.groups, (*sums, last), strict=True):
        numerator, denominator = ZERO, ONE
        for member in group:
            interaction = layout.interactions[member]
            values = [evaluate(expression) for expression in interaction.values]
            own = fingerprint(interaction.bus, values, challenges)
            numerator = numerator * own + evaluate(interaction.multiplicity) * denominator
            denominator = denominator * own
        constraints.append(value * denominator - numerator)
    return constraints


def _group_degree(members: Sequence[Interaction]) -> int:
    """Degree of h·Π d − Σ m·Π (other d)."""
    degrees = [max(value.degree for value in member.values) for member in members]
    product = sum(degrees)
    numerators = [
        member.multiplicity.degree + product - own
        for member, own in zip(members, degrees, strict=True)
    ]
    return max(1 + product, *numerators)
