"""One evaluator of expressions for every kind of value that adds, subtracts and multiplies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from proving.air.expression import (
    Cell,
    Constant,
    Difference,
    Expression,
    Parameter,
    Product,
    Sum,
)

Value = TypeVar("Value", bound="RingValue")


class RingValue(Protocol):
    """What values have to support, among themselves."""

    def __add__(self: Value, other: Value, /) -> Value: ...
    def __sub__(self: Value, other: Value, /) -> Value: ...
    def __mul__(self: Value, other: Value, /) -> Value: ...


class Evaluator(Generic[Value]):
    """Evaluates expressions over one assignment of the cells, each shared subtree once.

    Parameters
    ----------
    cell
        Value of a cell.
    constant
        Value that stands for an integer.
    parameters
        Integers of the verifying key by name.
    """

    def __init__(
        self,
        cell: Callable[[Cell], Value],
        constant: Callable[[int], Value],
        parameters: Mapping[str, int],
    ) -> None:
        self._cell = cell
        self._constant = constant
        self._parameters = parameters
        self._known: dict[int, tuple[Expression, Value]] = {}

    def evaluate(self, expression: Expression) -> Value:
        """Value of `expression`."""
        known = self._known.get(id(expression))
        if known is not None:
            return known[1]
        value: Value
        match expression:
            case Constant():
                value = self._constant(expression.value)
            case Parameter():
                value = self._constant(self._parameters[expression.name])
            case Cell():
                value = self._cell(expression)
            case Sum():
                value = self.evaluate(expression.left) + self.evaluate(expression.right)
            case Difference():
                value = self.evaluate(expression.left) - self.evaluate(expression.right)
            case Product():
                value = self.evaluate(expression.left) * self.evaluate(expression.right)
            case _:
                raise TypeError(f"unknown expression {expression!r}")
        self._known[id(expression)] = (expression, value)
        return value
