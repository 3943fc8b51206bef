"""The degree-4 extension F = Fp[x]/(x⁴ − 3) of KoalaBear, on plain integers.

x⁴ − 3 is irreducible: 3 generates the multiplicative group, so it is no square, and p ≡ 1 (mod 4)
(Lang, Algebra, theorem VI.9.1). Elements are immutable; no array library is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Final

from proving.field.koalabear import P, inverse

DEGREE: Final = 4
NON_RESIDUE: Final = 3


class Extension:
    """An element c₀ + c₁x + c₂x² + c₃x³ with canonical coefficients.

    Parameters
    ----------
    coefficients
        Four integers, lowest power first; they are reduced modulo `P`.

    Raises
    ------
    ValueError
        If there are not exactly four coefficients.
    """

    __slots__ = ("_coefficients",)
    _coefficients: tuple[int, int, int, int]

    def __init__(self, coefficients: Sequence[int]) -> None:
        if len(coefficients) != DEGREE:
            raise ValueError(f"an element has {DEGREE} coefficients, got {len(coefficients)}")
        c0, c1, c2, c3 = coefficients
        self._coefficients = (c0 % P, c1 % P, c2 % P, c3 % P)

    @property
    def coefficients(self) -> tuple[int, int, int, int]:
        """The canonical coefficients, lowest power first."""
        return self._coefficients

    @classmethod
    def from_base(cls, value: int) -> Extension:
        """Embed an element of the base field."""
        return cls((value, 0, 0, 0))

    def inverse(self) -> Extension:
        """Return the multiplicative inverse.

        With y = x² the element is A + xB for A, B in K = Fp[y]/(y² − 3), and its norm to K is
        A² − yB².

        Raises
        ------
        ZeroDivisionError
            If the element is zero.
        """
        a0, a1, a2, a3 = self._coefficients
        norm_0 = a0 * a0 + NON_RESIDUE * (a2 * a2 - 2 * a1 * a3)
        norm_1 = 2 * a0 * a2 - a1 * a1 - NON_RESIDUE * a3 * a3
        scale = inverse(norm_0 * norm_0 - NON_RESIDUE * norm_1 * norm_1)
        u0, u1 = norm_0 * scale % P, -norm_1 * scale % P
        return Extension(
            (
                a0 * u0 + NON_RESIDUE * a2 * u1,
                -(a1 * u0 + NON_RESIDUE * a3 * u1),
                a0 * u1 + a2 * u0,
                -(a1 * u1 + a3 * u0),
            )
        )

    def __add__(self, other: Extension | int) -> Extension:
        a0, a1, a2, a3 = self._coefficients
        if isinstance(other, Extension):
            b0, b1, b2, b3 = other._coefficients
            return Extension((a0 + b0, a1 + b1, a2 + b2, a3 + b3))
        if isinstance(other, int):
            return Extension((a0 + other, a1, a2, a3))
        return NotImplemented

    def __sub__(self, other: Extension | int) -> Extension:
        a0, a1, a2, a3 = self._coefficients
        if isinstance(other, Extension):
            b0, b1, b2, b3 = other._coefficients
            return Extension((a0 - b0, a1 - b1, a2 - b2, a3 - b3))
        if isinstance(other, int):
            return Extension((a0 - other, a1, a2, a3))
        return NotImplemented

    def __rsub__(self, other: int) -> Extension:
        return -self + other

    def __mul__(self, other: Extension | int) -> Extension:
        a0, a1, a2, a3 = self._coefficients
        if isinstance(other, Extension):
            b0, b1, b2, b3 = other._coefficients
            return Extension(
                (
                    a0 * b0 + NON_RESIDUE * (a1 * b3 + a2 * b2 + a3 * b1),
                    a0 * b1 + a1 * b0 + NON_RESIDUE * (a2 * b3 + a3 * b2),
                    a0 * b2 + a1 * b1 + a2 * b0 + NON_RESIDUE * a3 * b3,
                    a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0,
                )
            )
        if isinstance(other, int):
            return Extension((a0 * other, a1 * other, a2 * other, a3 * other))
        return NotImplemented

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Extension:
        a0, a1, a2, a3 = self._coefficients
        return Extension((-a0, -a1, -a2, -a3))

    def __pow__(self, exponent: int) -> Extension:
        if exponent < 0:
            raise ValueError(f"the exponent must not be negative, got {exponent}")
        result, square = ONE, self
        while exponent:
            if exponent & 1:
                result = result * square
            square = square * square
            exponent >>= 1
        return result

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Extension):
            return self._coefficients == other._coefficients
        if isinstance(other, int):
            return self._coefficients == (other % P, 0, 0, 0)
        return NotImplemented

    def __hash__(self) -> int:
        c0, c1, c2, c3 = self._coefficients
        return hash(c0) if c1 == c2 == c3 == 0 else hash(self._coefficients)

    def __bool__(self) -> bool:
        return any(self._coefficients)

    def __repr__(self) -> str:
        return f"Extension({self._coefficients})"


ZERO: Final = Extension((0, 0, 0, 0))
ONE: Final = Extension((1, 0, 0, 0))


class PowerTable:
    """The powers 1, α, …, α^(count − 1), kept for inner products with base-field values.

    The four coordinates of a power lie in one integer, `_LANE_BITS` apart, so that one product with
    a value multiplies all four, and a sum of them carries from no lane into the next.

    Parameters
    ----------
    alpha
        The base of the powers.
    count
        How many powers are kept, at most 2¹⁸.

    Raises
    ------
    ValueError
        If the count is out of range.
    """

    __slots__ = ("_packed", "count")

    def __init__(self, alpha: Extension, count: int) -> None:
        if not 0 <= count <= _MAXIMUM_TERMS:
            raise ValueError(f"count must be in 0..{_MAXIMUM_TERMS}, got {count}")
        self.count = count
        self._packed: list[int] = []
        power = ONE
        for _ in range(count):
            c0, c1, c2, c3 = power.coefficients
            self._packed.append(c0 | c1 << _LANE_BITS | c2 << 2 * _LANE_BITS | c3 << 3 * _LANE_BITS)
            power = power * alpha

    def __getitem__(self, exponent: int) -> Extension:
        """Return α^`exponent` for an exponent in 0..count − 1."""
        if not 0 <= exponent < self.count:
            raise IndexError(f"the table holds powers 0..{self.count - 1}, got {exponent}")
        return _unpack(self._packed[exponent])

    def dot(self, values: Sequence[int], offset: int = 0) -> Extension:
        """Return Σ α^(offset + k) · values[k] over canonical values of the base field.

        Raises
        ------
        ValueError
            If the table does not hold every power that is needed.
        """
        end = offset + len(values)
        if offset < 0 or end > self.count:
            raise ValueError(f"the table holds {self.count} powers, got {offset}..{end - 1}")
        return _unpack(sum(map(mul, self._packed[offset:end], values)))


_LANE_BITS: Final = 80
_LANE_MASK: Final = 2**_LANE_BITS - 1
_MAXIMUM_TERMS: Final = 2 ** (_LANE_BITS - 62)


def _unpack(lanes: int) -> Extension:
    return Extension([lanes >> i * _LANE_BITS & _LANE_MASK for i in range(DEGREE)])
