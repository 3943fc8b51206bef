"""What a chip declares: its columns, its constraints and what it exchanges with other chips.

A chip is a function from an `AirBuilder` to nothing. `compile_chip` runs it once and keeps what it
declared as an `Air`, which every back-end reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from proving.air.expression import (
    Cell,
    Constant,
    Difference,
    Expression,
    Parameter,
    Product,
    Source,
    Sum,
    as_expression,
)

MAXIMUM_DEGREE = 3
"""Of constraints, selectors included: so the quotient has two chunks, and blowup 2 suffices."""


class Domain(Enum):
    """The rows in which a constraint holds."""

    EVERY_ROW = "every row"
    FIRST_ROW = "first row"
    LAST_ROW = "last row"
    TRANSITION = "every row but the last"

    @property
    def selector_degree(self) -> int:
        """Degree that selecting these rows adds."""
        return 1 if self in (Domain.FIRST_ROW, Domain.LAST_ROW) else 0


@dataclass(frozen=True, slots=True)
class Bus:
    """A multiset that chips send tuples to and receive tuples from, and that must balance.

    The identifier is part of every fingerprint, so tuples of different buses never cancel; the
    field names fix the tuple's length.
    """

    identifier: int
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """`expression` is zero in the rows of `domain`."""

    name: str
    expression: Expression
    domain: Domain


@dataclass(frozen=True, slots=True)
class Interaction:
    """Every row adds `values` to the bus `multiplicity` times (receiving counts negatively)."""

    bus: Bus
    values: tuple[Expression, ...]
    multiplicity: Expression


@dataclass(frozen=True, slots=True)
class ChipDefinition:
    """A chip as its author writes it.

    Attributes
    ----------
    columns, preprocessed
        Names with their widths, in the order of the matrix's columns.
    constrain
        Declares everything else.
    """

    name: str
    columns: Mapping[str, int]
    constrain: Callable[[AirBuilder], None]
    preprocessed: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Air:
    """A compiled chip.

    Attributes
    ----------
    main_width, preprocessed_width
        Numbers of columns.
    next_main, next_preprocessed
        Indices of the columns that some expression reads in the next row, ascending.
    """

    name: str
    main_width: int
    preprocessed_width: int
    constraints: tuple[Constraint, ...]
    interactions: tuple[Interaction, ...]
    next_main: tuple[int, ...]
    next_preprocessed: tuple[int, ...]


class Row:
    """The cells of one row by the names of their columns."""

    def __init__(self, source: Source, columns: Mapping[str, int], *, is_next: bool) -> None:
        self._cells: dict[str, tuple[Expression, ...]] = {}
        index = 0
        for name, width in columns.items():
            self._cells[name] = tuple(
                Cell(source, position, is_next) for position in range(index, index + width)
            )
            index += width

    def one(self, name: str) -> Expression:
        """Cell of a column of width 1."""
        (cell,) = self._cells[name]
        return cell

    def many(self, name: str) -> tuple[Expression, ...]:
        """All cells of an array of columns."""
        return self._cells[name]


class AirBuilder:
    """What a chip's `constrain` is given.

    Attributes
    ----------
    local, next
        Main cells of the row and of the next one.
    preprocessed
        Cells of the row that the verifying key fixes.
    """

    def __init__(self, definition: ChipDefinition) -> None:
        self.local = Row(Source.MAIN, definition.columns, is_next=False)
        self.next = Row(Source.MAIN, definition.columns, is_next=True)
        self.preprocessed = Row(Source.PREPROCESSED, definition.preprocessed or {}, is_next=False)
        self.constraints: list[Constraint] = []
        self.interactions: list[Interaction] = []

    def parameter(self, name: str) -> Expression:
        """Return the number that the verifying key binds to `name`."""
        return Parameter(name)

    def assert_zero(
        self, name: str, expression: Expression, domain: Domain = Domain.EVERY_ROW
    ) -> None:
        """Demand that `expression` vanishes in the rows of `domain`."""
        degree = expression.degree + domain.selector_degree
        if degree > MAXIMUM_DEGREE:
            raise ValueError(f"{name}: degree {degree} is above {MAXIMUM_DEGREE}")
        self.constraints.append(Constraint(name, expression, domain))

    def assert_equal(
        self,
        name: str,
        left: Expression,
        right: Expression | int,
        domain: Domain = Domain.EVERY_ROW,
    ) -> None:
        """Demand that both sides agree in the rows of `domain`."""
        self.assert_zero(name, left - right, domain)

    def assert_boolean(self, name: str, expression: Expression) -> None:
        """Demand that `expression` is 0 or 1 in every row."""
        self.assert_zero(name, expression * (expression - 1))

    def send(
        self, bus: Bus, values: Sequence[Expression | int], multiplicity: Expression | int = 1
    ) -> None:
        """Add the tuple to the bus."""
        self._interact(bus, values, as_expression(multiplicity))

    def receive(
        self, bus: Bus, values: Sequence[Expression | int], multiplicity: Expression | int = 1
    ) -> None:
        """Take the tuple from the bus. On a table's bus this is a lookup."""
        self._interact(bus, values, -as_expression(multiplicity))

    def _interact(
        self, bus: Bus, values: Sequence[Expression | int], multiplicity: Expression
    ) -> None:
        if len(values) != len(bus.fields):
            raise ValueError(f"{bus.name}: {len(values)} values for the fields {bus.fields}")
        expressions = tuple(as_expression(value) for value in values)
        degree = 1 + max(expression.degree for expression in expressions)
        if max(degree, multiplicity.degree) > MAXIMUM_DEGREE:
            raise ValueError(f"{bus.name}: an interaction of too high degree")
        self.interactions.append(Interaction(bus, expressions, multiplicity))


def compile_chip(definition: ChipDefinition) -> Air:
    """Run the chip's declaration once and keep what it declared."""
    builder = AirBuilder(definition)
    definition.constrain(builder)
    expressions = [constraint.expression for constraint in builder.constraints]
    for interaction in builder.interactions:
        expressions += [*interaction.values, interaction.multiplicity]
    cells = cells_of(expressions)
    return Air(
        name=definition.name,
        main_width=sum(definition.columns.values()),
        preprocessed_width=sum((definition.preprocessed or {}).values()),
        constraints=tuple(builder.constraints),
        interactions=tuple(builder.interactions),
        next_main=_next_columns(cells, Source.MAIN),
        next_preprocessed=_next_columns(cells, Source.PREPROCESSED),
    )


def cells_of(expressions: Sequence[Expression]) -> set[Cell]:
    """All cells that the expressions read."""
    cells: set[Cell] = set()
    seen: set[int] = set()
    pending = list(expressions)
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        match node:
            case Cell():
                cells.add(node)
            case Sum() | Difference() | Product():
                pending += (node.left, node.right)
            case Constant() | Parameter():
                pass
            case _:
                raise TypeError(f"unknown expression {node!r}")
    return cells


def _next_columns(cells: set[Cell], source: Source) -> tuple[int, ...]:
    return tuple(sorted(cell.index for cell in cells if cell.source is source and cell.is_next))
