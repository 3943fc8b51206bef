"""The lookup tables with their contents, and how often traces look each of their rows up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from proving.air.check import Table
from proving.air.chip import Bus, ChipDefinition
from proving.chips import byte_table as byte_chip
from proving.chips import range_table as range_chip
from proving.chips import shift_table as shift_chip
from proving.chips.buses import BYTE_AND, RANGE, SHIFT
from proving.errors import ProvingError
from proving.field.koalabear import P
from proving.traces import byte_table, range_table, shift_table
from proving.traces.columns import Column, Matrix
from proving.traces.integer_columns import columns_of

Counts = npt.NDArray[np.int64]


class NotInTable(ProvingError):
    """A trace looks up what the table does not have. No honest trace does."""

    def __init__(self, bus: Bus, values: tuple[int, ...]) -> None:
        super().__init__(f"the table {bus.name} has no tuple {values} of {bus.fields}")
        self.bus = bus
        self.values = values


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """A table whose contents the verifying key fixes.

    Attributes
    ----------
    preprocessed
        Makes the contents: shape (fields, 2^log_height).
    rows_of
        Candidate row of each tuple, from (fields, tuples): shape (tuples,).
    """

    bus: Bus
    chip: ChipDefinition
    log_height: int
    preprocessed: Callable[[], Matrix]
    rows_of: Callable[[Matrix], Column]

    def find(self, tuples: Matrix) -> tuple[Column, npt.NDArray[np.bool_]]:
        """Row of each tuple, and whether the tuple is there; the row is 0 where it is not.

        Parameters
        ----------
        tuples
            Shape (fields, tuples), canonical values.
        """
        contents = _contents(self)
        rows = self.rows_of(tuples)
        candidates = np.where(rows < contents.shape[1], rows, 0)
        is_found = np.all(contents[:, candidates] == tuples, axis=0)
        return np.where(is_found, candidates, 0), is_found

    def count(self, tuples: Matrix) -> Counts:
        """How often each row is looked up: shape (2^log_height,).

        Raises
        ------
        NotInTable
            If the table does not have one of the tuples.
        """
        rows, is_found = self.find(tuples)
        if not is_found.all():
            missing = tuples[:, np.argmin(is_found)]
            raise NotInTable(self.bus, tuple(int(value) for value in missing))
        return np.bincount(rows, minlength=1 << self.log_height)


RANGES = LookupTable(
    RANGE,
    range_chip.RANGE_TABLE,
    range_chip.LOG_HEIGHT,
    range_table.preprocessed,
    range_table.rows_of,
)
BYTE_CONJUNCTIONS = LookupTable(
    BYTE_AND,
    byte_chip.BYTE_TABLE,
    byte_chip.LOG_HEIGHT,
    byte_table.preprocessed,
    byte_table.rows_of,
)
SHIFTS = LookupTable(
    SHIFT,
    shift_chip.SHIFT_TABLE,
    shift_chip.LOG_HEIGHT,
    shift_table.preprocessed,
    shift_table.rows_of,
)
LOOKUP_TABLES = {table.bus: table for table in (RANGES, BYTE_CONJUNCTIONS, SHIFTS)}


def lookups_of(
    trace: Table, parameters: Mapping[str, int] | None = None
) -> Iterator[tuple[LookupTable, Matrix]]:
    """Yield what each lookup of the chip looks up: (fields, tuples) of the rows that do.

    Raises
    ------
    ValueError
        If a row looks something up more than once, which no chip allows.
    """
    multiplicities = columns_of(trace, slice(None), parameters or {})
    for interaction in trace.air.interactions:
        table = LOOKUP_TABLES.get(interaction.bus)
        if table is None:
            continue
        multiplicity = multiplicities(interaction.multiplicity)
        rows = np.flatnonzero(multiplicity)
        if (multiplicity[rows] != P - 1).any():
            raise ValueError(f"{trace.air.name}: a row looks something up more than once")
        # What evaluates keeps all that it computed, so each interaction has its own.
        is_prefix = len(rows) and rows[-1] == len(rows) - 1
        column = columns_of(trace, slice(len(rows)) if is_prefix else rows, parameters or {})
        yield table, np.stack([column(value) for value in interaction.values])


def table_traces(
    traces: Iterable[Table], parameters: Mapping[str, int] | None = None
) -> dict[str, Matrix]:
    """Main columns of all lookup tables, by chip name: how often the traces look each row up.

    Parameters
    ----------
    parameters
        Numbers of the verifying key that the chips read, by name.

    Raises
    ------
    NotInTable
        If a trace looks up what is not there.
    """
    counts = {
        table.chip.name: np.zeros(1 << table.log_height, np.int64)
        for table in LOOKUP_TABLES.values()
    }
    for trace in traces:
        for table, tuples in lookups_of(trace, parameters):
            counts[table.chip.name] += table.count(tuples)
    return {name: count.astype(np.uint32)[None, :] for name, count in counts.items()}


@cache
def _contents(table: LookupTable) -> Matrix:
    return table.preprocessed()
