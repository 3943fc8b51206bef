"""The normal form has the same values as the expressions, in few layers."""

from __future__ import annotations

import random
import sys

import pytest

from proving.air.expression import Cell, Constant, Expression, Parameter, Source, packed, total
from proving.air.normal_form import LinearForm, Multiplication, NormalForm, One, normal_form
from proving.field.koalabear import P

CELLS = [Cell(Source.MAIN, index) for index in range(6)] + [Cell(Source.MAIN, 0, True)]
NUMBERS = {"p": 77}


def value_of(expression: Expression, cells: dict[Cell, int]) -> int:
    """Evaluate by the definition."""
    match expression:
        case Constant():
            return expression.value
        case Parameter():
            return NUMBERS[expression.name]
        case Cell():
            return cells[expression]
    left, right = value_of(expression.left, cells), value_of(expression.right, cells)  # type: ignore[attr-defined]
    return {"Sum": left + right, "Difference": left - right, "Product": left * right}[
        type(expression).__name__
    ] % P


def values_of(form: NormalForm, cells: dict[Cell, int]) -> list[int]:
    """Evaluate the normal form, atom by atom."""
    values: list[int] = []
    for atom in form.atoms:
        match atom:
            case One():
                values.append(1)
            case Cell():
                values.append(cells[atom])
            case Parameter():
                values.append(NUMBERS[atom.name])
            case Multiplication(left, right):
                values.append(values[left] * values[right] % P)
            case LinearForm(constant, terms):
                values.append((constant + sum(c * values[n] for n, c in terms)) % P)
    return [result.scale * values[result.atom] % P for result in form.results]


def random_expression(chance: random.Random, pool: list[Expression]) -> Expression:
    """Combine what exists already, so that subtrees are shared."""
    left, right = chance.choice(pool), chance.choice(pool)
    operation = chance.randrange(4)
    if operation == 0:
        return left + right
    if operation == 1:
        return left - right
    if operation == 2:
        return left * chance.choice((0, 1, 2, P - 1, 12345))
    return left * right if left.degree + right.degree <= 3 else left + 5


@pytest.mark.parametrize("seed", range(20))
def test_random_expressions_keep_their_values(seed: int) -> None:
    chance = random.Random(seed)
    pool: list[Expression] = [*CELLS, Parameter("p"), Constant(3)]
    for _ in range(60):
        pool.append(random_expression(chance, pool[-25:]))
    cells = {cell: chance.randrange(P) for cell in CELLS}
    # small trees only: the definition evaluates shared subtrees again and again
    asked = pool[:40]
    assert values_of(normal_form(asked), cells) == [value_of(e, cells) for e in asked]


def test_operands_come_before_what_uses_them() -> None:
    a, b, c, *_ = CELLS
    form = normal_form([(a + b) * (b - c) * (a + b), a * b - 1])
    for number, atom in enumerate(form.atoms):
        match atom:
            case Multiplication(left, right):
                operands = [left, right]
            case LinearForm(_, terms):
                operands = [operand for operand, _ in terms]
            case _:
                operands = []
        assert all(operand < number for operand in operands)
        assert form.layers[number] == (1 + max(form.layers[o] for o in operands) if operands else 0)


def test_equal_subexpressions_are_one_atom() -> None:
    a, b, c, *_ = CELLS
    form = normal_form([(a + b) * c, c * (b + a), (2 * a + 2 * b) * c])
    assert sum(isinstance(atom, Multiplication) for atom in form.atoms) == 1
    assert [result.scale for result in form.results] == [1, 1, 2]


def test_a_difference_of_equals_is_zero() -> None:
    a, b, *_ = CELLS
    (result,) = normal_form([a * b - b * a]).results
    assert result.scale == 0


def test_long_sums_need_no_recursion() -> None:
    length = sys.getrecursionlimit() + 100
    (result,) = normal_form([total(CELLS[k % 6] * (k + 1) for k in range(length))]).results
    assert result.scale != 0


def test_a_graph_of_doublings_does_not_explode() -> None:
    value: Expression = CELLS[0]
    for _ in range(200):
        value = value + value
    (result,) = normal_form([value]).results
    assert result.scale == pow(2, 200, P)


def test_constraints_of_degree_three_have_few_layers() -> None:
    bits = [Cell(Source.MAIN, index) for index in range(512)]
    constraints = [
        packed(
            [a + b - 2 * a * b for a, b in zip(bits[k:], bits[k + 16 : k + 32], strict=False)], 1
        )
        * (bits[k] - 1)
        for k in range(400)
    ]
    assert max(normal_form(constraints).layers) <= 4
