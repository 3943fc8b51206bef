"""Which changes of one cell of a chip's table a verifier would reject, many at a time.

All other tables stay as they are. So a changed table passes only if it keeps to all constraints
and adds to the buses what it added before. A change concerns two rows at most, the cell's own and
the one before it, which may read it as its next; so each experiment is three neighbouring rows of
the table, and a batch of them is one wide trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from proving.air.check import Columns, FieldArray, Table, evaluator
from proving.air.chip import Domain
from proving.air.expression import Expression
from proving.field.koalabear import P

WINDOW: Final = 3
"""Rows of an experiment: before the cell's, its own, after it."""
MOST_EXPERIMENTS_AT_ONCE: Final = 1 << 10

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Evaluate = Callable[[Expression], FieldArray]


@dataclass(frozen=True, slots=True)
class CellChanges:
    """Changes of one cell each: new values of the cells at these places."""

    columns: Integers
    rows: Integers
    values: Integers

    def __len__(self) -> int:
        return len(self.columns)

    def part(self, start: int, count: int) -> CellChanges:
        """So many of them, from number `start` on."""
        some = slice(start, start + count)
        return CellChanges(self.columns[some], self.rows[some], self.values[some])


def changes_at(
    table: Table, columns: Integers, rows: Integers, generator: np.random.Generator
) -> CellChanges:
    """Give the cells at these places any other value."""
    others = generator.integers(1, P, len(columns))
    values = (table.main[columns, rows].astype(np.int64) + others) % P
    return CellChanges(columns, rows, values)


def rejected_changes(table: Table, changes: CellChanges, parameters: Mapping[str, int]) -> Flags:
    """Whether each change breaks a constraint or alters what the table adds to the buses.

    Parameters
    ----------
    table
        Honest; of at least three rows.
    """
    parts = [
        _rejected(table, changes.part(start, MOST_EXPERIMENTS_AT_ONCE), parameters)
        for start in range(0, len(changes), MOST_EXPERIMENTS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.bool_)


def _rejected(table: Table, changes: CellChanges, parameters: Mapping[str, int]) -> Flags:
    height, count = table.row_count, len(changes)
    rows = (changes.rows[:, None] + np.arange(-1, WINDOW - 1)) % height
    honest = _window(table, rows.ravel())
    main = honest.main.copy()
    main[changes.columns, np.arange(count) * WINDOW + 1] = changes.values
    changed = Table(table.air, main, honest.preprocessed)

    evaluate, evaluate_honest = evaluator(changed, parameters), evaluator(honest, parameters)
    is_rejected = np.zeros(count, np.bool_)
    for constraint in table.air.constraints:
        is_broken = evaluate(constraint.expression).values.reshape(count, WINDOW) != 0
        is_broken &= _is_in_domain(constraint.domain, rows, height)
        is_rejected |= is_broken[:, : WINDOW - 1].any(axis=1)
    said, said_before = _said(table, evaluate, count), _said(table, evaluate_honest, count)
    return np.asarray(is_rejected | (said != said_before))


def _window(table: Table, rows: Integers) -> Table:
    fixed = table.preprocessed
    return Table(table.air, table.main[:, rows], None if fixed is None else fixed[:, rows])


def _is_in_domain(domain: Domain, rows: Integers, height: int) -> Flags:
    match domain:
        case Domain.EVERY_ROW:
            return np.ones(rows.shape, np.bool_)
        case Domain.FIRST_ROW:
            return np.equal(rows, 0)
        case Domain.LAST_ROW:
            return np.equal(rows, height - 1)
        case Domain.TRANSITION:
            return np.not_equal(rows, height - 1)


def _said(table: Table, evaluate: Evaluate, count: int) -> npt.NDArray[np.uint64]:
    """One number for the multiset that each experiment's first two rows add to the buses.

    A sum over its tuples, so their order does not matter; different multisets differ in it but for
    one chance in 2^64.
    """
    total = np.zeros((count, WINDOW - 1), np.uint64)
    for interaction in table.air.interactions:
        multiplicity = evaluate(interaction.multiplicity).values.astype(np.int64)
        signed: Columns = np.where(multiplicity > P // 2, multiplicity - P, multiplicity)
        digest = _mixed(np.full(count * WINDOW, interaction.bus.identifier, np.uint64))
        for value in interaction.values:
            digest = _mixed(digest ^ evaluate(value).values)
        added = (digest * signed.astype(np.uint64)).reshape(count, WINDOW)
        total += added[:, : WINDOW - 1]
    return np.asarray(total.sum(axis=1, dtype=np.uint64))


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: a permutation of 64-bit words."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
