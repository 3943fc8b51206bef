"""SLL, SRL and SRA, with their immediate forms.

The amount is 16 * (whole limb) + bits, with bits in 0..15. Each limb of the operand is cut in two:
the `moved` part has `bits` bits and goes over into the neighbouring limb, the `kept` part has
16 - bits.

    left    limb = moved * 2^(16 - bits) + kept    shifted = kept * 2^bits + moved of the lower limb
    right   limb = kept * 2^bits + moved           shifted = kept + 2^(16 - bits) * moved of the
                                                             higher limb
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import Expression
from proving.chips.arithmetic import arithmetic_columns, arithmetic_frame
from proving.chips.buses import SHIFT
from proving.chips.gadgets import in_range
from proving.field.koalabear import inverse
from proving.machine.instructions import LIMB_BITS, Opcode

OPCODES = {"is_sll": int(Opcode.SLL), "is_srl": int(Opcode.SRL), "is_sra": int(Opcode.SRA)}

AMOUNT_BITS = 5
"""The operand's bits above these do not count."""


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = arithmetic_frame(air, OPCODES)
    is_left, is_right = local.one("is_sll"), local.one("is_srl") + local.one("is_sra")
    left_by_limb, right_by_limb = local.one("left_by_limb"), local.one("right_by_limb")
    bits, power, complement = local.one("bits"), local.one("power"), local.one("complement")

    # AMOUNT
    for name, direction in (("left_by_limb", is_left), ("right_by_limb", is_right)):
        air.assert_boolean(f"{name} is boolean", local.one(name))
        air.assert_zero(f"{name} only in its direction", local.one(name) * (1 - direction))
    air.receive(SHIFT, (bits, power, complement), is_real)
    amount = (left_by_limb + right_by_limb) * LIMB_BITS + bits
    ignored = (local.many("right")[0] - amount) * inverse(1 << AMOUNT_BITS)
    in_range(air, ignored, LIMB_BITS - AMOUNT_BITS, is_real)

    # CUT: both parts in range make the cut unique; its products stay below 2^17
    left, moved, kept = local.many("left"), local.many("moved"), local.many("kept")
    for position in range(2):
        limb = left[position]
        air.assert_zero(
            f"limb {position} is cut",
            is_left * (moved[position] * complement + kept[position] - limb)
            + is_right * (kept[position] * power + moved[position] - limb),
        )
        in_range(air, moved[position], bits, is_real)
        in_range(air, kept[position], LIMB_BITS - bits, is_real)

    # FILL: copies of the sign come in from above
    sign = _sign(air, left[1], is_real)
    fill = sign * ((1 << LIMB_BITS) - complement)
    fill_limb = sign * ((1 << LIMB_BITS) - 1)

    # SHIFTED: in range, since the parts of a limb of the result do not overlap
    within_left, within_right = is_left - left_by_limb, is_right - right_by_limb
    low, high = local.many("result")
    air.assert_equal(
        "low limb of the result",
        low,
        within_left * (kept[0] * power)
        + within_right * (kept[0] + moved[1] * complement)
        + right_by_limb * (kept[1] + fill),
    )
    air.assert_equal(
        "high limb of the result",
        high,
        within_left * (kept[1] * power + moved[0])
        + left_by_limb * (kept[0] * power)
        + within_right * (kept[1] + fill)
        + right_by_limb * fill_limb,
    )


def _sign(air: AirBuilder, high_limb: Expression, is_real: Expression) -> Expression:
    """Return the operand's sign in an arithmetic shift, else 0; the range allows nothing else."""
    sign = air.local.one("sign")
    air.assert_boolean("sign is boolean", sign)
    flipped = high_limb + air.local.one("is_sra") * (1 << (LIMB_BITS - 1)) - sign * (1 << LIMB_BITS)
    in_range(air, flipped, LIMB_BITS, is_real)
    return sign


SHIFT_CHIP = ChipDefinition(
    "shift",
    {
        **arithmetic_columns(OPCODES),
        "left_by_limb": 1,
        "right_by_limb": 1,
        "bits": 1,
        "power": 1,
        "complement": 1,
        "moved": 2,
        "kept": 2,
        "sign": 1,
    },
    _constrain,
)
