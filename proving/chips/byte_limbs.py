"""Bytes of 32-bit values, and products computed from bytes.

A product of two 16-bit limbs wraps modulo P; sums of a few products of bytes do not.
"""

from __future__ import annotations

from collections.abc import Sequence

from proving.air.chip import AirBuilder
from proving.air.expression import Expression, total
from proving.chips.buses import BYTE_AND
from proving.chips.gadgets import in_range
from proving.machine.instructions import LIMB_BITS

BYTE_BITS = 8
BYTES = 4
"""Bytes of a 32-bit value."""
SIGN_BIT = 1 << (BYTE_BITS - 1)
"""Of the highest byte."""

PRODUCT_LIMBS = 4
CARRIES = PRODUCT_LIMBS - 1
CARRY_BITS = 10
CARRY_BIAS = 2
"""A carry of a signed product is at least -2: two borrowed operands."""


def bytes_of(
    limbs: Sequence[Expression], high_bytes: Sequence[Expression]
) -> tuple[Expression, ...]:
    """Bytes of the limbs, lowest first; `high_bytes` holds the upper byte of each limb.

    The caller proves that all of them are bytes.
    """
    return tuple(
        byte
        for limb, high in zip(limbs, high_bytes, strict=True)
        for byte in (limb - high * (1 << BYTE_BITS), high)
    )


def bytes_in_range(
    air: AirBuilder,
    first: Expression,
    second: Expression,
    conjunction: Expression,
    when: Expression,
) -> None:
    """Both are bytes. One lookup in the table of conjunctions is cheaper than two of ranges."""
    air.receive(BYTE_AND, (first, second, conjunction), when)


def sign_of_byte(
    air: AirBuilder, byte: Expression, sign: Expression, is_signed: Expression, when: Expression
) -> None:
    """`byte` is a byte; `sign` is its highest bit where `is_signed` (0 or 1) is set, else 0."""
    air.receive(BYTE_AND, (byte, is_signed * SIGN_BIT, sign * SIGN_BIT), when)


def signed_product(
    left: tuple[Sequence[Expression], Expression], right: tuple[Sequence[Expression], Expression]
) -> tuple[Expression, ...]:
    """Product of two numbers `bytes - 2^32 * sign`: four summands of weights 2^(16 i), not carried.

    With bytes and signs in range no summand reaches 2^27 in absolute value.
    """
    (left_bytes, left_sign), (right_bytes, right_sign) = left, right
    positions = [
        total(
            left_bytes[index] * right_bytes[position - index]
            for index in range(BYTES)
            if 0 <= position - index < BYTES
        )
        for position in range(2 * BYTES - 1)
    ]
    low, low_middle, high_middle, high = (
        positions[0] + positions[1] * (1 << BYTE_BITS),
        positions[2] + positions[3] * (1 << BYTE_BITS),
        positions[4] + positions[5] * (1 << BYTE_BITS),
        positions[6],
    )
    left_limbs, right_limbs = _limbs_of(left_bytes), _limbs_of(right_bytes)
    return (
        low,
        low_middle,
        high_middle - left_sign * right_limbs[0] - right_sign * left_limbs[0],
        high
        - left_sign * right_limbs[1]
        - right_sign * left_limbs[1]
        + left_sign * right_sign * (1 << LIMB_BITS),
    )


def assert_limbs_equal(
    air: AirBuilder,
    name: str,
    summands: Sequence[Expression],
    limbs: Sequence[Expression],
    carries: Sequence[Expression],
    when: Expression,
) -> None:
    """`sum of summands[i] * 2^(16 i)` equals the same sum of the limbs, as integers.

    The summands are those of a signed product, plus at most a limb each: below 2^27 in absolute
    value, as are the carries, shifted. So no equation wraps modulo P.
    """
    carried: Expression | int = 0
    for position, (summand, limb) in enumerate(zip(summands, limbs, strict=True)):
        carry_out = carries[position] * (1 << LIMB_BITS) if position < len(carries) else 0
        air.assert_equal(f"{name}: limb {position}", summand + carried, limb + carry_out)
        carried = carries[position] if position < len(carries) else 0
    for carry in carries:
        in_range(air, carry + CARRY_BIAS, CARRY_BITS, when)


def _limbs_of(value_bytes: Sequence[Expression]) -> tuple[Expression, ...]:
    return tuple(
        value_bytes[index] + value_bytes[index + 1] * (1 << BYTE_BITS)
        for index in range(0, BYTES, 2)
    )
