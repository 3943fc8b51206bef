"""What registers and memory hold first and last: no place has two first values."""

import numpy as np
import pytest

from proving.air.check import Table, evaluator, imbalance, violations
from proving.air.chip import compile_chip
from proving.chips.image_table import IMAGE_END_WORD
from proving.chips.memory_boundary import COLUMNS, MEMORY_BOUNDARY
from proving.chips.register_boundary import REGISTER_BOUNDARY
from proving.field.koalabear import P
from proving.machine.layout import INPUT_START_WORD, REGISTER_COUNT
from proving.traces import memory_boundary, register_boundary
from proving.traces.tables import RANGES
from tests.support.chip_attacks import Cells, with_cells

AIR, REGISTER_AIR = compile_chip(MEMORY_BOUNDARY), compile_chip(REGISTER_BOUNDARY)
IMAGE_END = 0x3000
PARAMETERS = {IMAGE_END_WORD: IMAGE_END}
LAST_WORD = (1 << 29) - 1

TOUCHED = [
    (IMAGE_END, 0, 5, 40),
    (IMAGE_END + 1, 0, 0, 44),
    (0x1FFFF, 0, 0xFFFFFFFF, 48),
    (0x20000, 0, 7, 52),
    (INPUT_START_WORD - 1, 0, 9, 56),
    (INPUT_START_WORD, 0x12345678, 0x12345678, 60),
    (INPUT_START_WORD + 1, 0xFFFFFFFF, 1, 64),
    (LAST_WORD, 3, 3, 0),
]


def table_of(touched: list[tuple[int, int, int, int]], image_end: int = IMAGE_END) -> Table:
    rows = np.array(touched, np.uint32).reshape(len(touched), 4)
    return Table(AIR, memory_boundary.trace(rows, image_end))


def broken(table: Table) -> set[str]:
    """Constraints that fail, and lookups of ranges that are not there."""
    names = {
        reason.split(": ", 1)[1].split(" fails")[0] for reason in violations(table, PARAMETERS)
    }
    evaluate = evaluator(table, PARAMETERS)
    lookups = [lookup for lookup in AIR.interactions if lookup.bus is RANGES.bus]
    for number, lookup in enumerate(lookups):
        rows = np.flatnonzero(evaluate(lookup.multiplicity).values)
        tuples = np.stack([evaluate(value).values[rows] for value in lookup.values])
        if not RANGES.find(tuples.astype(np.uint32))[1].all():
            names.add(f"range #{number}")
    return names


def altered(table: Table, row: int, cells: Cells) -> Table:
    return with_cells(MEMORY_BOUNDARY, table, row, cells)


def test_honest_boundaries_are_accepted() -> None:
    assert broken(table_of(TOUCHED)) == set()
    assert broken(table_of([])) == set()
    assert broken(table_of([(LAST_WORD, 0, 0, 4)])) == set()


def test_a_full_table_is_accepted() -> None:
    touched = [(IMAGE_END + 3 * row, 0, row, 4 + row) for row in range(32)]
    table = table_of(touched)
    assert table.row_count == 32
    assert broken(table) == set()


def test_every_word_has_its_first_value_once_and_its_last_one() -> None:
    expected = {}
    for address, initial, final, timestamp in TOUCHED[:-1]:
        expected["memory", (address, initial & 0xFFFF, initial >> 16, 0)] = 1
        expected["memory", (address, final & 0xFFFF, final >> 16, timestamp)] = -1
    found = imbalance([table_of(TOUCHED)], PARAMETERS)
    assert {key: count for key, count in found.items() if key[0] == "memory"} == expected


@pytest.mark.parametrize("addresses", [(0x4000, 0x4000), (0x4001, 0x4000)])
def test_a_word_cannot_have_two_first_values(addresses: tuple[int, int]) -> None:
    """The gap would be -1 or less: no pair of limbs in range is."""
    table = table_of([(address, 0, 0, 4) for address in addresses])
    assert broken(table) >= {"range #2"} or broken(table) >= {"range #3"}
    gap = (addresses[1] - addresses[0] - 1) % P
    for low in (gap, gap & 0xFFFF, 0xFFFF):
        high = (gap - low) * pow(1 << 16, -1, P)
        forged = altered(table, 1, {("gap", 0): low, ("gap", 1): high})
        assert broken(forged)


def test_addresses_do_not_wrap_modulo_p() -> None:
    """Gaps of 2^29 - 1 lead beyond P after four words, and back to the first address."""
    table = table_of(TOUCHED)
    largest = (1 << 29) - 1
    address = IMAGE_END
    for row in range(1, 6):
        address = (address + largest + 1) % P
        cells: Cells = {
            "address_low": address & 0xFFFF,
            "address_middle": address >> 16,
            "is_input": 0,
            ("gap", 0): largest & 0xFFFF,
            ("gap", 1): largest >> 16,
            ("initial", 0): 0,
            ("initial", 1): 0,
        }
        table = altered(table, row, cells)
    assert "range #1" in broken(table)


def test_a_word_of_the_image_has_no_other_first_value() -> None:
    table = table_of([(IMAGE_END - 1, 0, 0, 4)], image_end=IMAGE_END - 1)
    assert broken(table) == {"the first address is after the image"}
    for gap in ((P - 1, 0), (0xFFFF, (P - 0x10000) * pow(1 << 16, -1, P))):
        forged = altered(table, 0, {("gap", 0): gap[0], ("gap", 1): gap[1]})
        assert broken(forged)


def test_ram_cannot_start_with_another_value() -> None:
    table = table_of(TOUCHED)
    forged = altered(table, 2, {("initial", 0): 1})
    assert broken(forged) == {"limb 0 of RAM is zero at first"}


def test_ram_is_not_passed_off_as_input() -> None:
    """The flag is the address's highest bit: the rest would be negative."""
    table = table_of(TOUCHED)
    forged = altered(table, 2, {"is_input": 1, "address_middle": 1 - (1 << 12), ("initial", 0): 1})
    assert broken(forged) == {"range #1"}


def test_input_is_limbs_in_range() -> None:
    """0x12345678 with limbs that pack to the same number."""
    table = table_of(TOUCHED)
    forged = altered(table, 5, {("initial", 0): 0x15678, ("initial", 1): 0x1233})
    assert broken(forged) == {"range #4"}
    forged = altered(table, 5, {("initial", 0): 0x5678 - 0x10000, ("initial", 1): 0x1235})
    assert broken(forged) == {"range #4"}
    assert broken(altered(table, 5, {("initial", 1): 0x10000})) == {"range #5"}


def test_addresses_beyond_the_input_region_do_not_exist() -> None:
    table = table_of([(LAST_WORD, 0, 0, 4)])
    forged = altered(
        table,
        0,
        {
            "address_low": 0,
            "address_middle": 1 << 12,
            ("gap", 0): (LAST_WORD + 1 - IMAGE_END) & 0xFFFF,
            ("gap", 1): (LAST_WORD + 1 - IMAGE_END) >> 16,
        },
    )
    assert broken(forged) == {"range #1"}


def test_a_real_row_after_padding_is_rejected() -> None:
    """It could repeat an address: no order leads there from the rows before."""
    table = table_of(TOUCHED)
    main = table.main.copy()
    main[:, 20] = main[:, 3]
    assert "real rows come first" in broken(Table(AIR, main))
    main = np.roll(table.main, 1, axis=1)
    assert "real rows come first" in broken(Table(AIR, main))


def test_padding_rows_exchange_nothing_whatever_they_hold() -> None:
    generator = np.random.default_rng(1)
    table = table_of(TOUCHED)
    before = imbalance([table], PARAMETERS)
    main = table.main.copy()
    main[2:, len(TOUCHED) :] = generator.integers(0, P, main[2:, len(TOUCHED) :].shape)
    main[list(COLUMNS).index("is_real"), len(TOUCHED) :] = 0
    assert imbalance([Table(AIR, main)], PARAMETERS) == before


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"is_real": 2}, "is_real is boolean"),
        ({"is_input": 2}, "is_input is boolean"),
        ({"is_input": 1}, "is_input only in real rows"),
        ({("initial", 1): 1}, "limb 1 of RAM is zero at first"),
    ],
)
def test_padding_rows_are_bound_by_each_rule(cells: Cells, rule: str) -> None:
    assert rule in broken(altered(table_of(TOUCHED), len(TOUCHED), cells))


@pytest.mark.parametrize(
    ("row", "cells", "rule"),
    [
        (7, {"is_real": 2}, "is_real is boolean"),
        (4, {("gap", 0): 1}, "addresses ascend"),
        (0, {("gap", 0): 1}, "the first address is after the image"),
        (2, {"address_low": 0x1FFFF, "address_middle": 0}, "range #0"),
        (2, {("gap", 0): 0xCFFD + 0x10000, ("gap", 1): 0}, "range #2"),
        (7, {("gap", 0): 0x1FFD - (1 << 16), ("gap", 1): 0x1000}, "range #2"),
        (1, {("gap", 0): 0x10000, ("gap", 1): P - 1}, "range #3"),
    ],
)
def test_real_rows_are_bound_by_each_rule(row: int, cells: Cells, rule: str) -> None:
    assert rule in broken(altered(table_of(TOUCHED), row, cells))


def test_registers_start_at_zero_once_each() -> None:
    final = np.array([(register, 4 * register) for register in range(32)], np.uint32)
    table = Table(REGISTER_AIR, register_boundary.trace(final), register_boundary.preprocessed())
    assert table.row_count == REGISTER_COUNT
    expected = {}
    for register in range(1, 32):
        expected["register", (register, 0, 0, 0)] = 1
        expected["register", (register, register, 0, 4 * register)] = -1
    assert imbalance([table]) == expected
