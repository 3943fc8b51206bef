"""Attacks on the trace of one chip, as a prover would try them who may write every main cell.

A row is rejected if it breaks a constraint or looks up what a table does not have. What a row
exchanges over the other buses is its effect; the rest of the machine decides whether that balances.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from proving.air.check import Table, evaluator
from proving.air.chip import Air, ChipDefinition, Domain, Interaction, compile_chip
from proving.field.koalabear import P, inverse
from proving.traces.tables import LOOKUP_TABLES

Place = str | tuple[str, int]
"""A column, or one of an array of columns."""

Cells = Mapping[Place, int]
"""New values; negative ones stand modulo P."""

EDGE_VALUES = (0, 1, 2, P - 1, P - 2, 255, 256, (1 << 15), (1 << 16) - 1, 1 << 16, P - (1 << 16))


def starts_of(chip: ChipDefinition) -> dict[str, int]:
    """First index of every array of columns."""
    widths = list(chip.columns.values())
    return dict(zip(chip.columns, np.cumsum([0, *widths])[:-1].tolist(), strict=True))


def with_cells(chip: ChipDefinition, table: Table, row: int, cells: Cells) -> Table:
    """The same trace, other values in some cells of a row."""
    main = table.main.copy()
    starts = starts_of(chip)
    for place, value in cells.items():
        name, position = place if isinstance(place, tuple) else (place, 0)
        assert position < chip.columns[name]
        main[starts[name] + position, row] = value % P
    return Table(table.air, main, table.preprocessed)


def settled(
    chip: ChipDefinition, table: Table, row: int, place: Place, constraint_name: str
) -> Table:
    """The same trace, with the one value in a cell for which a constraint, linear in it, holds."""
    (constraint,) = (it for it in table.air.constraints if it.name == constraint_name)

    def value_with(value: int) -> int:
        tried = with_cells(chip, table, row, {place: value})
        return int(evaluator(tried, {})(constraint.expression).values[row])

    at_zero, at_one = value_with(0), value_with(1)
    settled_table = with_cells(chip, table, row, {place: -at_zero * inverse(at_one - at_zero)})
    assert evaluator(settled_table, {})(constraint.expression).values[row] == 0
    return settled_table


def rule_names(air: Air) -> set[str]:
    """Every constraint and every lookup."""
    return {constraint.name for constraint in air.constraints} | set(named_lookups(air))


def named_lookups(air: Air) -> dict[str, Interaction]:
    """Lookups by name: `bus #n`, counted in the chip's order over all its lookups."""
    lookups = [it for it in air.interactions if it.bus in LOOKUP_TABLES]
    return {f"{lookup.bus.name} #{number}": lookup for number, lookup in enumerate(lookups)}


def broken_rules(table: Table) -> list[set[str]]:
    """Names of the rules that each row breaks."""
    evaluate = evaluator(table, {})
    broken: list[set[str]] = [set() for _ in range(table.row_count)]
    for constraint in table.air.constraints:
        assert constraint.domain is Domain.EVERY_ROW
        for row in np.flatnonzero(evaluate(constraint.expression).values):
            broken[row].add(constraint.name)
    for name, lookup in named_lookups(table.air).items():
        rows = np.flatnonzero(evaluate(lookup.multiplicity).values)
        tuples = [evaluate(value).values[rows] for value in lookup.values]
        _, is_found = LOOKUP_TABLES[lookup.bus].find(np.stack(tuples).astype(np.uint32))
        for row in rows[~is_found]:
            broken[row].add(name)
    return broken


def stacked(tables: Sequence[Table]) -> Table:
    """The first rows of several tables of a chip as one table, which is tried at once."""
    assert not tables[0].air.next_main, "rows are not independent of each other"
    return Table(tables[0].air, np.hstack([table.main[:, :1] for table in tables]))


def broken_by_each(chip: ChipDefinition, table: Table, attacks: Iterable[Cells]) -> list[set[str]]:
    """What the first row breaks with other values in some cells, for each attack."""
    return broken_rules(stacked([with_cells(chip, table, 0, cells) for cells in attacks]))


def assert_rejected(table: Table) -> None:
    """Some row breaks a rule."""
    assert any(broken_rules(table)), "every row is accepted"


def assert_accepted(table: Table) -> None:
    """No row breaks a rule."""
    found = [(row, rules) for row, rules in enumerate(broken_rules(table)) if rules]
    assert not found, found


def exchanges(table: Table, rows: npt.NDArray[np.intp]) -> list[tuple[object, object]]:
    """(received, sent) of each of the rows, on the buses that are no tables."""
    evaluate = evaluator(table, {})
    received: list[list[object]] = [[] for _ in rows]
    sent: list[list[object]] = [[] for _ in rows]
    for interaction in table.air.interactions:
        if interaction.bus in LOOKUP_TABLES:
            continue
        multiplicity = evaluate(interaction.multiplicity).values[rows]
        assert np.isin(multiplicity, (0, 1, P - 1)).all(), "an accepted row takes part twice"
        values = np.stack([evaluate(value).values[rows] for value in interaction.values], axis=1)
        for index in np.flatnonzero(multiplicity):
            into = sent if multiplicity[index] == 1 else received
            into[index].append((interaction.bus.name, *values[index].tolist()))
    return [(sorted(r, key=str), sorted(s, key=str)) for r, s in zip(received, sent, strict=True)]


def assert_deterministic(
    table: Table, *, seed: int, attempts: int = 1 << 14, most_cells: int = 3
) -> int:
    """No accepted alteration of some cells of a row has other effects for the same receives.

    Every column of one wide trace is an experiment of its own: an honest row in which one to
    `most_cells` cells are altered, to nearby, edge or random values. The chip must not read the
    next row.

    Returns
    -------
    int
        How many alterations were accepted at all (they change inputs, or what has no effect).
    """
    assert not table.air.next_main, "rows are not independent of each other"
    generator = np.random.default_rng(seed)
    columns, height = table.main.shape
    origins = generator.integers(0, height, attempts)
    main = table.main[:, origins].copy()
    for attempt in range(attempts):
        cells = generator.choice(columns, generator.integers(1, most_cells + 1), replace=False)
        for index in cells:
            main[index, attempt] = _other_value(generator, int(main[index, attempt]), main, attempt)
    altered = Table(table.air, main)
    accepted = np.array(
        [row for row, rules in enumerate(broken_rules(altered)) if not rules], np.intp
    )
    before = exchanges(Table(table.air, table.main[:, origins]), accepted)
    after = exchanges(altered, accepted)
    for row, (received, sent), (received_now, sent_now) in zip(
        accepted, before, after, strict=True
    ):
        if received == received_now:
            changed = np.flatnonzero(table.main[:, origins[row]] != main[:, row])
            assert sent == sent_now, f"columns {changed} decide what a row sends: {sent_now}"
    return len(accepted)


def _other_value(
    generator: np.random.Generator, value: int, main: npt.NDArray[np.uint32], attempt: int
) -> int:
    match generator.integers(0, 5):
        case 0:
            return (value + int(generator.choice((-1, 1)))) % P
        case 1:
            power = 1 << int(generator.integers(1, 18))
            return (value + int(generator.choice((-1, 1))) * power) % P
        case 2:
            return int(generator.choice(EDGE_VALUES))
        case 3:
            return int(main[generator.integers(0, len(main)), attempt])
        case _:
            return int(generator.integers(0, P))


def compiled(chip: ChipDefinition) -> Air:
    """Compile the chip and check that its rules have distinct names."""
    air = compile_chip(chip)
    names = [constraint.name for constraint in air.constraints]
    assert len(names) == len(set(names))
    return air
