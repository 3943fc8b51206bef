"""MUL, MULH, MULHSU and MULHU: the exact product of the signed or unsigned operands.

One half of the product is the result, the other one is discarded; both are proved.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.arithmetic import arithmetic_columns, arithmetic_frame
from proving.chips.byte_limbs import (
    CARRIES,
    assert_limbs_equal,
    bytes_in_range,
    bytes_of,
    sign_of_byte,
    signed_product,
)
from proving.chips.gadgets import limbs_in_range
from proving.machine.instructions import LIMB_BITS, Opcode

OPCODES = {
    "is_mul": int(Opcode.MUL),
    "is_mulh": int(Opcode.MULH),
    "is_mulhsu": int(Opcode.MULHSU),
    "is_mulhu": int(Opcode.MULHU),
}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = arithmetic_frame(air, OPCODES)
    is_mul, is_mulh, is_mulhsu = (local.one(name) for name in ("is_mul", "is_mulh", "is_mulhsu"))
    takes_high_half = is_real - is_mul

    # OPERANDS: the low half is the same with and without signs, so MUL takes its operands unsigned
    left = bytes_of(local.many("left"), local.many("left_high_bytes"))
    right = bytes_of(local.many("right"), local.many("right_high_bytes"))
    left_sign, right_sign = local.one("left_sign"), local.one("right_sign")
    sign_of_byte(air, left[3], left_sign, is_mulh + is_mulhsu, is_real)
    sign_of_byte(air, right[3], right_sign, is_mulh, is_real)
    for left_byte, right_byte, conjunction in zip(
        left, right, local.many("conjunction"), strict=False
    ):
        bytes_in_range(air, left_byte, right_byte, conjunction, is_real)

    # PRODUCT: as an integer of four limbs, of which the highest is less 2^16 if it is negative
    result, discarded = local.many("result"), local.many("discarded")
    limbs_in_range(air, (*result, *discarded), is_real)
    is_negative = local.one("is_negative")
    air.assert_boolean("is_negative is boolean", is_negative)
    low, low_middle = (
        is_mul * kept + takes_high_half * other
        for kept, other in zip(result, discarded, strict=True)
    )
    high_middle, high = (
        is_mul * other + takes_high_half * kept
        for kept, other in zip(result, discarded, strict=True)
    )
    assert_limbs_equal(
        air,
        "product",
        signed_product((left, left_sign), (right, right_sign)),
        (low, low_middle, high_middle, high - is_negative * (1 << LIMB_BITS)),
        local.many("carries"),
        is_real,
    )


MULTIPLY = ChipDefinition(
    "multiply",
    {
        **arithmetic_columns(OPCODES),
        "left_high_bytes": 2,
        "right_high_bytes": 2,
        "left_sign": 1,
        "right_sign": 1,
        "conjunction": 3,
        "discarded": 2,
        "is_negative": 1,
        "carries": CARRIES,
    },
    _constrain,
)
