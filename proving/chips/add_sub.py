"""ADD and SUB, with their immediate forms; LUI and AUIPC arrive here as additions to x0."""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import Expression
from proving.chips.arithmetic import arithmetic_columns, arithmetic_frame
from proving.chips.gadgets import limbs_in_range
from proving.field.koalabear import inverse
from proving.machine.instructions import LIMB_BITS, Opcode

OPCODES = {"is_add": int(Opcode.ADD), "is_sub": int(Opcode.SUB)}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = arithmetic_frame(air, OPCODES)
    left, right, result = local.many("left"), local.many("right"), local.many("result")
    limbs_in_range(air, result, is_real)

    # left + right = result, and for a subtraction result + right = left, both modulo 2^32
    _assert_sum(air, "addition", local.one("is_add"), (left, right), result)
    _assert_sum(air, "subtraction", local.one("is_sub"), (result, right), left)


def _assert_sum(
    air: AirBuilder,
    name: str,
    when: Expression,
    summands: tuple[tuple[Expression, ...], tuple[Expression, ...]],
    result: tuple[Expression, ...],
) -> None:
    """Each limb's sum exceeds the result's limb by nothing or by 2^16, which is carried on."""
    per_carry = inverse(1 << LIMB_BITS)
    carry: Expression | int = 0
    for position, (one, other, limb) in enumerate(zip(*summands, result, strict=True)):
        carry = (one + other + carry - limb) * per_carry
        air.assert_zero(f"{name}: carry of limb {position} is boolean", when * carry * (carry - 1))


ADD_SUB = ChipDefinition("add_sub", arithmetic_columns(OPCODES), _constrain)
