"""Attacks on cells: every column of every chip changed, in the traces of honest runs."""

from __future__ import annotations

import numpy as np

from proving.air.check import Table
from proving.chips.registry import CHIP_BY_NAME, CHIPS
from proving.traces.assembly import parameters, preprocessed
from tests.soundness.worlds import Run, runs_with
from tests.support.cell_attacks import CellChanges, changes_at, rejected_changes
from tests.support.proof_mutations import Tally

MOST_ROWS_PER_RUN = 40
"""Some cells are free in some rows (an inverse that nothing asks for), but no column in all: then
it would not be needed. So a column is changed in row after row, until a change is rejected."""
MOST_DRAWS = 32
"""Each of 16 cells."""


def cell_tallies(most_columns: int | None = None, seed: int = 1) -> list[Tally]:
    """For each chip: how many columns were changed, and in how many some change was rejected.

    Parameters
    ----------
    most_columns
        Of wider chips so many are drawn; all where it is None.
    """
    return [_columns_of(chip.name, most_columns, seed) for chip in CHIPS]


def table_of(chip: str, run: Run) -> Table:
    """The chip's honest table."""
    air = CHIP_BY_NAME[chip].air
    fixed = preprocessed(run.program)[chip] if air.preprocessed_width else None
    return Table(air, run.traces[chip], fixed)


def rejected_change(chip: str, run: Run, generator: np.random.Generator) -> CellChanges | None:
    """One change of a random cell that a verifier rejects.

    None where there seems to be none: the table of an empty image has padding rows only.
    """
    table = table_of(chip, run)
    width, height = table.main.shape
    for _ in range(MOST_DRAWS):
        columns, rows = generator.integers(0, width, 16), generator.integers(0, height, 16)
        changes = changes_at(table, columns, rows, generator)
        found = np.flatnonzero(rejected_changes(table, changes, parameters(run.program)))
        if found.size:
            return changes.part(int(found[0]), 1)
    return None


def _columns_of(chip: str, most_columns: int | None, seed: int) -> Tally:
    generator = np.random.default_rng([seed, *chip.encode()])
    width = CHIP_BY_NAME[chip].air.main_width
    count = width if most_columns is None else min(width, most_columns)
    left = generator.permutation(width)[:count]
    for run in runs_with(chip):
        table = table_of(chip, run)
        for number in range(MOST_ROWS_PER_RUN):
            rows = generator.integers(0, table.row_count, len(left)) * bool(number)
            changes = changes_at(table, left, rows, generator)
            left = left[~rejected_changes(table, changes, parameters(run.program))]
            if not left.size:
                return Tally(f"columns of {chip}", count, count)
    return Tally(f"columns of {chip}", count, count - len(left))
