"""Instructions of `contracts/l1/src/verifier/Interpreter.sol`.

Each computes one element of the extension field from others. Here operands are registers; `encode`
writes them as slots. Destination 0 is not a slot: the value is that of the next constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from proving.field.koalabear import P

MONTGOMERY: Final = 2**48 % P
"""The factor that elements have in the contract."""
EMITTED: Final = 0
END: Final = b"\0"
MOST_UNIT_TERMS: Final = 60
"""Of a `Sum`."""
MOST_TERMS: Final = 255
"""Of each kind in a `Linear`, and of a `Fingerprint`."""
MOST_REPETITIONS: Final = 255
SMALL_COEFFICIENT: Final = 1 << 16
MOST_SMALL_WEIGHT: Final = 1 << 21
"""Bound on the sum of small coefficients with the same sign, so that lanes do not overflow."""

Register = int
SlotOf = Callable[[Register], int]


@dataclass(frozen=True, slots=True)
class Multiply:
    """`left * right`."""

    left: Register
    right: Register

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class ExclusiveOr:
    """`left + right - 2 * left * right`; only to be stored."""

    left: Register
    right: Register

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Mask:
    """`left - left * right`; only to be stored."""

    left: Register
    right: Register

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Boolean:
    """`value * (value - 1)`; only to be emitted."""

    value: Register

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return (self.value,)


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum of some registers less others, at most `MOST_UNIT_TERMS` together."""

    plus: tuple[Register, ...]
    minus: tuple[Register, ...]

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return self.plus + self.minus

    def encode(self, destination: int, slot: SlotOf) -> bytes:
        """Return the instruction's bytes."""
        if len(self.operands) > MOST_UNIT_TERMS:
            raise ValueError(f"a sum of {len(self.operands)} terms")
        head = b"\4" + _short(destination) + bytes([len(self.plus), len(self.minus)])
        return head + b"".join(_short(slot(register)) for register in self.operands)


Terms = tuple[tuple[Register, int], ...]


@dataclass(frozen=True, slots=True)
class Linear:
    """`constant` and terms with coefficients.

    Attributes
    ----------
    constant
        Canonical.
    plus, minus
        Terms with coefficients below `SMALL_COEFFICIENT`, added and subtracted.
    general
        Terms with any canonical coefficient.
    """

    constant: int
    plus: Terms
    minus: Terms
    general: Terms

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return tuple(register for register, _ in (*self.plus, *self.minus, *self.general))

    def encode(self, destination: int, slot: SlotOf) -> bytes:
        """Return the instruction's bytes."""
        for terms in (self.plus, self.minus):
            weight = sum(coefficient for _, coefficient in terms)
            if weight > MOST_SMALL_WEIGHT or len(terms) > MOST_TERMS:
                raise ValueError(f"{len(terms)} terms of weight {weight}")
        plus, minus = (_in_pairs(terms, slot) for terms in (self.plus, self.minus))
        counts = bytes([len(plus), len(minus), len(self.general)])
        parts = [b"\5", _short(destination), counts, _scaled(self.constant), *plus, *minus]
        parts += [_short(slot(register)) + _scaled(k) for register, k in self.general]
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`bus + γ + β·v₁ + β²·v₂ + …` of a tuple on a bus."""

    bus: int
    values: tuple[Register, ...]

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read."""
        return self.values

    def encode(self, destination: int, slot: SlotOf) -> bytes:
        """Return the instruction's bytes."""
        head = b"\6" + _short(destination) + bytes([len(self.values)]) + _scaled(self.bus)
        return head + b"".join(_short(slot(register)) for register in reversed(self.values))


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the base field, canonical."""

    value: int

    @property
    def operands(self) -> tuple[Register, ...]:
        """Registers that are read: none."""
        return ()

    def encode(self, destination: int, slot: SlotOf) -> bytes:
        """Return the instruction's bytes."""
        return b"\7" + _short(destination) + _scaled(self.value)


Single = Sum | Linear | Fingerprint | Number
Repeated = Multiply | ExclusiveOr | Mask | Boolean
"""Instructions that repeat such an operation have one head."""
Operation = Single | Repeated


@dataclass(frozen=True, slots=True)
class Instruction:
    """An operation and where its value goes; None: it is the next constraint's."""

    operation: Operation
    destination: Register | None

    @property
    def kind(self) -> tuple[type[Operation], bool]:
        """Operation, and whether its value is emitted: what repeats under one head."""
        return type(self.operation), self.destination is None


_REPEATED_CODES: Final[dict[tuple[type[Operation], bool], int]] = {
    (Multiply, False): 1,
    (ExclusiveOr, False): 2,
    (Boolean, True): 3,
    (Multiply, True): 8,
    (Mask, False): 9,
}


def encode(instructions: Sequence[Instruction], slot: SlotOf) -> bytes:
    """Return a program's bytes, with its end."""
    parts = []
    for kind, members in groupby(instructions, key=lambda instruction: instruction.kind):
        run = list(members)
        if kind in _REPEATED_CODES:
            for start in range(0, len(run), MOST_REPETITIONS):
                part = run[start : start + MOST_REPETITIONS]
                parts.append(bytes([_REPEATED_CODES[kind], len(part)]))
                parts += [_entry(instruction, slot) for instruction in part]
        else:
            parts += [_single(instruction, slot) for instruction in run]
    return b"".join([*parts, END])


def _entry(instruction: Instruction, slot: SlotOf) -> bytes:
    """Destination, if there is one, and operands of a repeated operation."""
    registers = instruction.operation.operands
    if instruction.destination is not None:
        registers = (instruction.destination, *registers)
    return b"".join(_short(slot(register)) for register in registers)


def _single(instruction: Instruction, slot: SlotOf) -> bytes:
    operation, destination = instruction.operation, instruction.destination
    if isinstance(operation, Repeated):
        raise TypeError(f"{operation!r} to {destination}")
    return operation.encode(EMITTED if destination is None else slot(destination), slot)


def _in_pairs(terms: Terms, slot: SlotOf) -> list[bytes]:
    """Pairs of slots with coefficients; an odd one is joined by slot 0, which is zero."""
    encoded = [_short(slot(register)) + _short(k) for register, k in terms]
    encoded += [bytes(4)] * (len(encoded) % 2)
    return [first + second for first, second in zip(encoded[::2], encoded[1::2], strict=True)]


def _short(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _scaled(value: int) -> bytes:
    return (value * MONTGOMERY % P).to_bytes(4, "big")
