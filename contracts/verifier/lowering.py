"""From a chip's constraints to instructions.

Constraints come in their normal form (`proving.air.normal_form`), in which equal parts are one
atom. The contract combines the values of constraints by Horner's rule, so they are computed from
the last to the first: the lookups' groups, then the chip's own. An atom is computed when it is
first needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from contracts.verifier.bitwise import AnyAtom, Exclusive, Masked, with_bitwise
from contracts.verifier.instructions import (
    MOST_SMALL_WEIGHT,
    MOST_TERMS,
    MOST_UNIT_TERMS,
    SMALL_COEFFICIENT,
    Boolean,
    ExclusiveOr,
    Fingerprint,
    Instruction,
    Linear,
    Mask,
    Multiply,
    Number,
    Operation,
    Register,
    Sum,
)
from proving.air.chip import Air, Domain
from proving.air.expression import Cell, Parameter, Source
from proving.air.logup import lookup_layout
from proving.air.normal_form import (
    LinearForm,
    Multiplication,
    One,
    Scaled,
    normal_form,
)
from proving.field.koalabear import P


@dataclass(frozen=True, slots=True)
class Inputs:
    """Registers that are filled before a program runs, by what they hold.

    Attributes
    ----------
    columns
        Of the lookups, over the extension field; the last one is the running sum.
    following_sum
        The running sum in the next row.
    """

    one: Register
    sum_per_row: Register
    selectors: Mapping[Domain, Register]
    cells: Mapping[Cell, Register]
    parameters: Mapping[str, Register]
    columns: tuple[Register, ...]
    following_sum: Register


def cells_in_order(air: Air) -> list[Cell]:
    """All opened cells: of each tree those of the row, then those of the next row."""
    cells: list[Cell] = []
    for source, width, following in (
        (Source.PREPROCESSED, air.preprocessed_width, air.next_preprocessed),
        (Source.MAIN, air.main_width, air.next_main),
    ):
        cells += [Cell(source, index) for index in range(width)]
        cells += [Cell(source, index, is_next=True) for index in following]
    return cells


def lower(air: Air, inputs: Inputs, first_free: Register) -> list[Instruction]:
    """Return instructions that compute all constraints of a chip, the last one first.

    Parameters
    ----------
    first_free
        Registers from this one on hold nothing yet.
    """
    lowering = _Lowering(air, inputs, first_free)
    lowering.lookups()
    lowering.constraints()
    return lowering.instructions


class _Lowering:
    def __init__(self, air: Air, inputs: Inputs, first_free: Register) -> None:
        self._air = air
        self._inputs = inputs
        self._layout = lookup_layout(air)
        self._next_register = first_free
        self.instructions: list[Instruction] = []
        expressions = [constraint.expression for constraint in air.constraints]
        for interaction in air.interactions:
            expressions += [*interaction.values, interaction.multiplicity]
        form = normal_form(expressions)
        self._atoms = with_bitwise(form.atoms)
        results = iter(form.results)
        self._constraints = list(islice(results, len(air.constraints)))
        self._interactions = [
            (list(islice(results, len(interaction.values))), next(results))
            for interaction in air.interactions
        ]
        self._uses = _use_counts(self._atoms, form.results)
        self._known: dict[Scaled, Register] = {}

    # CONSTRAINTS

    def constraints(self) -> None:
        """All constraints of the chip itself."""
        for constraint, result in zip(
            reversed(self._air.constraints), reversed(self._constraints), strict=True
        ):
            if constraint.domain is Domain.EVERY_ROW:
                self._emit_result(result)
            else:
                selector = self._inputs.selectors[constraint.domain]
                self._emit(Multiply(self._value(result), selector))

    def _emit_result(self, result: Scaled) -> None:
        is_known = Scaled(result.atom, 1) in self._known
        is_sum_or_product = isinstance(self._atoms[result.atom], LinearForm | Multiplication)
        if boolean := self._boolean(result):
            self._emit(boolean)
        elif is_sum_or_product and not is_known and self._uses[result.atom] == 1:
            self._emit(self._operation(result))
        else:
            self._emit(self._sum([self._value(result)], []))

    # LOOKUPS

    def lookups(self) -> None:
        """The constraint of each group: h·d₁·d₂ = m₁·d₂ + m₂·d₁, or h·d₁ = m₁."""
        if not self._layout.groups:
            return
        *sums, running_sum = self._inputs.columns
        last = self._store(
            self._sum([self._inputs.following_sum, self._inputs.sum_per_row], [running_sum, *sums])
        )
        for group, value in reversed(list(zip(self._layout.groups, (*sums, last), strict=True))):
            fingerprints = [self._fingerprint(member) for member in group]
            rest = self._store(Multiply(value, fingerprints[0]))
            first = self._less(rest, *self._multiplicity(group[0]))
            if len(group) == 1:
                self._emit(first)
                continue
            rest = self._store(Multiply(self._store(first), fingerprints[1]))
            sign, multiplicity = self._multiplicity(group[1])
            if multiplicity == self._inputs.one:
                product = fingerprints[0]
            else:
                product = self._store(Multiply(multiplicity, fingerprints[0]))
            self._emit(self._less(rest, sign, product))

    def _fingerprint(self, member: int) -> Register:
        values, _ = self._interactions[member]
        bus = self._layout.interactions[member].bus.identifier
        return self._store(Fingerprint(bus, tuple(self._value(value) for value in values)))

    def _multiplicity(self, member: int) -> tuple[int, Register]:
        """Sign and register of an interaction's multiplicity."""
        _, scaled = self._interactions[member]
        if scaled.scale == P - 1:
            return -1, self._value(Scaled(scaled.atom, 1))
        return 1, self._value(scaled)

    def _less(self, value: Register, sign: int, other: Register) -> Operation:
        return self._sum([value], [other]) if sign > 0 else self._sum([value, other], [])

    # VALUES

    def _value(self, scaled: Scaled) -> Register:
        """Register that holds a multiple of an atom."""
        if scaled in self._known:
            return self._known[scaled]
        atom = self._atoms[scaled.atom]
        register: Register
        match atom:
            case One() if scaled.scale == 1:
                register = self._inputs.one
            case One():
                register = self._store(Number(scaled.scale))
            case Cell() if scaled.scale == 1:
                register = self._inputs.cells[atom]
            case Parameter() if scaled.scale == 1:
                register = self._inputs.parameters[atom.name]
            case _:
                register = self._store(self._operation(scaled))
        self._known[scaled] = register
        return register

    def _operation(self, scaled: Scaled) -> Operation:
        """Return what computes a multiple of an atom that is no input."""
        atom = self._atoms[scaled.atom]
        if isinstance(atom, LinearForm):
            return self._linear(atom, scaled.scale)
        if scaled.scale != 1:
            return self._terms(0, [(self._value(Scaled(scaled.atom, 1)), scaled.scale)])
        if isinstance(atom, Multiplication):
            return self._product(atom)
        if isinstance(atom, Exclusive):
            return ExclusiveOr(
                self._value(Scaled(atom.left, 1)), self._value(Scaled(atom.right, 1))
            )
        if isinstance(atom, Masked):
            return Mask(self._value(Scaled(atom.value, 1)), self._value(Scaled(atom.mask, 1)))
        raise TypeError(f"{atom!r} is an input")

    def _product(self, atom: Multiplication) -> Operation:
        return Multiply(self._value(Scaled(atom.left, 1)), self._value(Scaled(atom.right, 1)))

    def _boolean(self, result: Scaled) -> Boolean | None:
        """Return a·(a − 1), if that is what the result is."""
        atom = self._atoms[result.atom]
        if isinstance(atom, Multiplication) and result.scale == 1:
            for value, other in ((atom.left, atom.right), (atom.right, atom.left)):
                if self._atoms[other] == LinearForm(P - 1, ((value, 1),)):
                    return Boolean(self._value(Scaled(value, 1)))
        return None

    def _linear(self, form: LinearForm, scale: int) -> Operation:
        terms = [
            (self._value(Scaled(atom, 1)), coefficient * scale % P)
            for atom, coefficient in form.terms
        ]
        return self._terms(form.constant * scale % P, terms)

    def _terms(self, constant: int, terms: Sequence[tuple[Register, int]]) -> Operation:
        """Return what adds terms with canonical coefficients."""
        signed = [(register, _centered(k)) for register, k in terms]
        unit = _centered(constant)
        if abs(unit) <= 2 and all(abs(k) == 1 for _, k in signed):
            signed += [(self._inputs.one, 1 if unit > 0 else -1)] * abs(unit)
            plus = [register for register, k in signed if k > 0]
            return self._sum(plus, [register for register, k in signed if k < 0])
        small = [(register, k) for register, k in signed if abs(k) < SMALL_COEFFICIENT]
        weight = sum(abs(k) for _, k in small)
        if weight > MOST_SMALL_WEIGHT or len(signed) > MOST_TERMS:
            raise ValueError(f"{self._air.name}: {len(signed)} terms of weight {weight}")
        return Linear(
            constant,
            tuple((register, k) for register, k in small if k > 0),
            tuple((register, -k) for register, k in small if k < 0),
            tuple((register, k % P) for register, k in signed if abs(k) >= SMALL_COEFFICIENT),
        )

    def _sum(self, plus: list[Register], minus: list[Register]) -> Operation:
        """Return what adds and subtracts registers, of any number."""
        signed = [(register, True) for register in plus] + [(register, False) for register in minus]
        while len(signed) > MOST_UNIT_TERMS:
            part, signed = signed[:MOST_UNIT_TERMS], signed[MOST_UNIT_TERMS:]
            signed.append((self._store(_unit_sum(part)), True))
        return _unit_sum(signed)

    # OUTPUT

    def _store(self, operation: Operation) -> Register:
        register = self._next_register
        self._next_register += 1
        self.instructions.append(Instruction(operation, register))
        return register

    def _emit(self, operation: Operation) -> None:
        self.instructions.append(Instruction(operation, None))


def _unit_sum(signed: Sequence[tuple[Register, bool]]) -> Sum:
    return Sum(
        tuple(register for register, is_plus in signed if is_plus),
        tuple(register for register, is_plus in signed if not is_plus),
    )


def _centered(value: int) -> int:
    return value if value <= P // 2 else value - P


def _use_counts(atoms: Sequence[AnyAtom], results: Sequence[Scaled]) -> Counter[int]:
    uses: Counter[int] = Counter(result.atom for result in results)
    for atom in atoms:
        match atom:
            case Multiplication() | Exclusive():
                uses.update((atom.left, atom.right))
            case Masked():
                uses.update((atom.value, atom.mask))
            case LinearForm():
                uses.update(number for number, _ in atom.terms)
            case One() | Cell() | Parameter():
                pass
    return uses
