"""The prover's evaluation on arrays agrees with the verifier's on single elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest

from proving.air.chip import Air, AirBuilder, ChipDefinition, Domain, compile_chip
from proving.air.evaluate import Evaluator
from proving.air.evaluate_jax import Cells, ChipEvaluator, LookupTerms
from proving.air.expression import Cell, Expression, Source, total
from proving.air.logup import LookupChallenges, lookup_constraints
from proving.chips.add_sub import ADD_SUB
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import ONE, ZERO, Extension
from proving.field.koalabear import P
from tests.support.toy_machine import FIBONACCI, MIXER, PARAMETERS, SQUARE, SQUARES, USER

POINTS = 5
GAMMA, BETA = Extension((3, 1, 4, 1)), Extension((5, 9, 2, 6))
ALPHA, PER_ROW = Extension((5, 3, 5, 8)), Extension((9, 7, 9, 3))
CHALLENGES = LookupChallenges(GAMMA, BETA)


def _constrain_long(air: AirBuilder) -> None:
    """Sums and tuples long enough to become loops, of all kinds of terms."""
    cells = air.local.many("cells")
    added, subtracted = total(cells[:23]), total(cells[5:37])
    scaled = total(cell * (k + 3) for k, cell in enumerate(cells))
    shared = added - subtracted + scaled + 9
    for k in range(7):
        air.assert_zero(f"product {k}", shared * (cells[k] + added) * (scaled - cells[k + 1]))
    air.assert_zero("sum", shared - subtracted + air.parameter("seed"), Domain.TRANSITION)
    for k in range(5):
        air.send(SQUARE, (cells[k], 7), cells[k] * shared)
    air.receive(SQUARE, (air.parameter("seed"), scaled * cells[1]), shared)
    air.receive(SQUARE, (1, 2))


LONG = ChipDefinition("long", {"cells": 40}, _constrain_long)


@dataclass(frozen=True)
class Points:
    """Random values of everything at some points, canonical; and evaluation at one of them."""

    air: Air
    cells: tuple[np.ndarray, ...]
    columns: np.ndarray
    next_sum: np.ndarray
    selectors: np.ndarray

    def evaluate_at(self, point: int) -> Callable[[Expression], Extension]:
        main, next_main, preprocessed, _ = self.cells

        def cell(leaf: Cell) -> Extension:
            if leaf.is_next:
                value = next_main[self.air.next_main.index(leaf.index), point]
            else:
                matrix = main if leaf.source is Source.MAIN else preprocessed
                value = matrix[leaf.index, point]
            return Extension.from_base(int(value))

        return Evaluator(cell, Extension.from_base, PARAMETERS).evaluate

    @property
    def on_device(self) -> Cells:
        return Cells(*(montgomery(matrix) for matrix in self.cells))


def montgomery(values: np.ndarray) -> jnp.ndarray:
    return base.to_montgomery(jnp.asarray(values))


def points_of(air: Air, lookup_width: int) -> Points:
    generator = np.random.default_rng(8)

    def random(*shape: int) -> np.ndarray:
        return generator.integers(0, P, shape, dtype=np.uint32)

    widths = (air.main_width, len(air.next_main), air.preprocessed_width, 0)
    return Points(
        air,
        tuple(random(width, POINTS) for width in widths),
        random(lookup_width, POINTS),
        random(4, POINTS),
        random(4, POINTS),
    )


def element(rows: np.ndarray, point: int) -> Extension:
    return Extension([int(value) for value in rows[:, point]])


def parameters_of(evaluator: ChipEvaluator) -> jnp.ndarray:
    values = [base.constant(PARAMETERS[name]) for name in evaluator.parameter_names]
    return jnp.asarray(np.array(values, np.uint32))


CHIPS = [FIBONACCI, SQUARES, USER, MIXER, LONG, ADD_SUB]


@pytest.mark.parametrize("definition", CHIPS, ids=lambda chip: chip.name)
def test_the_quotient_is_the_sum_of_all_constraints_over_their_divisors(
    definition: ChipDefinition,
) -> None:
    air = compile_chip(definition)
    evaluator = ChipEvaluator(air)
    given = points_of(air, evaluator.layout.base_width)
    alphas = extension.powers(ALPHA, evaluator.challenge_count)
    result = evaluator.quotient(
        given.on_device,
        LookupTerms(
            montgomery(given.columns), montgomery(given.next_sum), extension.constant(PER_ROW)
        ),
        montgomery(given.selectors),
        parameters_of(evaluator),
        extension.constant(GAMMA),
        extension.constant(BETA),
        alphas,
    )

    for point in range(POINTS):
        evaluate = given.evaluate_at(point)
        minus_last, zerofier, first, last = (int(row[point]) for row in given.selectors)
        divisors = {
            Domain.EVERY_ROW: zerofier,
            Domain.TRANSITION: minus_last * zerofier,
            Domain.FIRST_ROW: first,
            Domain.LAST_ROW: last,
        }
        expected, power = ZERO, ONE
        for constraint in air.constraints:
            value = evaluate(constraint.expression) * divisors[constraint.domain]
            expected, power = expected + power * value, power * ALPHA
        if evaluator.layout.groups:
            columns = [
                element(given.columns[4 * k : 4 * k + 4], point)
                for k in range(evaluator.layout.column_count)
            ]
            for value in lookup_constraints(
                evaluator.layout,
                evaluate,
                columns,
                element(given.next_sum, point),
                PER_ROW,
                CHALLENGES,
            ):
                expected, power = expected + power * value * zerofier, power * ALPHA
        assert extension.to_extension(result[:, point]) == expected


@pytest.mark.parametrize(
    "definition", [FIBONACCI, SQUARES, USER, LONG, ADD_SUB], ids=lambda chip: chip.name
)
def test_lookup_columns_satisfy_their_constraints(definition: ChipDefinition) -> None:
    air = compile_chip(definition)
    evaluator = ChipEvaluator(air)
    given = points_of(air, 0)
    columns, totals = evaluator.lookup_columns(
        given.on_device,
        parameters_of(evaluator),
        extension.constant(GAMMA),
        extension.constant(BETA),
    )
    assert columns.shape == (4 * (evaluator.layout.column_count - 1), POINTS)
    for point in range(POINTS):
        sums = [
            extension.to_extension(columns[4 * k : 4 * k + 4, point])
            for k in range(evaluator.layout.column_count - 1)
        ]
        total_of_row = extension.to_extension(totals[:, point])
        residues = lookup_constraints(
            evaluator.layout,
            given.evaluate_at(point),
            [*sums, ZERO],
            total_of_row,
            ZERO,
            CHALLENGES,
        )
        assert residues == [ZERO] * evaluator.layout.column_count


def test_the_program_takes_any_number_of_points() -> None:
    air = compile_chip(USER)
    evaluator = ChipEvaluator(air)
    given = points_of(air, 0)
    arguments = (
        parameters_of(evaluator),
        extension.constant(GAMMA),
        extension.constant(BETA),
    )
    columns, totals = evaluator.lookup_columns(given.on_device, *arguments)
    first = Cells(*(matrix[:, :2] for matrix in given.on_device))
    few_columns, few_totals = evaluator.lookup_columns(first, *arguments)
    assert np.array_equal(few_columns, columns[:, :2])
    assert np.array_equal(few_totals, totals[:, :2])
