"""The prover's evaluation of a chip, on arrays: lookup columns, and the constraints combined.

Both work on any number of points at once; the caller cuts a domain into pieces of
`points_per_piece`, so that one compiled program serves every height. The verifier's counterpart is
`logup.lookup_constraints` with `evaluate.Evaluator`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from proving.air.array_program import Values, evaluate
from proving.air.chip import Air, Domain, Interaction
from proving.air.expression import Cell, Expression, Parameter, Source
from proving.air.logup import LookupLayout, lookup_layout
from proving.air.normal_form import NormalForm, One, Scaled, normal_form
from proving.air.row_arrays import (
    inverses,
    sum_over_middle_axis,
    take_rows,
    weighted_sum,
    weighted_sums,
)
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import DEGREE, Extension

MINIMUM_POINTS, MAXIMUM_POINTS = 1 << 9, 1 << 17
CELLS_PER_PIECE = {"cpu": 1 << 22}
"""Intermediate values held at once: on a CPU they should stay in its caches."""
CELLS_PER_PIECE_ELSEWHERE = 1 << 27


class Cells(NamedTuple):
    """A chip's cells at some points, each of shape (columns, points).

    `next_*` hold only the columns that the chip reads in the next row, in the order of
    `Air.next_main` and `Air.next_preprocessed`.
    """

    main: Array
    next_main: Array
    preprocessed: Array
    next_preprocessed: Array


class Selectors(NamedTuple):
    """Functions of the point x that depend on the height only, each of shape (points,).

    With Z the zerofier of the trace's domain and ℓ its last point.
    """

    x_minus_last: Array
    """x − ℓ."""
    inverse_zerofier: Array
    """1 / Z(x)."""
    inverse_from_first: Array
    """1 / (x − 1)."""
    inverse_from_last: Array
    """1 / (x − ℓ)."""


class LookupTerms(NamedTuple):
    """What the constraints read besides the chip's cells.

    Attributes
    ----------
    columns
        Shape (4 · lookup columns, points).
    next_sum
        φ one row on, of shape (4, points).
    sum_per_row
        S/n, of shape (4,).
    """

    columns: Array
    next_sum: Array
    sum_per_row: Array


@dataclass(frozen=True, slots=True)
class _Fingerprints:
    """The tuples of all interactions: a constant part each, and values by the powers of β."""

    constants: np.ndarray
    """Shape (longest tuple + 1, interactions), Montgomery form: what stands at each power of β."""
    by_length: dict[int, list[int]]
    """Interactions by the number of values that are not constant."""
    values: list[list[tuple[int, Scaled]]]
    """Of each interaction: powers of β, and what they multiply."""


class ChipEvaluator:
    """The compiled programs of one chip.

    Parameters
    ----------
    air
        The chip.

    Attributes
    ----------
    layout
        Its lookup columns.
    points_per_piece
        At how many points it is best evaluated at once.
    """

    def __init__(self, air: Air) -> None:
        self.air = air
        self.layout: LookupLayout = lookup_layout(air)
        self._constraints = normal_form([c.expression for c in air.constraints])
        expressions = [c.expression for c in air.constraints] + _of_interactions(air)
        self._all = normal_form(expressions)
        self._lookups = normal_form(_of_interactions(air))
        self._parameters = _parameter_names(self._all)
        self._rows = self._row_numbers()
        self.points_per_piece = self._points_per_piece()
        self._fractions = jax.jit(self._lookup_fractions)
        self.quotient = jax.jit(self._quotient)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters that the programs take, in order."""
        return self._parameters

    @property
    def challenge_count(self) -> int:
        """Number of powers of α that `quotient` takes."""
        return len(self.air.constraints) + self.layout.column_count

    def lookup_columns(
        self, cells: Cells, parameters: Array, gamma: Array, beta: Array
    ) -> tuple[Array, Array]:
        """Compute h_g of all groups but the last, and the row's total over all groups.

        Returns
        -------
        tuple
            Arrays of shapes (4 · (groups − 1), points) and (4, points).
        """
        numerators, denominators = self._fractions(cells, parameters, gamma, beta)
        result: tuple[Array, Array] = _multiplied(numerators, inverses(denominators))
        return result

    def _lookup_fractions(
        self, cells: Cells, parameters: Array, gamma: Array, beta: Array
    ) -> tuple[Array, Array]:
        """Compute numerator and denominator of each group, both of shape (4, groups, points)."""
        values = self._evaluate(self._lookups, cells, parameters)
        first, second = self._denominators(values, self._lookups.results, gamma, beta)
        one, other = self._multiplicities(values, self._lookups.results)
        return _numerators(one, other, first, second), extension.multiply(first, second)

    def _quotient(
        self,
        cells: Cells,
        lookups: LookupTerms,
        selector_rows: Array,
        parameters: Array,
        gamma: Array,
        beta: Array,
        alphas: Array,
    ) -> Array:
        """Compute Σ α^k · C_k / (zerofier of the constraint's domain), of shape (4, points).

        Constraints come first, then those of the lookup groups. `alphas` are the powers of α, of
        shape (4, challenge_count), `selector_rows` the fields of `Selectors`, of shape (4, points).
        """
        selectors = Selectors(*selector_rows)
        values = self._evaluate(self._all, cells, parameters)
        everywhere = self._combined(values, alphas, Domain.EVERY_ROW)
        if self.layout.groups:
            everywhere = extension.add(
                everywhere, self._combined_lookups(values, lookups, gamma, beta, alphas)
            )
        if self._has(Domain.TRANSITION):
            moving = self._combined(values, alphas, Domain.TRANSITION)
            moving = extension.multiply_base(moving, selectors.x_minus_last)
            everywhere = extension.add(everywhere, moving)
        result = extension.multiply_base(everywhere, selectors.inverse_zerofier)
        for domain, divisor in (
            (Domain.FIRST_ROW, selectors.inverse_from_first),
            (Domain.LAST_ROW, selectors.inverse_from_last),
        ):
            if self._has(domain):
                own = self._combined(values, alphas, domain)
                result = extension.add(result, extension.multiply_base(own, divisor))
        return result

    def _has(self, domain: Domain) -> bool:
        return any(constraint.domain is domain for constraint in self.air.constraints)

    def _evaluate(self, form: NormalForm, cells: Cells, parameters: Array) -> Values:
        points = cells.main.shape[1]
        head = jnp.broadcast_to(jnp.array([[0], [base.MONTGOMERY_ONE]], jnp.uint32), (2, points))
        constants = jnp.broadcast_to(parameters[:, None], (len(self._parameters), points))
        given = jnp.concatenate([head, *cells, constants])
        return evaluate(form, self._rows.__getitem__, given)

    def _row_numbers(self) -> dict[One | Cell | Parameter, int]:
        """Rows of the matrix of given values: 0, 1, the cells, then the parameters."""
        air = self.air
        atoms: list[One | Cell | Parameter] = [One()]
        atoms += [Cell(Source.MAIN, index) for index in range(air.main_width)]
        atoms += [Cell(Source.MAIN, index, True) for index in air.next_main]
        atoms += [Cell(Source.PREPROCESSED, index) for index in range(air.preprocessed_width)]
        atoms += [Cell(Source.PREPROCESSED, index, True) for index in air.next_preprocessed]
        atoms += [Parameter(name) for name in self._parameters]
        return {atom: row for row, atom in enumerate(atoms, start=1)}

    def _combined(self, values: Values, alphas: Array, domain: Domain) -> Array:
        """Return Σ α^k · C_k over the constraints of a domain, of shape (4, points)."""
        chosen = [k for k, c in enumerate(self.air.constraints) if c.domain is domain]
        results = [self._all.results[k] for k in chosen]
        if not chosen:
            return jnp.zeros((DEGREE, values.matrices[0].shape[1]), jnp.uint32)
        scales = np.array([base.constant(result.scale) for result in results], np.uint32)
        weights = extension.multiply_base(alphas[:, np.array(chosen)], jnp.asarray(scales))
        matrix, rows = values.rows_of([result.atom for result in results])
        return weighted_sum(weights, matrix, rows)

    def _combined_lookups(
        self, values: Values, lookups: LookupTerms, gamma: Array, beta: Array, alphas: Array
    ) -> Array:
        """Return Σ α^k · (h·d₁·d₂ − m₁·d₂ − m₂·d₁) over the groups, of shape (4, points)."""
        results = self._all.results[len(self.air.constraints) :]
        first, second = self._denominators(values, results, gamma, beta)
        one, other = self._multiplicities(values, results)

        columns = lookups.columns.reshape(self.layout.column_count, DEGREE, -1).transpose(1, 0, 2)
        running_sum = columns[:, -1]
        last = extension.subtract(lookups.next_sum, running_sum)
        last = extension.add(last, lookups.sum_per_row[:, None])
        if self.layout.column_count > 1:
            last = extension.subtract(last, sum_over_middle_axis(columns[:, :-1]))
        sums = jnp.concatenate([columns[:, :-1], last[:, None]], axis=1)

        residues = extension.subtract(
            extension.multiply(sums, extension.multiply(first, second)),
            _numerators(one, other, first, second),
        )
        # α^k times the unit vectors: so that the coordinates of the residues are base-field rows
        own_alphas = alphas[:, len(self.air.constraints) :]
        units = [extension.constant(Extension(row)) for row in np.eye(DEGREE, dtype=int).tolist()]
        weights = jnp.stack([extension.multiply(own_alphas, unit[:, None]) for unit in units], 1)
        matrix = residues.reshape(-1, residues.shape[-1])
        rows = np.arange(matrix.shape[0], dtype=np.int32)
        return weighted_sum(weights.reshape(DEGREE, -1), matrix, rows)

    def _multiplicities(self, values: Values, results: Sequence[Scaled]) -> tuple[Array, Array]:
        """Return m₁ and m₂ of each group, of shape (groups, points); a missing m₂ is 0."""
        scaled, start = [], 0
        for interaction in self.air.interactions:
            start += len(interaction.values)
            scaled.append(results[start])
            start += 1
        matrix, rows = values.rows_of([one.atom for one in scaled])
        scales = np.array([base.constant(one.scale) for one in scaled], np.uint32)
        all_of_them = base.multiply(take_rows(matrix, rows), jnp.asarray(scales)[:, None])
        none = jnp.zeros((1, matrix.shape[1]), jnp.uint32)
        return self._by_group(jnp.concatenate([all_of_them, none]))

    def _denominators(
        self, values: Values, results: Sequence[Scaled], gamma: Array, beta: Array
    ) -> tuple[Array, Array]:
        """Return d₁ and d₂ of each group, of shape (4, groups, points); a missing d₂ is 1."""
        tuples = _fingerprints(self.air.interactions, results)
        powers = extension.powers(beta, tuples.constants.shape[0])
        constants = extension.add(_combine_constants(powers, tuples.constants), gamma[:, None])
        order: list[int] = []
        blocks = []
        for length, members in tuples.by_length.items():
            order += members
            block = constants[:, np.array(members)][:, :, None]
            if length:
                own = [tuples.values[member] for member in members]
                exponents = np.array([[power for power, _ in terms] for terms in own])
                scales = np.array([[base.constant(s.scale) for _, s in terms] for terms in own])
                weights = extension.multiply_base(powers[:, exponents], jnp.asarray(scales))
                matrix, rows = values.rows_of([s.atom for terms in own for _, s in terms])
                block = extension.add(
                    weighted_sums(weights, matrix, rows.reshape(len(members), length)), block
                )
            else:
                block = jnp.broadcast_to(block, (*block.shape[:2], values.matrices[0].shape[1]))
            blocks.append(block)
        one = jnp.zeros((DEGREE, 1, values.matrices[0].shape[1]), jnp.uint32)
        blocks.append(one.at[0].set(base.MONTGOMERY_ONE))
        denominators = jnp.concatenate(blocks, axis=1)
        position = {member: place for place, member in enumerate(order)}
        return self._by_group(denominators, position)

    def _by_group(
        self, items: Array, position: dict[int, int] | None = None
    ) -> tuple[Array, Array]:
        """Arrange (…, interactions + 1, points) by groups: first members, and second ones.

        The last item stands for a second member that a group does not have.
        """
        nothing = len(self.air.interactions)
        places = position or {member: member for member in range(nothing)}
        first = [places[group[0]] for group in self.layout.groups]
        second = [places[group[1]] if len(group) > 1 else nothing for group in self.layout.groups]
        return (
            jnp.take(items, np.array(first), axis=-2, mode="clip"),
            jnp.take(items, np.array(second), axis=-2, mode="clip"),
        )

    def _points_per_piece(self) -> int:
        budget = CELLS_PER_PIECE.get(jax.default_backend(), CELLS_PER_PIECE_ELSEWHERE)
        rows = len(self._all.atoms) + 6 * DEGREE * len(self.air.interactions) + 1
        points = 1 << (budget // rows).bit_length() - 1 if rows < budget else 1
        return max(MINIMUM_POINTS, min(points, MAXIMUM_POINTS))


@jax.jit
def _multiplied(numerators: Array, inverses: Array) -> tuple[Array, Array]:
    """Multiply; all products but the last group's as base-field rows, and the sum of all."""
    fractions = extension.multiply(numerators, inverses)
    columns = fractions[:, :-1].transpose(1, 0, 2)
    return columns.reshape(-1, columns.shape[-1]), sum_over_middle_axis(fractions)


def _numerators(one: Array, other: Array, first: Array, second: Array) -> Array:
    """Return m₁·d₂ + m₂·d₁."""
    return extension.add(
        extension.multiply_base(second, one), extension.multiply_base(first, other)
    )


def _of_interactions(air: Air) -> list[Expression]:
    return [
        expression
        for interaction in air.interactions
        for expression in (*interaction.values, interaction.multiplicity)
    ]


def _parameter_names(form: NormalForm) -> tuple[str, ...]:
    return tuple(sorted(atom.name for atom in form.atoms if isinstance(atom, Parameter)))


def _fingerprints(interactions: Sequence[Interaction], results: Sequence[Scaled]) -> _Fingerprints:
    longest = max(len(interaction.values) for interaction in interactions)
    constants = np.zeros((longest + 1, len(interactions)), np.uint32)
    values: list[list[tuple[int, Scaled]]] = []
    by_length: dict[int, list[int]] = {}
    remaining = iter(results)
    for number, interaction in enumerate(interactions):
        constants[0, number] = base.constant(interaction.bus.identifier)
        own = []
        for power, expression in enumerate(interaction.values, start=1):
            scaled = next(remaining)
            if expression.degree == 0 and scaled.atom == 0:
                constants[power, number] = base.constant(scaled.scale)
            else:
                own.append((power, scaled))
        next(remaining)
        values.append(own)
        by_length.setdefault(len(own), []).append(number)
    return _Fingerprints(constants, by_length, values)


def _combine_constants(powers: Array, constants: np.ndarray) -> Array:
    """Return Σ powers[:, t] · constants[t, i], of shape (4, i)."""
    products = base.multiply(powers[:, :, None], jnp.asarray(constants)[None])
    return sum_over_middle_axis(products)
