"""Polynomials over the cells of a row and of the row after it.

An expression is an immutable tree. Writing `a * b - c` in a chip builds it; nothing is computed
until a back-end evaluates it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from proving.field.koalabear import P


class Source(Enum):
    """Which matrix of a chip a cell belongs to."""

    PREPROCESSED = "preprocessed"
    MAIN = "main"


class Expression:
    """A polynomial; `degree` counts cells, as the degree over one column's polynomial."""

    __slots__ = ()

    degree: int

    def __add__(self, other: Expression | int) -> Expression:
        return _sum(self, as_expression(other))

    def __radd__(self, other: int) -> Expression:
        return _sum(as_expression(other), self)

    def __sub__(self, other: Expression | int) -> Expression:
        return _difference(self, as_expression(other))

    def __rsub__(self, other: int) -> Expression:
        return _difference(as_expression(other), self)

    def __mul__(self, other: Expression | int) -> Expression:
        return _product(self, as_expression(other))

    def __rmul__(self, other: int) -> Expression:
        return _product(as_expression(other), self)

    def __neg__(self) -> Expression:
        return _difference(ZERO, self)


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A field element, canonical in [0, P)."""

    value: int
    degree: int = field(default=0, init=False)


@dataclass(frozen=True, slots=True)
class Parameter(Expression):
    """A number that the verifying key fixes, by its name."""

    name: str
    degree: int = field(default=0, init=False)


@dataclass(frozen=True, slots=True)
class Cell(Expression):
    """One cell: of this row, or of the next one (the last row's next is the first)."""

    source: Source
    index: int
    is_next: bool = False
    degree: int = field(default=1, init=False)


@dataclass(frozen=True, slots=True, eq=False)
class Sum(Expression):
    """`left + right`."""

    left: Expression
    right: Expression
    degree: int


@dataclass(frozen=True, slots=True, eq=False)
class Difference(Expression):
    """`left - right`."""

    left: Expression
    right: Expression
    degree: int


@dataclass(frozen=True, slots=True, eq=False)
class Product(Expression):
    """`left * right`."""

    left: Expression
    right: Expression
    degree: int


ZERO = Constant(0)
ONE = Constant(1)


def as_expression(value: Expression | int) -> Expression:
    """Return `value` itself, or the constant that the integer stands for modulo P."""
    return Constant(value % P) if isinstance(value, int) else value


def total(terms: Iterable[Expression | int]) -> Expression:
    """Sum of the terms; zero if there are none."""
    result: Expression = ZERO
    for term in terms:
        result = result + term
    return result


def packed(limbs: Iterable[Expression], bits: int) -> Expression:
    """`sum of limbs[i] * 2^(bits * i)`: little-endian limbs as one number modulo P."""
    return total(limb * (1 << (bits * position)) for position, limb in enumerate(limbs))


def _sum(left: Expression, right: Expression) -> Expression:
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant((left.value + right.value) % P)
    if left == ZERO:
        return right
    if right == ZERO:
        return left
    return Sum(left, right, max(left.degree, right.degree))


def _difference(left: Expression, right: Expression) -> Expression:
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant((left.value - right.value) % P)
    if right == ZERO:
        return left
    return Difference(left, right, max(left.degree, right.degree))


def _product(left: Expression, right: Expression) -> Expression:
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(left.value * right.value % P)
    if ZERO in (left, right):
        return ZERO
    if left == ONE:
        return right
    if right == ONE:
        return left
    return Product(left, right, left.degree + right.degree)
