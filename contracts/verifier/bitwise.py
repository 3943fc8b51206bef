"""Finds bitwise operations in sums: each is one instruction of the contract.

a ⊕ b      a + b − 2·a·b
a ∧ ¬b     a − a·b, which a normal form has as −a·(b − 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proving.air.normal_form import Atom, LinearForm, Multiplication
from proving.field.koalabear import P, inverse

_MINUS_HALF = -inverse(2) % P


@dataclass(frozen=True, slots=True)
class Exclusive:
    """`left + right − 2·left·right` of two atoms, by their numbers; left < right."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Masked:
    """`value − value·mask` of two atoms, by their numbers."""

    value: int
    mask: int


AnyAtom = Atom | Exclusive | Masked


def with_bitwise(atoms: Sequence[Atom]) -> list[AnyAtom]:
    """Return the atoms with such sums as atoms of their own.

    Atoms keep their numbers and values; new ones are behind them.
    """
    search = _Search(atoms)
    for number, atom in enumerate(atoms):
        if isinstance(atom, LinearForm):
            search.rewrite(number, atom)
    return search.atoms


class _Search:
    def __init__(self, atoms: Sequence[Atom]) -> None:
        self.atoms: list[AnyAtom] = list(atoms)
        self._numbers: dict[Exclusive | Masked, int] = {}

    def rewrite(self, number: int, form: LinearForm) -> None:
        terms = dict(form.terms)
        while (found := self._find(terms)) is not None:
            used, pair, coefficient = found
            for atom in used:
                del terms[atom]
            if not terms and coefficient == 1 and form.constant == 0:
                self.atoms[number] = pair
                self._numbers.setdefault(pair, number)
                return
            known = self._number(pair)
            terms[known] = (terms.get(known, 0) + coefficient) % P
        kept = tuple((atom, k) for atom, k in terms.items() if k)
        self.atoms[number] = LinearForm(form.constant, kept)

    def _find(self, terms: dict[int, int]) -> tuple[tuple[int, ...], Exclusive, int] | None:
        """Terms that make up a multiple of a ⊕ b, which, and the multiple."""
        for atom, k in terms.items():
            product = self.atoms[atom]
            if not isinstance(product, Multiplication) or product.left == product.right:
                continue
            for left, right in ((product.left, product.right), (product.right, product.left)):
                used = (atom, left, right)
                coefficient = k * _MINUS_HALF % P
                if terms.get(left) == terms.get(right) == coefficient:
                    return used, Exclusive(min(left, right), max(left, right)), coefficient
                masked = self._negated(right)
                is_negated = terms.get(left) == -coefficient % P == -terms.get(right, 0) % P
                if masked and is_negated:
                    other = self._number(masked)
                    return used, Exclusive(min(left, other), max(left, other)), terms[left]
        return None

    def _negated(self, atom: int) -> Masked | None:
        """Return what is −1 times the atom, if it is a·(b − 1)."""
        product = self.atoms[atom]
        if isinstance(product, Multiplication):
            for value, other in ((product.left, product.right), (product.right, product.left)):
                factor = self.atoms[other]
                if isinstance(factor, LinearForm) and factor.constant == P - 1:
                    (mask, coefficient), *others = factor.terms
                    if coefficient == 1 and not others:
                        return Masked(value, mask)
        return None

    def _number(self, found: Exclusive | Masked) -> int:
        if found not in self._numbers:
            self._numbers[found] = len(self.atoms)
            self.atoms.append(found)
        return self._numbers[found]
