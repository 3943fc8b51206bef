"""BEQ, BNE, BLT, BGE, BLTU and BGEU.

Three conditions, each with its negation: equal, less with signs, less without.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import Expression
from proving.chips.comparison import ordered_high_limb
from proving.chips.gadgets import (
    access_columns,
    fetch,
    in_range,
    instruction_columns,
    opcode_number,
    read_register,
    select_one,
    step,
)
from proving.machine.instructions import LIMB_BITS, Opcode
from proving.machine.layout import RS1_OFFSET, RS2_OFFSET, WORD_BYTES

CONDITIONS = {
    "is_equality": int(Opcode.BEQ),
    "is_signed": int(Opcode.BLT),
    "is_unsigned": int(Opcode.BLTU),
}
"""The opcodes that branch where the condition holds; the next number is the negation's."""

COLUMNS = {
    **instruction_columns(tuple(CONDITIONS)),
    "is_negated": 1,
    "rs1": 1,
    "rs2": 1,
    "target": 1,
    **access_columns("left", writes=False),
    **access_columns("right", writes=False),
    "left_sign": 1,
    "right_sign": 1,
    "high_limbs_equal": 1,
    "difference": 1,
    "difference_inverse": 1,
    "holds": 1,
    "detour": 1,
}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = select_one(air, tuple(CONDITIONS))
    pc, target = local.one("pc"), local.one("target")
    is_negated, holds, detour = local.one("is_negated"), local.one("holds"), local.one("detour")
    air.assert_boolean("is_negated is boolean", is_negated)
    air.assert_boolean("holds is boolean", holds)

    fetch(
        air,
        is_real,
        opcode=opcode_number(air, CONDITIONS) + is_negated,
        rs1=local.one("rs1"),
        rs2=local.one("rs2"),
        immediate=(target, 0),
    )
    read_register(air, "left", local.one("rs1"), RS1_OFFSET, is_real)
    read_register(air, "right", local.one("rs2"), RS2_OFFSET, is_real)
    _assert_condition(air, is_real)

    # The way to the target, beyond the next instruction; nothing where it is not taken.
    following = pc + WORD_BYTES
    is_taken = holds + is_negated - 2 * holds * is_negated
    air.assert_equal("the branch is taken where it must", detour, is_taken * (target - following))
    step(air, is_real, following + detour)


def _assert_condition(air: AirBuilder, is_real: Expression) -> None:
    """`holds` says whether left is equal to, or less than, right."""
    local = air.local
    is_equality = local.one("is_equality")
    is_order = local.one("is_signed") + local.one("is_unsigned")
    holds, difference = local.one("holds"), local.one("difference")

    # HIGH LIMBS, in the order in which they compare without signs
    high = ordered_high_limb(air, "left", is_real) - ordered_high_limb(air, "right", is_real)
    is_tied = local.one("high_limbs_equal")
    air.assert_boolean("high_limbs_equal is boolean", is_tied)
    air.assert_zero("tied high limbs are equal", is_tied * high)

    # left - right of the limbs that decide. In an order, a limb that is not less exceeds the
    # other (or, being the low one, may equal it), which the range of the difference proves.
    low = local.many("left")[0] - local.many("right")[0]
    air.assert_equal(
        "difference of the deciding limbs",
        difference,
        is_tied * low
        + (1 - is_tied) * (high - is_order * (1 - holds))
        + is_order * holds * (1 << LIMB_BITS),
    )
    in_range(air, difference, LIMB_BITS, is_order)

    # Equal values tie and leave no difference; others differ in the limbs that decide.
    air.assert_zero("equal high limbs are tied", is_equality * holds * (1 - is_tied))
    air.assert_zero("equal limbs do not differ", is_equality * holds * difference)
    air.assert_zero(
        "unequal limbs differ",
        is_equality * (difference * local.one("difference_inverse") + holds - 1),
    )


BRANCH = ChipDefinition("branch", COLUMNS, _constrain)
