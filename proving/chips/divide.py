"""DIV, DIVU, REM and REMU: dividend = quotient * divisor + remainder, as integers.

All four numbers are `32 bits - 2^32 * sign`. The signs of dividend and divisor are their highest
bits in signed instructions, else 0. What makes the remainder unique, and with it the quotient:

    |remainder| < |divisor|, and the remainder is zero or has the dividend's sign

The quotient's sign is free, for the equation decides on it. So in the one case of signed overflow,
-2^31 / -1, the quotient is the positive number 2^31, whose 32 bits are what the instruction has to
return. A divisor of zero is an exception to |remainder| < |divisor|: then the remainder is the
dividend, by the equation, and the quotient is all ones.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import ZERO, Expression, packed, total
from proving.chips.arithmetic import arithmetic_columns, arithmetic_frame
from proving.chips.byte_limbs import (
    BYTE_BITS,
    BYTES,
    CARRIES,
    assert_limbs_equal,
    bytes_in_range,
    bytes_of,
    sign_of_byte,
    signed_product,
)
from proving.chips.gadgets import in_range, limbs_in_range
from proving.machine.instructions import LIMB_BITS, Opcode

OPCODES = {
    "is_div": int(Opcode.DIV),
    "is_divu": int(Opcode.DIVU),
    "is_rem": int(Opcode.REM),
    "is_remu": int(Opcode.REMU),
}

LIMB_SIZE = 1 << LIMB_BITS


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = arithmetic_frame(air, OPCODES)
    is_signed = local.one("is_div") + local.one("is_rem")
    dividend, divisor = local.many("left"), local.many("right")
    remainder = local.many("remainder")
    dividend_sign, divisor_sign = local.one("dividend_sign"), local.one("divisor_sign")
    quotient_sign, remainder_sign = local.one("quotient_sign"), local.one("remainder_sign")

    # RANGES
    quotient_bytes = local.many("quotient_bytes")
    divisor_bytes = bytes_of(divisor, local.many("divisor_high_bytes"))
    for quotient_byte, divisor_byte, conjunction in zip(
        quotient_bytes, divisor_bytes, local.many("conjunction"), strict=False
    ):
        bytes_in_range(air, quotient_byte, divisor_byte, conjunction, is_real)
    in_range(air, quotient_bytes[3], BYTE_BITS, is_real)
    limbs_in_range(air, remainder, is_real)

    # SIGNS
    sign_of_byte(air, divisor_bytes[3], divisor_sign, is_signed, is_real)
    air.assert_boolean("dividend_sign is boolean", dividend_sign)
    flipped = dividend[1] + is_signed * (LIMB_SIZE // 2) - dividend_sign * LIMB_SIZE
    in_range(air, flipped, LIMB_BITS, is_real)
    air.assert_boolean("quotient_sign is boolean", quotient_sign)
    air.assert_boolean("remainder_sign is boolean", remainder_sign)
    air.assert_zero(
        "remainder is zero or has the dividend's sign",
        (dividend_sign - remainder_sign) * total(remainder),
    )

    # EQUATION: a sign counts -2^32, so -1 in the third limb
    product = signed_product((quotient_bytes, quotient_sign), (divisor_bytes, divisor_sign))
    assert_limbs_equal(
        air,
        "quotient * divisor + remainder",
        (
            product[0] + remainder[0],
            product[1] + remainder[1],
            product[2] - remainder_sign,
            product[3],
        ),
        (*dividend, -dividend_sign, ZERO),
        local.many("carries"),
        is_real,
    )

    # REMAINDER < DIVISOR, in absolute value, unless the divisor is zero. Nothing is smaller than
    # zero, so then is_by_zero has to be 1; it has to be 0 for any other divisor.
    is_by_zero = local.one("is_by_zero")
    air.assert_zero("division by zero has divisor zero", is_by_zero * total(divisor))
    air.assert_zero(
        "division by zero gives all ones",
        is_by_zero * (total(quotient_bytes) - BYTES * ((1 << BYTE_BITS) - 1)),
    )
    _assert_gap(
        air,
        1 - is_by_zero,
        _absolute(divisor, divisor_sign),
        _absolute(remainder, remainder_sign),
        is_real,
    )

    # RESULT
    takes_quotient = local.one("is_div") + local.one("is_divu")
    takes_remainder = local.one("is_rem") + local.one("is_remu")
    for position, result in enumerate(local.many("result")):
        quotient = packed(quotient_bytes[2 * position : 2 * position + 2], BYTE_BITS)
        air.assert_equal(
            f"limb {position} of the result",
            result,
            takes_quotient * quotient + takes_remainder * remainder[position],
        )


def _absolute(limbs: tuple[Expression, ...], sign: Expression) -> tuple[Expression, Expression]:
    """Return `limbs`, or 2^32 less them where the sign is set; its low limb is at most 2^16."""
    low, high = limbs
    return (
        low + sign * (LIMB_SIZE - low - low),
        high + sign * (LIMB_SIZE - 1 - high - high),
    )


def _assert_gap(
    air: AirBuilder,
    when: Expression,
    larger: tuple[Expression, Expression],
    smaller: tuple[Expression, Expression],
    is_real: Expression,
) -> None:
    """`larger - smaller - 1` is the number `gap` of two limbs in range, so not negative.

    The low limb borrows 0, 1 or 2 times 2^16: both low limbs go from 0 to 2^16. In padding rows all
    is zero, and nothing is taken away.
    """
    gap, borrow = air.local.many("gap"), air.local.one("borrow")
    limbs_in_range(air, gap, is_real)
    air.assert_zero("borrow is 0, 1 or 2", borrow * (borrow - 1) * (borrow - 2))
    air.assert_zero(
        "low limb of the gap",
        when * (larger[0] - smaller[0] - is_real + borrow * LIMB_SIZE - gap[0]),
    )
    air.assert_zero("high limb of the gap", when * (larger[1] - smaller[1] - borrow - gap[1]))


DIVIDE = ChipDefinition(
    "divide",
    {
        **arithmetic_columns(OPCODES),
        "quotient_bytes": BYTES,
        "remainder": 2,
        "divisor_high_bytes": 2,
        "conjunction": BYTES - 1,
        "dividend_sign": 1,
        "divisor_sign": 1,
        "quotient_sign": 1,
        "remainder_sign": 1,
        "carries": CARRIES,
        "is_by_zero": 1,
        "gap": 2,
        "borrow": 1,
    },
    _constrain,
)
