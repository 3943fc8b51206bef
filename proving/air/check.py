"""Evaluates expressions over whole traces, and tries traces against their chips.

The prover counts lookups with the evaluator. It does not try its traces: what `violations` and
`imbalance` would find, the verifier finds too, only without a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.air.chip import Air, Domain
from proving.air.evaluate import Evaluator
from proving.air.expression import Cell, Expression, Source
from proving.field.koalabear import P

Columns = npt.NDArray[np.uint32]
"""Shape (columns, rows), canonical values."""


@dataclass(frozen=True, slots=True)
class FieldArray:
    """One value per row; arithmetic modulo P."""

    values: npt.NDArray[np.uint64]

    def __add__(self, other: FieldArray) -> FieldArray:
        return FieldArray((self.values + other.values) % P)

    def __sub__(self, other: FieldArray) -> FieldArray:
        return FieldArray((self.values + (P - other.values)) % P)

    def __mul__(self, other: FieldArray) -> FieldArray:
        return FieldArray(self.values * other.values % P)


@dataclass(frozen=True, slots=True)
class Table:
    """A chip with its trace."""

    air: Air
    main: Columns
    preprocessed: Columns | None = None

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return int(self.main.shape[1])


def evaluator(table: Table, parameters: Mapping[str, int]) -> Callable[[Expression], FieldArray]:
    """Evaluate expressions in all rows at once."""

    def cell(leaf: Cell) -> FieldArray:
        matrix = table.main if leaf.source is Source.MAIN else table.preprocessed
        assert matrix is not None, f"{table.air.name} has no preprocessed columns"
        column = matrix[leaf.index].astype(np.uint64)
        return FieldArray(np.roll(column, -1) if leaf.is_next else column)

    def constant(value: int) -> FieldArray:
        return FieldArray(np.full(table.row_count, value % P, np.uint64))

    return Evaluator(cell, constant, parameters).evaluate


def violations(table: Table, parameters: Mapping[str, int] | None = None) -> list[str]:
    """Every constraint that some row breaks, with the first such row."""
    expected = (table.air.main_width, table.row_count)
    if table.main.shape != expected:
        return [f"{table.air.name}: main columns {table.main.shape}, expected {expected}"]
    evaluate = evaluator(table, parameters or {})
    found = []
    for constraint in table.air.constraints:
        rows = np.flatnonzero(evaluate(constraint.expression).values)
        rows = rows[_is_in_domain(constraint.domain, rows, table.row_count)]
        if rows.size:
            found.append(f"{table.air.name}: {constraint.name} fails in row {rows[0]}")
    return found


def imbalance(
    tables: Iterable[Table],
    parameters: Mapping[str, int] | None = None,
    public: Mapping[tuple[str, tuple[int, ...]], int] | None = None,
) -> dict[tuple[str, tuple[int, ...]], int]:
    """Tuples whose sends and receives differ: (bus name, tuple) to the surplus sent.

    `public` holds what the verifier itself adds, in the same form.
    """
    balance: Counter[tuple[str, tuple[int, ...]]] = Counter(public or {})
    for table in tables:
        evaluate = evaluator(table, parameters or {})
        for interaction in table.air.interactions:
            multiplicity = evaluate(interaction.multiplicity).values
            rows = np.flatnonzero(multiplicity)
            columns = [evaluate(value).values[rows] for value in interaction.values]
            signed = multiplicity[rows].astype(np.int64)
            signed[signed > P // 2] -= P
            name = interaction.bus.name
            for count, values in zip(signed, zip(*columns, strict=True), strict=True):
                balance[name, tuple(int(value) for value in values)] += int(count)
    return {key: count for key, count in balance.items() if count}


def _is_in_domain(domain: Domain, rows: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.bool_]:
    is_first, is_last = np.equal(rows, 0), np.equal(rows, count - 1)
    match domain:
        case Domain.EVERY_ROW:
            return np.ones(rows.shape, np.bool_)
        case Domain.FIRST_ROW:
            return is_first
        case Domain.LAST_ROW:
            return is_last
        case Domain.TRANSITION:
            return ~is_last
