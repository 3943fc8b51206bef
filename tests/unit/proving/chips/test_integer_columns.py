"""Expressions on integers that are rarely reduced have the values that the field says."""

import numpy as np
import pytest

from proving.air.check import Table, evaluator
from proving.air.expression import Cell, Expression, Source
from proving.chips.image_table import IMAGE_END_WORD
from proving.chips.registry import CHIPS, RegisteredChip
from proving.field.koalabear import P
from proving.traces.integer_columns import columns_of

PARAMETERS = {IMAGE_END_WORD: 0x3000}
ROWS = 8


def extreme_table(chip: RegisteredChip) -> Table:
    """Random cells, many of them at the field's ends."""
    generator = np.random.default_rng(1)

    def matrix(width: int) -> np.ndarray:
        cells = generator.integers(0, P, (width, ROWS))
        ends = generator.choice((0, 1, P - 1), (width, ROWS))
        return np.where(generator.integers(0, 2, cells.shape), cells, ends).astype(np.uint32)

    return Table(chip.air, matrix(chip.air.main_width), matrix(chip.air.preprocessed_width))


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_every_expression_of_a_chip_has_its_value(chip: RegisteredChip) -> None:
    table = extreme_table(chip)
    expressions = [constraint.expression for constraint in chip.air.constraints]
    for interaction in chip.air.interactions:
        expressions += [*interaction.values, interaction.multiplicity]
    in_the_field = evaluator(table, PARAMETERS)
    of_all, of_some = (
        columns_of(table, rows, PARAMETERS) for rows in (slice(None), np.array([1, 4, 7]))
    )
    for expression in expressions:
        expected = in_the_field(expression).values
        assert of_all(expression).tolist() == expected.tolist()
        assert of_some(expression).tolist() == expected[[1, 4, 7]].tolist()


def test_long_sums_of_products_stay_within_64_bits() -> None:
    largest = np.full((1, ROWS), P - 1, np.uint32)
    table = Table(CHIPS[0].air, largest)
    cell: Expression = Cell(Source.MAIN, 0)
    value, expected = cell, P - 1
    for step in range(1, 20):
        value = value * value + cell * (1 << 30) - step
        expected = (expected * expected + (P - 1) * (1 << 30) - step) % P
        value = value + value + value
        expected = 3 * expected % P
    assert columns_of(table, slice(None), {})(value).tolist() == [expected] * ROWS


def test_a_constant_is_the_same_in_all_rows() -> None:
    table = Table(CHIPS[0].air, np.zeros((1, ROWS), np.uint32))
    value = Cell(Source.MAIN, 0) * 0 - 1
    assert columns_of(table, slice(3), {})(value).tolist() == [P - 1] * 3
