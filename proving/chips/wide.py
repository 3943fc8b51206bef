"""Integers of 256 bits in a field of 31: an equation between products holds digit by digit.

A number is a list of digits in base 256. The digits of a product of two such numbers are sums of
at most 32 products of bytes, so two neighbouring ones fit the field together. That

    sum over positions j of digit[j] * 256^j = 0

then holds as integers if, group by group from the lowest, what a group and the carry into it add
up to is the carry out of it times the group's weight, and the highest group leaves no carry. Each
group's equation is one modulo P; `plan_carries` computes from the digits' bounds which carries an
honest row can need, and takes only groups whose equation cannot wrap for any carry in range.

An identity is a function from (start, length) to `digit[start] + 256 * digit[start + 1] + …`. It is
written once and runs on intervals (for the plan), expressions (for the constraints) and integers
(for the trace).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from proving.air.chip import AirBuilder
from proving.air.expression import ONE, Expression, total
from proving.chips.byte_limbs import BYTE_BITS, bytes_in_range, bytes_of
from proving.chips.gadgets import in_range
from proving.field.koalabear import P
from proving.machine.instructions import LIMB_BITS

NUMBER_BYTES = 32
NUMBER_LIMBS = 16
RADIX = 1 << BYTE_BITS
BYTES_PER_LIMB = 2
LONGEST_GROUP = 4
"""More digits never fit the field together."""
GROUPS = 4
"""The 16 limbs of a comparison: four groups of four."""


class Ring(Protocol):
    """What digits have to support, among themselves and with integers."""

    def __add__(self, other: Self | int, /) -> Self: ...
    def __sub__(self, other: Self | int, /) -> Self: ...
    def __mul__(self, other: Self | int, /) -> Self: ...


V = TypeVar("V", bound=Ring)


@dataclass(frozen=True, slots=True)
class Interval:
    """All integers from `low` to `high`; arithmetic gives what the results can be."""

    low: int
    high: int

    def __add__(self, other: Interval | int) -> Interval:
        other = _interval(other)
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval | int) -> Interval:
        other = _interval(other)
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Interval | int) -> Interval:
        other = _interval(other)
        products = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(products), max(products))

    def hull(self, other: Interval) -> Interval:
        """Smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


BIT, BYTE, LIMB = Interval(0, 1), Interval(0, RADIX - 1), Interval(0, (1 << LIMB_BITS) - 1)


class Digits(Generic[V]):
    """The number `sum of digits[i] * 256^(i * stride)`; limbs have stride 2."""

    def __init__(self, digits: Sequence[V], stride: int = 1) -> None:
        self.digits = tuple(digits)
        self.zero = self.digits[0] * 0
        self._stride = stride
        self._windows: dict[tuple[int, int], V] = {}

    def window(self, start: int, length: int) -> V:
        """What the positions from `start` on contribute, divided by 256^start.

        The same object for the same window, so that expressions share it.
        """
        key = (start, length)
        if key not in self._windows:
            value = self.zero
            for position, digit in self._between(start, start + length):
                value = value + digit * RADIX ** (position - start)
            self._windows[key] = value
        return self._windows[key]

    def overlaps(self, start: int, length: int) -> bool:
        """Whether any digit lies in the window."""
        return bool(self._between(start, start + length))

    def _between(self, start: int, end: int) -> list[tuple[int, V]]:
        first = max(0, -(-start // self._stride))
        last = min(len(self.digits), -(-end // self._stride))
        return [(index * self._stride, self.digits[index]) for index in range(first, last)]


def product(left: Digits[V], right: Digits[V], start: int, length: int) -> V:
    """Window of the product of two numbers; `left` has stride 1."""
    value = left.zero
    for position, digit in enumerate(left.digits):
        if right.overlaps(start - position, length):
            value = value + digit * right.window(start - position, length)
    return value


# CARRIES


@dataclass(frozen=True, slots=True)
class CarryGroup:
    """Digits that one equation covers.

    Attributes
    ----------
    start, length
        Their positions.
    lowest_carry, carry_bits
        The carry out of the group is `lowest_carry` plus a number of `carry_bits` bits.
    """

    start: int
    length: int
    lowest_carry: int
    carry_bits: int

    @property
    def weight(self) -> int:
        """Of the digits above, in units of the group's lowest."""
        return int(RADIX**self.length)

    @property
    def carry(self) -> Interval:
        """All carries that pass the range check."""
        return Interval(self.lowest_carry, self.lowest_carry + (1 << self.carry_bits) - 1)


@dataclass(frozen=True, slots=True)
class CarryPlan:
    """Groups that cover all digits, lowest first; the last one leaves no carry."""

    groups: tuple[CarryGroup, ...]

    @property
    def carry_count(self) -> int:
        """Columns that the carries take."""
        return len(self.groups) - 1


def plan_carries(bounds: Callable[[int, int], Interval], digit_count: int) -> CarryPlan:
    """Cover the digits with as few groups as cannot wrap.

    Parameters
    ----------
    bounds
        The identity on intervals.

    Raises
    ------
    ValueError
        If not even a single digit's equation stays within (-P, P).
    """
    groups: list[CarryGroup] = []
    carried = Interval(0, 0)
    start = 0
    while start < digit_count:
        group = _longest_group(bounds, carried, start, digit_count)
        groups.append(group)
        carried = group.carry
        start += group.length
    return CarryPlan(tuple(groups))


def assert_vanishes(
    air: AirBuilder,
    name: str,
    plan: CarryPlan,
    identity: Callable[[int, int], Expression],
    carries: Sequence[Expression],
    when: Expression,
) -> None:
    """Demand that the identity holds as integers, given that its digits keep to their bounds.

    `when` gates the lookups only: rows of zeros satisfy every equation.
    """
    carried: Expression | int = 0
    for position, group in enumerate(plan.groups):
        left = identity(group.start, group.length) + carried
        if position == plan.carry_count:
            air.assert_zero(f"{name}: the highest digits", left)
            return
        carried = carries[position]
        air.assert_equal(f"{name}: digits from {group.start}", left, carried * group.weight)
        in_range(air, carried - group.lowest_carry, group.carry_bits, when)


# BYTES


def split_columns(name: str) -> dict[str, int]:
    """Columns that split the 16 limbs `name` into bytes."""
    return {f"{name}_high_byte": NUMBER_LIMBS, f"{name}_conjunction": NUMBER_LIMBS}


def split(
    air: AirBuilder, name: str, limbs: Sequence[Expression], when: Expression
) -> Digits[Expression]:
    """Bytes of the limbs, in range; so the limbs are below 2^16."""
    digits = bytes_of(limbs, air.local.many(f"{name}_high_byte"))
    _pairs_in_range(air, digits, air.local.many(f"{name}_conjunction"), when)
    return Digits(digits)


def byte_columns(name: str, byte_count: int) -> dict[str, int]:
    """Columns of a number that is held as bytes."""
    return {name: byte_count, f"{name}_conjunction": byte_count // BYTES_PER_LIMB}


def byte_number(air: AirBuilder, name: str, when: Expression) -> Digits[Expression]:
    """The bytes `name`, in range."""
    digits = air.local.many(name)
    _pairs_in_range(air, digits, air.local.many(f"{name}_conjunction"), when)
    return Digits(digits)


# COMPARISON


def comparison_columns(name: str) -> dict[str, int]:
    """Columns of `assert_less`."""
    return {f"{name}_group": GROUPS - 1, f"{name}_member": GROUPS - 1, f"{name}_gap": 1}


def assert_less(
    air: AirBuilder,
    name: str,
    smaller: Sequence[Expression],
    larger: Sequence[Expression],
    when: Expression,
) -> None:
    """`smaller < larger`, both 16 limbs in range: they agree above one limb, where they differ.

    That limb is member j of group i. The flags of the last group and member are what the other
    three leave of 1, so the highest limb is the default.
    """
    local = air.local
    groups = _one_of(air, f"{name}: group", local.many(f"{name}_group"))
    members = _one_of(air, f"{name}: member", local.many(f"{name}_member"))
    chosen: Expression | int = 0
    for index, (small, large) in enumerate(zip(smaller, larger, strict=True)):
        group, member = divmod(index, GROUPS)
        if index > 0:
            is_above = total(groups[:group]) + groups[group] * total(members[:member])
            air.assert_zero(f"{name}: limb {index} agrees if above", is_above * (large - small))
        chosen = chosen + groups[group] * members[member] * (large - small)
    gap = local.one(f"{name}_gap")
    air.assert_equal(f"{name}: gap", gap, chosen)
    in_range(air, gap - 1, LIMB_BITS, when)


def _one_of(air: AirBuilder, name: str, flags: Sequence[Expression]) -> tuple[Expression, ...]:
    last = ONE - total(flags)
    for position, flag in enumerate((*flags, last)):
        air.assert_boolean(f"{name} {position} is boolean", flag)
    return (*flags, last)


def _pairs_in_range(
    air: AirBuilder,
    digits: Sequence[Expression],
    conjunctions: Sequence[Expression],
    when: Expression,
) -> None:
    for position, conjunction in enumerate(conjunctions):
        low, high = digits[BYTES_PER_LIMB * position : BYTES_PER_LIMB * (position + 1)]
        bytes_in_range(air, low, high, conjunction, when)


def _interval(value: Interval | int) -> Interval:
    return Interval(value, value) if isinstance(value, int) else value


def _longest_group(
    bounds: Callable[[int, int], Interval], carried: Interval, start: int, digit_count: int
) -> CarryGroup:
    for length in range(min(LONGEST_GROUP, digit_count - start), 0, -1):
        left = bounds(start, length) + carried
        if start + length == digit_count:
            group = CarryGroup(start, length, 0, 0)
        else:
            weight = RADIX**length
            lowest, highest = -(-left.low // weight), left.high // weight
            carry_bits = (highest - lowest).bit_length()
            spare = (1 << carry_bits) - 1 - (highest - lowest)
            group = CarryGroup(start, length, lowest - spare // 2, carry_bits)
        equation = left - group.carry * group.weight
        if group.carry_bits <= LIMB_BITS and equation.low > -P and equation.high < P:
            return group
    raise ValueError(f"the equation of digit {start} wraps")
