"""The equations of a point addition or doubling, between integers.

Modulo p = 2^256 - 2^32 - 977; each equation's multiple of p is a witness, its quotient. They say

    addition   slope * (x2 - x1) = y2 - y1
    doubling   slope * 2 * y1 = 3 * x1^2
    both       x3 = slope^2 - x1 - (x2 or x1)     y3 = slope * (x1 - x3) - y1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from proving.chips.byte_limbs import BYTE_BITS
from proving.chips.secp256k1_field import DEFICIT_BYTES, LOW_DEFICIT
from proving.chips.wide import (
    BIT,
    BYTE,
    BYTES_PER_LIMB,
    LIMB,
    NUMBER_BYTES,
    NUMBER_LIMBS,
    Digits,
    Interval,
    V,
    plan_carries,
    product,
)
from proving.machine.layout import SECP256K1_FIELD_MODULUS

BYTE_BIAS = 128
"""Digits d - BYTE_BIAS have products half as wide as those of bytes d."""
BIAS = sum(BYTE_BIAS << (BYTE_BITS * position) for position in range(NUMBER_BYTES))
"""A number less its biased digits. Twice the bias has digits 1, in the positions 1 to 32."""
SQUARED_BIAS = 3 * BIAS * BIAS % SECP256K1_FIELD_MODULUS
SIGN_WEIGHTS = (1, 3)
SLOPE_QUOTIENT_BIAS = 2
"""What the slope's quotient has above 2^256 is between -4 and 1: the weighted signs, less 2."""
X_QUOTIENT_BIAS = 3
"""The quotient of x3 is at least -3; its column holds a number that is not negative."""


@dataclass(frozen=True, slots=True)
class Abscissa(Generic[V]):
    """A number of 256 bits, as 16 limbs and as 32 bytes."""

    limbs: Sequence[V]
    bytes: Sequence[V]


@dataclass(frozen=True, slots=True)
class Cells(Generic[V]):
    """What the identities are about.

    Attributes
    ----------
    is_add, is_double
        0 or 1, not both.
    x2
        Holds y1 in a doubling.
    slope
        Bytes; their digits are biased, so that they stand for any residue modulo p.
    slope_quotient, x_quotient, y_quotient
        Multiples of p: 16 limbs each.
    slope_quotient_signs, y_quotient_is_negative
        What the quotients have above: two numbers in {-1, 0, 1}, one in {0, 1}.
    """

    is_add: V
    is_double: V
    x1: Abscissa[V]
    y1: Sequence[V]
    x2: Abscissa[V]
    y2: Sequence[V]
    x3: Abscissa[V]
    y3: Sequence[V]
    slope: Sequence[V]
    slope_quotient: Sequence[V]
    slope_quotient_signs: Sequence[V]
    x_quotient: Sequence[V]
    y_quotient: Sequence[V]
    y_quotient_is_negative: V


class Identities(Generic[V]):
    """The three equations as integers; each method is a window of what has to vanish.

    A doubling's `2 * slope * y1 - 3 * x1^2` would have digits too wide for one carry. With biased
    digits y = y1 - BIAS and x = x1 - BIAS it is, up to a multiple of p,

        2 * slope * y - 3 * x^2 + 2 * BIAS * (slope - 3 * x) - SQUARED_BIAS
    """

    def __init__(self, cells: Cells[V]) -> None:
        is_add, is_double = cells.is_add, cells.is_double
        is_real = is_add + is_double
        slope = [digit - is_real * BYTE_BIAS for digit in cells.slope]
        x1 = [digit - BYTE_BIAS for digit in cells.x1.bytes]
        low_sign, high_sign = cells.slope_quotient_signs
        low, *others = cells.x_quotient
        self._is_double = is_double
        self._slope = Digits(slope)
        self._x1 = Digits(x1)
        self._factor = Digits(
            [
                (two - one) * is_add + (two - BYTE_BIAS) * is_double * 2
                for one, two in zip(cells.x1.bytes, cells.x2.bytes, strict=True)
            ]
        )
        self._rise = _limbs(
            [(two - one) * is_add for one, two in zip(cells.y1, cells.y2, strict=True)]
        )
        self._unbias = Digits(
            [(one - other * 3) * is_double for one, other in zip(slope, x1, strict=True)]
        )
        self._abscissas = _limbs(
            [
                one * (is_double + 1) + two * is_add + three
                for one, two, three in zip(
                    cells.x1.limbs, cells.x2.limbs, cells.x3.limbs, strict=True
                )
            ]
        )
        self._run = Digits(
            [one - three for one, three in zip(cells.x1.bytes, cells.x3.bytes, strict=True)]
        )
        self._ordinates = _limbs(
            [one + three for one, three in zip(cells.y1, cells.y3, strict=True)]
        )
        top = low_sign * SIGN_WEIGHTS[0] + high_sign * SIGN_WEIGHTS[1]
        self._slope_quotient = _limbs([*cells.slope_quotient, top - is_real * SLOPE_QUOTIENT_BIAS])
        self._x_quotient = _limbs([low - is_real * X_QUOTIENT_BIAS, *others])
        self._y_quotient = _limbs([*cells.y_quotient, cells.y_quotient_is_negative * -1])

    def slope(self, start: int, length: int) -> V:
        """`slope * (x2 - x1) - (y2 - y1)`, or `slope * 2 * y1 - 3 * x1^2`, less a multiple of p."""
        squared_bias = (SQUARED_BIAS >> BYTE_BITS * start) % (1 << BYTE_BITS * length)
        value = (
            product(self._slope, self._factor, start, length)
            - self._rise.window(start, length)
            - product(self._x1, self._x1, start, length) * self._is_double * 3
            - self._is_double * squared_bias
            - _multiple_of_prime(self._slope_quotient, start, length)
        )
        for position in range(1, NUMBER_BYTES + 1):
            value = value + self._unbias.window(start - position, length)
        return value

    def x(self, start: int, length: int) -> V:
        """`slope^2 - x1 - (x2 or x1) - x3`, less a multiple of p."""
        return (
            product(self._slope, self._slope, start, length)
            - self._abscissas.window(start, length)
            - _multiple_of_prime(self._x_quotient, start, length)
        )

    def y(self, start: int, length: int) -> V:
        """`slope * (x1 - x3) - y1 - y3`, less a multiple of p."""
        return (
            product(self._slope, self._run, start, length)
            - self._ordinates.window(start, length)
            - _multiple_of_prime(self._y_quotient, start, length)
        )


def _multiple_of_prime(factor: Digits[V], start: int, length: int) -> V:
    """Window of `factor * p`."""
    return (
        factor.window(start - NUMBER_BYTES, length)
        - factor.window(start - DEFICIT_BYTES, length)
        - factor.window(start, length) * LOW_DEFICIT
    )


def _limbs(limbs: Sequence[V]) -> Digits[V]:
    return Digits(limbs, BYTES_PER_LIMB)


def _bounds(is_add: int, is_double: int) -> Identities[Interval]:
    limbs = [LIMB] * NUMBER_LIMBS
    abscissa = Abscissa(limbs, [BYTE] * NUMBER_BYTES)
    return Identities(
        Cells(
            is_add=Interval(is_add, is_add),
            is_double=Interval(is_double, is_double),
            x1=abscissa,
            y1=limbs,
            x2=abscissa,
            y2=limbs,
            x3=abscissa,
            y3=limbs,
            slope=abscissa.bytes,
            slope_quotient=limbs,
            slope_quotient_signs=[Interval(-1, 1)] * 2,
            x_quotient=limbs,
            y_quotient=limbs,
            y_quotient_is_negative=BIT,
        )
    )


_ADDITION, _DOUBLING = _bounds(1, 0), _bounds(0, 1)
_DIGITS = 2 * NUMBER_BYTES + 1
"""A quotient's highest digit counts 2^256 times p, which has a digit at 2^256."""


def slope_bounds(start: int, length: int) -> Interval:
    """What a window of the identity can be."""
    return _ADDITION.slope(start, length).hull(_DOUBLING.slope(start, length))


def x_bounds(start: int, length: int) -> Interval:
    """What a window of the identity can be."""
    return _ADDITION.x(start, length).hull(_DOUBLING.x(start, length))


def y_bounds(start: int, length: int) -> Interval:
    """What a window of the identity can be."""
    return _ADDITION.y(start, length)


SLOPE_PLAN = plan_carries(slope_bounds, _DIGITS)
X_PLAN = plan_carries(x_bounds, _DIGITS - 1)
Y_PLAN = plan_carries(y_bounds, _DIGITS)
