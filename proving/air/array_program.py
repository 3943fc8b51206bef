"""Evaluates normal forms on arrays: all atoms of a layer at once, whatever chip they come from.

The size of the compiled program depends on the number of layers and on how many kinds of sums there
are, not on the number of constraints. Values live in two matrices: what is given (cells and
parameters), and what is derived, which keeps only the rows that later layers read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from proving.air.expression import Cell, Parameter
from proving.air.normal_form import LinearForm, Multiplication, NormalForm, One
from proving.air.row_arrays import (
    Indices,
    add_rows,
    subtract_rows,
    take_rows,
    weighted_sums,
)
from proving.field import jax_base as base
from proving.field.koalabear import P

# isort: split
import jax.numpy as jnp
import numpy as np
from jax import Array

EXACT_COUNT = 2
"""Sums of more terms are padded to a power of two, so that there are fewer kinds of sums."""


class Place(NamedTuple):
    """Where an atom's values are."""

    is_derived: bool
    row: int


@dataclass(frozen=True, slots=True)
class Values:
    """Values of atoms at some points; row 0 of both matrices is zero.

    Attributes
    ----------
    matrices
        What is given and what is derived, each of shape (rows, points).
    """

    matrices: tuple[Array, Array]
    places: dict[int, Place]

    def rows_of(self, atoms: Sequence[int]) -> tuple[Array, Indices]:
        """Return a matrix with the atoms' values, and their rows in it."""
        if not any(self.places[atom].is_derived for atom in atoms):
            return self.matrices[0], self._indices(atoms)
        derived = [atom for atom in atoms if self.places[atom].is_derived]
        given = [atom for atom in atoms if not self.places[atom].is_derived]
        if not given:
            return self.matrices[1], self._indices(atoms)
        order = {atom: row for row, atom in enumerate(dict.fromkeys((*given, *derived)))}
        matrix = jnp.concatenate(
            [self.take(list(dict.fromkeys(part))) for part in (given, derived)]
        )
        return matrix, np.array([order[a] for a in atoms], np.int32)

    def take(self, atoms: Sequence[int]) -> Array:
        """Return the values of atoms that are all in the same matrix."""
        return take_rows(self.matrices[self.places[atoms[0]].is_derived], self._indices(atoms))

    def _indices(self, atoms: Iterable[int]) -> Indices:
        return np.array([self.places[atom].row for atom in atoms], np.int32)


def evaluate(
    form: NormalForm, given: Callable[[One | Cell | Parameter], int], matrix: Array
) -> Values:
    """Compute all atoms that the results need.

    Parameters
    ----------
    given
        Row of `matrix` that holds an atom of layer 0.
    matrix
        Shape (rows, points); row 0 is zero.
    """
    places: dict[int, Place] = {}
    by_layer: dict[int, list[int]] = defaultdict(list)
    for number, (atom, layer) in enumerate(zip(form.atoms, form.layers, strict=True)):
        if isinstance(atom, One | Cell | Parameter):
            places[number] = Place(False, given(atom))
        else:
            by_layer[layer].append(number)

    last_reader = _last_readers(form)
    zero = jnp.zeros((1, matrix.shape[1]), jnp.uint32)
    values = Values((matrix, zero), places)
    for layer, numbers in sorted(by_layer.items()):
        blocks: list[tuple[list[int], Array]] = []
        products = [n for n in numbers if isinstance(form.atoms[n], Multiplication)]
        sums = [n for n in numbers if isinstance(form.atoms[n], LinearForm)]
        blocks += _multiply(form, values, products)
        blocks += _add_up(form, values, sums)

        kept = [
            number
            for number, place in places.items()
            if place.is_derived and last_reader.get(number, 0) > layer
        ]
        if kept:
            blocks.insert(0, (kept, values.take(kept)))
        order = [number for members, _ in blocks for number in members]
        derived = jnp.concatenate([zero, *(block for _, block in blocks)])
        places = {number: place for number, place in places.items() if not place.is_derived}
        places |= {number: Place(True, row) for row, number in enumerate(order, start=1)}
        values = Values((matrix, derived), places)
    return values


def _last_readers(form: NormalForm) -> dict[int, int]:
    """Return the highest layer that reads each atom; for results a layer above all."""
    last: dict[int, int] = {}
    for atom, layer in zip(form.atoms, form.layers, strict=True):
        for operand in _operands(atom):
            last[operand] = max(last.get(operand, 0), layer)
    above_all = max(form.layers) + 1
    return last | {result.atom: above_all for result in form.results}


def _operands(atom: object) -> tuple[int, ...]:
    match atom:
        case Multiplication(left, right):
            return left, right
        case LinearForm(_, terms):
            return tuple(number for number, _ in terms)
        case _:
            return ()


def _multiply(
    form: NormalForm, values: Values, numbers: Sequence[int]
) -> list[tuple[list[int], Array]]:
    kinds: dict[tuple[bool, bool], list[tuple[int, int, int]]] = defaultdict(list)
    for number in numbers:
        atom = form.atoms[number]
        assert isinstance(atom, Multiplication)
        left, right = sorted((atom.left, atom.right), key=lambda n: values.places[n])
        kind = values.places[left].is_derived, values.places[right].is_derived
        kinds[kind].append((number, left, right))
    blocks = []
    for members in kinds.values():
        own, left_factors, right_factors = (list(column) for column in zip(*members, strict=True))
        product = base.multiply(values.take(left_factors), values.take(right_factors))
        blocks.append((own, product))
    return blocks


@dataclass(frozen=True, slots=True)
class _Slots:
    """Terms of a linear form by kind: rows added, rows subtracted, and rows with coefficients."""

    added: tuple[int, ...]
    subtracted: tuple[int, ...]
    scaled: tuple[tuple[int, int], ...]

    @property
    def sizes(self) -> tuple[int, int, int]:
        return _padded(self.added), _padded(self.subtracted), _padded(self.scaled)


def _add_up(
    form: NormalForm, values: Values, numbers: Sequence[int]
) -> list[tuple[list[int], Array]]:
    slots_of: dict[int, tuple[_Slots, _Slots]] = {}
    kinds: dict[object, list[int]] = defaultdict(list)
    for number in numbers:
        atom = form.atoms[number]
        assert isinstance(atom, LinearForm)
        slots = _slots(atom, values, is_derived=False), _slots(atom, values, is_derived=True)
        slots_of[number] = slots
        kinds[slots[0].sizes, slots[1].sizes].append(number)

    blocks = []
    for members in kinds.values():
        constants = []
        for number in members:
            atom = form.atoms[number]
            assert isinstance(atom, LinearForm)
            constants.append(base.constant(atom.constant))
        shape = (len(members), values.matrices[0].shape[1])
        total = jnp.broadcast_to(np.array(constants, np.uint32)[:, None], shape)
        for is_derived in (False, True):
            own = [slots_of[number][is_derived] for number in members]
            total = _add_terms(total, values.matrices[is_derived], own)
        blocks.append((members, total))
    return blocks


def _slots(atom: LinearForm, values: Values, *, is_derived: bool) -> _Slots:
    terms = [
        (values.places[number].row, coefficient)
        for number, coefficient in atom.terms
        if values.places[number].is_derived is is_derived
    ]
    return _Slots(
        tuple(row for row, coefficient in terms if coefficient == 1),
        tuple(row for row, coefficient in terms if coefficient == P - 1),
        tuple((row, coefficient) for row, coefficient in terms if coefficient not in (1, P - 1)),
    )


def _add_terms(total: Array, matrix: Array, slots: Sequence[_Slots]) -> Array:
    """Add the terms of linear forms of one kind, one row of `total` for each."""
    added, subtracted, scaled = slots[0].sizes
    if added:
        total = add_rows(total, matrix, _index_array([own.added for own in slots], added))
    if subtracted:
        rows = _index_array([own.subtracted for own in slots], subtracted)
        total = subtract_rows(total, matrix, rows)
    if scaled:
        rows = _index_array([[row for row, _ in own.scaled] for own in slots], scaled)
        weights = np.zeros(rows.shape, np.uint32)
        for position, own in enumerate(slots):
            weights[position, : len(own.scaled)] = [base.constant(c) for _, c in own.scaled]
        total = base.add(total, weighted_sums(jnp.asarray(weights), matrix, rows))
    return total


def _index_array(rows: Sequence[Sequence[int]], width: int) -> Indices:
    """Return the rows as a matrix; missing ones are 0, the row that is zero."""
    indices = np.zeros((len(rows), width), np.int32)
    for position, own in enumerate(rows):
        indices[position, : len(own)] = own
    return indices


def _padded(items: Sequence[object]) -> int:
    count = len(items)
    return count if count <= EXACT_COUNT else 1 << (count - 1).bit_length()
