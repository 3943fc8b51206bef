"""AND, OR and XOR, with their immediate forms, byte by byte."""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import packed
from proving.chips.arithmetic import arithmetic_columns, arithmetic_frame
from proving.chips.buses import BYTE_AND
from proving.chips.byte_limbs import BYTE_BITS, BYTES, bytes_of
from proving.machine.instructions import Opcode

OPCODES = {"is_and": int(Opcode.AND), "is_or": int(Opcode.OR), "is_xor": int(Opcode.XOR)}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = arithmetic_frame(air, OPCODES)
    left, right, conjunction = local.many("left"), local.many("right"), local.many("conjunction")

    # The lookups prove too that the bytes are bytes, so the limbs of the result are in range.
    left_bytes = bytes_of(left, local.many("left_high_bytes"))
    right_bytes = bytes_of(right, local.many("right_high_bytes"))
    for looked_up in zip(left_bytes, right_bytes, conjunction, strict=True):
        air.receive(BYTE_AND, looked_up, is_real)

    # OR is the sum less what both have, XOR the sum less twice that
    for position, (one, other, result) in enumerate(
        zip(left, right, local.many("result"), strict=True)
    ):
        both = packed(conjunction[2 * position : 2 * position + 2], BYTE_BITS)
        air.assert_equal(
            f"limb {position} of the result",
            result,
            local.one("is_and") * both
            + local.one("is_or") * (one + other - both)
            + local.one("is_xor") * (one + other - both - both),
        )


BITWISE = ChipDefinition(
    "bitwise",
    {
        **arithmetic_columns(OPCODES),
        "left_high_bytes": 2,
        "right_high_bytes": 2,
        "conjunction": BYTES,
    },
    _constrain,
)
