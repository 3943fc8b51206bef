"""JAL and JALR: the target becomes the program counter, rd takes the following instruction's."""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import packed
from proving.chips.gadgets import (
    access_columns,
    fetch,
    in_range,
    instruction_columns,
    opcode_number,
    read_register,
    select_one,
    step,
    write_register,
)
from proving.field.koalabear import inverse
from proving.machine.instructions import LIMB_BITS, Opcode
from proving.machine.layout import RD_OFFSET, RS1_OFFSET, WORD_BYTES

OPCODES = {"is_jal": int(Opcode.JAL), "is_jalr": int(Opcode.JALR)}

PC_HIGH_BITS = 14
"""Of the high limb: program counters are below 2^30, so a field element is one of them at most."""
PC_LOW_BITS = LIMB_BITS - 2
"""Of the low limb's quarter: program counters are multiples of 4."""

COLUMNS = {
    **instruction_columns(tuple(OPCODES)),
    "rd": 1,
    "rs1": 1,
    "immediate": 2,
    "writes_rd": 1,
    **access_columns("base", writes=False),
    **access_columns("link", writes=True),
    "target": 2,
    "dropped_bit": 1,
}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = select_one(air, tuple(OPCODES))
    is_jal, is_jalr = local.one("is_jal"), local.one("is_jalr")
    writes_rd = local.one("writes_rd")
    air.assert_boolean("writes_rd is boolean", writes_rd)
    air.assert_zero("writes_rd only in real rows", writes_rd * (1 - is_real))

    immediate = local.many("immediate")
    fetch(
        air,
        is_real,
        opcode=opcode_number(air, OPCODES),
        rd=local.one("rd"),
        rs1=local.one("rs1"),
        immediate=(immediate[0], immediate[1]),
        writes_rd=writes_rd,
    )

    # TARGET: a multiple of 4 below 2^30
    target = local.many("target")
    next_pc = packed(target, LIMB_BITS)
    in_range(air, target[0] * inverse(WORD_BYTES), PC_LOW_BITS, is_real)
    in_range(air, target[1], PC_HIGH_BITS, is_real)
    step(air, is_real, next_pc)
    air.assert_zero("JAL goes to its target", is_jal * (next_pc - immediate[0]))

    # JALR: base + immediate modulo 2^32, without its lowest bit
    read_register(air, "base", local.one("rs1"), RS1_OFFSET, is_jalr)
    base, dropped_bit = local.many("base"), local.one("dropped_bit")
    air.assert_boolean("dropped_bit is boolean", dropped_bit)
    per_carry = inverse(1 << LIMB_BITS)
    carry = (base[0] + immediate[0] - target[0] - dropped_bit) * per_carry
    carry_out = (base[1] + immediate[1] + carry - target[1]) * per_carry
    air.assert_zero("JALR's low limb carries a bit", is_jalr * carry * (carry - 1))
    air.assert_zero("JALR's high limb carries a bit", is_jalr * carry_out * (carry_out - 1))

    # LINK: in range, so neither limb can wrap (pc + 4 is at most 2^30 - 4)
    link = local.many("link")
    in_range(air, link[0], LIMB_BITS, writes_rd)
    in_range(air, link[1], PC_HIGH_BITS, writes_rd)
    air.assert_zero(
        "rd takes the next instruction's address",
        writes_rd * (packed(link, LIMB_BITS) - local.one("pc") - WORD_BYTES),
    )
    write_register(air, "link", local.one("rd"), RD_OFFSET, writes_rd)


JUMP = ChipDefinition("jump", COLUMNS, _constrain)
