"""What the lookup tables hold, and how often traces look their rows up."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from arithmetic_rows import Operation, table_of
from chip_attacks import compiled, with_cells

from proving.air.check import Table, imbalance
from proving.chips.bitwise import BITWISE
from proving.chips.buses import BYTE_AND, RANGE, SHIFT
from proving.chips.shift import SHIFT_CHIP
from proving.field.koalabear import P
from proving.machine.instructions import Opcode
from proving.traces import bitwise, shift
from proving.traces.tables import (
    BYTE_CONJUNCTIONS,
    LOOKUP_TABLES,
    RANGES,
    SHIFTS,
    LookupTable,
    NotInTable,
    table_traces,
)

VALID: dict[str, Callable[..., bool]] = {
    RANGE.name: lambda value, bits: bits <= 16 and value < 1 << bits,
    BYTE_AND.name: lambda left, right, both: max(left, right) < 256 and both == left & right,
    SHIFT.name: lambda amount, power, complement: (
        amount < 16 and power == 1 << amount and complement == 1 << (16 - amount)
    ),
}
NUMBER_OF_VALID_TUPLES = {RANGE.name: (1 << 17) - 1, BYTE_AND.name: 1 << 16, SHIFT.name: 16}

TABLES = pytest.mark.parametrize("table", LOOKUP_TABLES.values(), ids=lambda it: it.bus.name)


def honest_traces() -> list[Table]:
    shifts = [
        Operation(opcode, 0x8765_4321, amount)
        for opcode in (Opcode.SLL, Opcode.SRL, Opcode.SRA)
        for amount in range(64)
    ]
    return [
        table_of(compiled(SHIFT_CHIP), shift.trace, shifts),
        table_of(
            compiled(BITWISE), bitwise.trace, [Operation(Opcode.XOR, 0xFF00_00FF, 0x1234_5678)] * 3
        ),
    ]


def with_tables(traces: list[Table]) -> list[Table]:
    multiplicities = table_traces(traces)
    return traces + [
        Table(compiled(table.chip), multiplicities[table.chip.name], table.preprocessed())
        for table in LOOKUP_TABLES.values()
    ]


@TABLES
def test_a_table_holds_all_valid_tuples_and_no_other(table: LookupTable) -> None:
    contents = table.preprocessed()
    assert contents.shape == (len(table.bus.fields), 1 << table.log_height)
    tuples = set(zip(*contents.tolist(), strict=True))
    assert all(VALID[table.bus.name](*values) for values in tuples)
    assert len(tuples) == NUMBER_OF_VALID_TUPLES[table.bus.name]


@TABLES
def test_every_tuple_of_a_table_is_found(table: LookupTable) -> None:
    contents = table.preprocessed()
    rows, is_found = table.find(contents)
    assert is_found.all()
    assert np.array_equal(contents[:, rows], contents)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (RANGES, (1, 0)),
        (RANGES, (256, 8)),
        (RANGES, (1 << 16, 16)),
        (RANGES, (0, 17)),
        (RANGES, (P - 1, 16)),
        (RANGES, (3, P - 1)),
        (BYTE_CONJUNCTIONS, (256, 0, 0)),
        (BYTE_CONJUNCTIONS, (0, 256, 0)),
        (BYTE_CONJUNCTIONS, (P - 1, 1, 1)),
        (BYTE_CONJUNCTIONS, (3, 6, 3)),
        (BYTE_CONJUNCTIONS, (1 << 24, 0, 0)),
        (SHIFTS, (16, 1 << 16, 1)),
        (SHIFTS, (3, 8, 1 << 12)),
        (SHIFTS, (P - 1, 1, 1 << 16)),
    ],
)
def test_a_tuple_that_is_not_in_the_table_cannot_be_counted(
    table: LookupTable, values: tuple[int, ...]
) -> None:
    honest = table.preprocessed()[:, 5]
    with pytest.raises(NotInTable, match=table.bus.name) as error:
        table.count(np.stack([honest, np.array(values, np.uint32)], axis=1))
    assert error.value.values == values


@TABLES
def test_counts_are_how_often_a_tuple_occurs(table: LookupTable) -> None:
    contents = table.preprocessed()
    looked_up = np.random.default_rng(1).integers(0, contents.shape[1], 1000)
    tuples = contents[:, looked_up]
    count = table.count(tuples)
    counted: Counter[tuple[int, ...]] = Counter()
    for row in np.flatnonzero(count):
        counted[tuple(contents[:, row].tolist())] += int(count[row])
    assert counted == Counter(zip(*tuples.tolist(), strict=True))


def test_tables_balance_all_lookups_of_honest_traces() -> None:
    left = imbalance(with_tables(honest_traces()))
    assert not {bus for bus, _ in left} & {RANGE.name, BYTE_AND.name, SHIFT.name}


def test_a_table_without_one_of_the_lookups_does_not_balance() -> None:
    tables = with_tables(honest_traces())
    ranges = next(it for it in tables if it.air.name == RANGES.chip.name)
    row = int(np.flatnonzero(ranges.main[0])[0])
    count = int(ranges.main[0, row])
    altered = with_cells(RANGES.chip, ranges, row, {"multiplicity": count - 1})
    left = imbalance([altered if it is ranges else it for it in tables])
    assert RANGE.name in {bus for bus, _ in left}


def test_a_trace_that_looks_up_what_is_not_there_is_named() -> None:
    shifts, _ = honest_traces()
    altered = with_cells(SHIFT_CHIP, shifts, 3, {"power": 3})
    with pytest.raises(NotInTable, match=SHIFT.name):
        table_traces([altered])
