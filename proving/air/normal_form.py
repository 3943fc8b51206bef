"""Expressions as layers of sums and products, for evaluation on arrays.

Every expression is brought to a linear form over *atoms*: cells, parameters, products of two atoms,
and linear forms that some product needs as a factor. Equal atoms are one atom, whichever expression
asked for them. An atom's layer is one above its highest operand's, so all atoms of a layer can be
computed at once; since degrees are at most 3, chips of thousands of constraints have few layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proving.air.expression import (
    Cell,
    Constant,
    Difference,
    Expression,
    Parameter,
    Product,
    Sum,
)
from proving.field.koalabear import P, inverse

INLINE_LIMIT = 8
"""Longer sums that several expressions share become atoms, instead of being copied into each."""


@dataclass(frozen=True, slots=True)
class One:
    """The number 1 as an atom."""


@dataclass(frozen=True, slots=True)
class Multiplication:
    """Product of two atoms, by their numbers; left <= right."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class LinearForm:
    """`constant + sum of coefficient * atom`; terms by ascending atom, none with coefficient 0."""

    constant: int
    terms: tuple[tuple[int, int], ...]


Atom = One | Cell | Parameter | Multiplication | LinearForm


@dataclass(frozen=True, slots=True)
class Scaled:
    """`scale` times an atom."""

    atom: int
    scale: int


@dataclass(frozen=True, slots=True)
class NormalForm:
    """Several expressions in normal form.

    Attributes
    ----------
    atoms
        By their numbers; operands come before what uses them.
    layers
        Layer of each atom: 0 for those that are given.
    results
        The expressions, in the order asked for.
    """

    atoms: tuple[Atom, ...]
    layers: tuple[int, ...]
    results: tuple[Scaled, ...]


def normal_form(expressions: Sequence[Expression]) -> NormalForm:
    """Bring the expressions to normal form, sharing everything that they share."""
    lowering = _Lowering(expressions)
    results = tuple(lowering.scaled(lowering.forms[id(expression)]) for expression in expressions)
    return NormalForm(tuple(lowering.numbers), tuple(lowering.layers), results)


class _Lowering:
    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.numbers: dict[Atom, int] = {}
        self.layers: list[int] = []
        self.forms: dict[int, LinearForm] = {}
        self._one = self._number(One(), 0)
        ordered = operands_first(expressions)
        uses = Counter(id(operand) for node in ordered for operand in _operands(node))
        self._is_shared = {node for node, count in uses.items() if count > 1}
        for node in ordered:
            self.forms[id(node)] = self._form(node)

    def scaled(self, form: LinearForm) -> Scaled:
        """Name the atom that the form is a multiple of."""
        if not form.terms:
            return Scaled(self._one, form.constant)
        (first, scale), *others = form.terms
        if form.constant == 0 and not others:
            return Scaled(first, scale)
        unit = inverse(scale)
        monic = LinearForm(
            form.constant * unit % P,
            tuple((atom, coefficient * unit % P) for atom, coefficient in form.terms),
        )
        return Scaled(self._number(monic, self._layer_above(atom for atom, _ in form.terms)), scale)

    def _form(self, node: Expression) -> LinearForm:
        match node:
            case Constant():
                return LinearForm(node.value, ())
            case Cell() | Parameter():
                return LinearForm(0, ((self._number(node, 0), 1),))
            case Sum():
                return _combine(self._summand(node.left), self._summand(node.right), 1)
            case Difference():
                return _combine(self._summand(node.left), self._summand(node.right), P - 1)
            case Product():
                return self._product(self.forms[id(node.left)], self.forms[id(node.right)])
            case _:
                raise TypeError(f"unknown expression {node!r}")

    def _summand(self, node: Expression) -> LinearForm:
        form = self.forms[id(node)]
        if len(form.terms) <= INLINE_LIMIT or id(node) not in self._is_shared:
            return form
        scaled = self.scaled(form)
        return LinearForm(0, ((scaled.atom, scaled.scale),))

    def _product(self, left: LinearForm, right: LinearForm) -> LinearForm:
        if not left.terms:
            return _scale(right, left.constant)
        if not right.terms:
            return _scale(left, right.constant)
        one, other = self.scaled(left), self.scaled(right)
        factors = sorted((one.atom, other.atom))
        atom = self._number(Multiplication(*factors), self._layer_above(factors))
        return LinearForm(0, ((atom, one.scale * other.scale % P),))

    def _number(self, atom: Atom, layer: int) -> int:
        if atom not in self.numbers:
            self.layers.append(layer)
        return self.numbers.setdefault(atom, len(self.numbers))

    def _layer_above(self, atoms: Iterable[int]) -> int:
        return 1 + max(self.layers[atom] for atom in atoms)


def _combine(left: LinearForm, right: LinearForm, factor: int) -> LinearForm:
    """Return left + factor * right."""
    terms = dict(left.terms)
    for atom, coefficient in right.terms:
        terms[atom] = (terms.get(atom, 0) + factor * coefficient) % P
    return LinearForm((left.constant + factor * right.constant) % P, _sorted_terms(terms))


def _scale(form: LinearForm, factor: int) -> LinearForm:
    terms = {atom: coefficient * factor % P for atom, coefficient in form.terms}
    return LinearForm(form.constant * factor % P, _sorted_terms(terms))


def _sorted_terms(terms: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((atom, coefficient) for atom, coefficient in terms.items() if coefficient))


def _operands(node: Expression) -> tuple[Expression, ...]:
    return (node.left, node.right) if isinstance(node, Sum | Difference | Product) else ()


def operands_first(expressions: Sequence[Expression]) -> list[Expression]:
    """All distinct nodes, each behind its operands; without recursion, for sums may be long."""
    ordered: list[Expression] = []
    seen: set[int] = set()
    pending = [(expression, False) for expression in reversed(expressions)]
    while pending:
        node, is_ready = pending.pop()
        if is_ready:
            ordered.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending += [(operand, False) for operand in reversed(_operands(node))]
    return ordered
