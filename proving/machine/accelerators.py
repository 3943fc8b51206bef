"""Arithmetic of the accelerators on secp256k1, in integers.

Sources: SEC 2, section 2.4.1 (the field of secp256k1); SEC 1, section 2.2.1 (addition).
"""

from __future__ import annotations

from proving.machine.layout import SECP256K1_FIELD_MODULUS

Point = tuple[int, int]


class UndefinedOperationError(ValueError):
    """The operation is not defined for these numbers; the ecall turns it into a fault."""


def multiply_modulo(left: int, right: int, modulus: int) -> int:
    """left * right modulo a modulus that is not 0."""
    if modulus == 0:
        raise UndefinedOperationError("modulus 0")
    return left * right % modulus


def add_points(one: Point, other: Point) -> Point:
    """Sum of two affine points with different x. Whether they are on the curve is not asked."""
    _require_coordinates(*one, *other)
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        raise UndefinedOperationError("addition of points with the same x")
    slope = (y2 - y1) * pow(x2 - x1, -1, SECP256K1_FIELD_MODULUS) % SECP256K1_FIELD_MODULUS
    return _third_point(slope, x1, x2, y1)


def double_point(point: Point) -> Point:
    """Twice an affine point whose y is not 0."""
    _require_coordinates(*point)
    x, y = point
    if y == 0:
        raise UndefinedOperationError("doubling of a point with y = 0")
    slope = 3 * x * x * pow(2 * y, -1, SECP256K1_FIELD_MODULUS) % SECP256K1_FIELD_MODULUS
    return _third_point(slope, x, x, y)


def _third_point(slope: int, x1: int, x2: int, y1: int) -> Point:
    x3 = (slope * slope - x1 - x2) % SECP256K1_FIELD_MODULUS
    return x3, (slope * (x1 - x3) - y1) % SECP256K1_FIELD_MODULUS


def _require_coordinates(*coordinates: int) -> None:
    if max(coordinates) >= SECP256K1_FIELD_MODULUS:
        raise UndefinedOperationError("coordinate that is not below the field's modulus")
