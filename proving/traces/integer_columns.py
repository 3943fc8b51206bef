"""Columns of expressions, quickly: integers that are reduced modulo P only where they must be.

Each column has bounds, which follow from the bounds of what it is computed from. The elements of
most lookups are sums of a few cells, which need no reduction but the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.air.check import Table
from proving.air.evaluate import Evaluator
from proving.air.expression import Cell, Expression, Source
from proving.field.koalabear import P
from proving.traces.columns import Column

Rows = slice | npt.NDArray[np.intp]

LARGEST = 1 << 62
"""Bounds stay within it, in absolute value: no operation leaves 64 bits."""


@dataclass(frozen=True, slots=True)
class Integers:
    """One integer per row (or one for all rows) from `low` to `high`, each standing modulo P."""

    values: npt.NDArray[np.int64]
    low: int
    high: int

    def __add__(self, other: Integers) -> Integers:
        low, high = self.low + other.low, self.high + other.high
        if max(-low, high) > LARGEST:
            return self._reduced() + other._reduced()
        return Integers(self.values + other.values, low, high)

    def __sub__(self, other: Integers) -> Integers:
        low, high = self.low - other.high, self.high - other.low
        if max(-low, high) > LARGEST:
            return self._reduced() - other._reduced()
        return Integers(self.values - other.values, low, high)

    def __mul__(self, other: Integers) -> Integers:
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        if max(-min(corners), max(corners)) > LARGEST:
            return self._reduced() * other._reduced()
        return Integers(self.values * other.values, min(corners), max(corners))

    @property
    def canonical(self) -> npt.NDArray[np.int64]:
        """The values in [0, P)."""
        return self._reduced().values

    def _reduced(self) -> Integers:
        if self.low >= 0 and self.high < P:
            return self
        return Integers(self.values % P, 0, P - 1)


def columns_of(
    table: Table, rows: Rows, parameters: Mapping[str, int]
) -> Callable[[Expression], Column]:
    """Return what evaluates expressions in some rows, to canonical values."""
    count = np.arange(table.row_count)[rows].size

    def cell(leaf: Cell) -> Integers:
        matrix = table.main if leaf.source is Source.MAIN else table.preprocessed
        assert matrix is not None, f"{table.air.name} has no preprocessed columns"
        column = np.roll(matrix[leaf.index], -1) if leaf.is_next else matrix[leaf.index]
        return Integers(column[rows].astype(np.int64), 0, P - 1)

    def constant(value: int) -> Integers:
        canonical = value % P
        nearest = canonical if canonical <= P // 2 else canonical - P
        return Integers(np.array(nearest, np.int64), nearest, nearest)

    evaluate = Evaluator(cell, constant, parameters).evaluate

    def column(expression: Expression) -> Column:
        return np.broadcast_to(evaluate(expression).canonical, count).astype(np.uint32)

    return column
