"""SLT and SLTU, with their immediate forms: the highest limb that differs decides."""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.arithmetic import arithmetic_columns, arithmetic_frame
from proving.chips.comparison import ordered_high_limb
from proving.chips.gadgets import in_range
from proving.machine.instructions import LIMB_BITS, Opcode

OPCODES = {"is_signed": int(Opcode.SLT), "is_unsigned": int(Opcode.SLTU)}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = arithmetic_frame(air, OPCODES)
    is_less, result_high = local.many("result")
    air.assert_boolean("the result is boolean", is_less)
    air.assert_zero("the result has no high limb", result_high)

    # HIGH LIMBS, in the order in which they compare without signs
    left_high = ordered_high_limb(air, "left", is_real)
    right_high = ordered_high_limb(air, "right", is_real)
    is_tied = local.one("high_limbs_equal")
    air.assert_boolean("high_limbs_equal is boolean", is_tied)
    air.assert_zero("tied high limbs are equal", is_tied * (left_high - right_high))

    # left - right of the limbs that decide; high limbs that are not tied must differ, so that
    # for them `not less` means greater
    left_low, right_low = local.many("left")[0], local.many("right")[0]
    air.assert_equal(
        "difference of the deciding limbs",
        local.one("difference"),
        is_tied * (left_low - right_low)
        + (1 - is_tied) * (left_high - right_high - is_real + is_less)
        + is_less * (1 << LIMB_BITS),
    )
    in_range(air, local.one("difference"), LIMB_BITS, is_real)


LESS_THAN = ChipDefinition(
    "less_than",
    {
        **arithmetic_columns(OPCODES),
        "left_sign": 1,
        "right_sign": 1,
        "high_limbs_equal": 1,
        "difference": 1,
    },
    _constrain,
)
