"""Interactions share columns as far as degree 3 allows, and their fractions cancel if they do."""

from __future__ import annotations

import random

import pytest

from proving.air.chip import Air, AirBuilder, Bus, ChipDefinition, compile_chip
from proving.air.evaluate import Evaluator
from proving.air.expression import Expression
from proving.air.logup import (
    LookupChallenges,
    fingerprint,
    lookup_constraints,
    lookup_layout,
)
from proving.field.extension import ONE, ZERO, Extension
from proving.field.koalabear import P

PAIR = Bus(9, "pair", ("left", "right"))
SINGLE = Bus(10, "single", ("value",))


def chip(*degrees: tuple[int, int]) -> Air:
    """Return a chip with interactions whose tuples and multiplicities have these degrees."""

    def constrain(air: AirBuilder) -> None:
        cells = air.local.many("cells")

        def of_degree(degree: int) -> Expression | int:
            value: Expression | int = 1
            for cell in cells[:degree]:
                value = value * cell
            return value

        for tuple_degree, multiplicity_degree in degrees:
            air.send(PAIR, (of_degree(tuple_degree), cells[0]), of_degree(multiplicity_degree))

    return compile_chip(ChipDefinition("chip", {"cells": 4}, constrain))


@pytest.mark.parametrize(
    ("degrees", "groups"),
    [
        ([(1, 1)] * 4, ((0, 1), (2, 3))),
        ([(1, 1)] * 3, ((0, 1), (2,))),
        ([(1, 2), (1, 2)], ((0, 1),)),
        ([(1, 3), (1, 1)], ((0,), (1,))),
        ([(2, 1), (1, 1)], ((0,), (1,))),
        ([(1, 1), (2, 1), (1, 1)], ((0, 2), (1,))),
        ([], ()),
    ],
)
def test_two_interactions_share_a_column_where_degrees_allow(
    degrees: list[tuple[int, int]], groups: tuple[tuple[int, ...], ...]
) -> None:
    layout = lookup_layout(chip(*degrees))
    assert layout.groups == groups
    assert layout.base_width == 4 * len(groups)


def test_the_fingerprint_is_a_polynomial_in_beta_with_the_bus_at_its_foot() -> None:
    gamma, beta = Extension((5, 1, 0, 2)), Extension((0, 1, 3, 0))
    expected = gamma + 9 + beta * 4 + beta * beta * 8
    assert fingerprint(PAIR, (4, 8), LookupChallenges(gamma, beta)) == expected


def test_tuples_of_different_buses_or_values_have_different_fingerprints() -> None:
    challenges = LookupChallenges(Extension((5, 1, 0, 2)), Extension((0, 1, 3, 0)))
    drawn = [
        fingerprint(bus, values, challenges)
        for bus, values in (
            (PAIR, (1, 2)),
            (PAIR, (2, 1)),
            (PAIR, (1, 0)),
            (SINGLE, (1,)),
            (SINGLE, (0,)),
        )
    ]
    assert len(set(drawn)) == len(drawn)


def random_extension(chance: random.Random) -> Extension:
    return Extension([chance.randrange(P) for _ in range(4)])


def test_columns_as_defined_satisfy_the_constraints_and_others_do_not() -> None:
    air = chip((1, 1), (1, 2), (2, 1), (1, 1), (1, 1))
    layout = lookup_layout(air)
    chance = random.Random(4)
    cells = [Extension.from_base(chance.randrange(P)) for _ in range(4)]
    evaluate = Evaluator(lambda cell: cells[cell.index], Extension.from_base, {}).evaluate
    challenges = LookupChallenges(random_extension(chance), random_extension(chance))

    def fraction(index: int) -> Extension:
        interaction = air.interactions[index]
        values = [evaluate(value) for value in interaction.values]
        own = fingerprint(interaction.bus, values, challenges)
        return evaluate(interaction.multiplicity) * own.inverse()

    sums = [sum(map(fraction, group), start=ZERO) for group in layout.groups]
    running, per_row = random_extension(chance), random_extension(chance)
    following = running + sum(sums, start=ZERO) - per_row
    columns = [*sums[:-1], running]

    def residues(changed: int | None = None) -> list[Extension]:
        own = [value + ONE if k == changed else value for k, value in enumerate(columns)]
        return lookup_constraints(layout, evaluate, own, following, per_row, challenges)

    assert residues() == [ZERO] * len(layout.groups)
    for changed in range(len(columns)):
        assert any(residues(changed))
