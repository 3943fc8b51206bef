"""The frame of both chips that access memory: `word_access` and `byte_access`.

A load changes the register rd and leaves the word as it was; a store leaves the register rs2 and
changes the word. A row has one register, then: the program table has rs2 = 0 in loads and rd = 0
in stores, so their sum is its index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proving.air.chip import AirBuilder
from proving.air.expression import Expression, total
from proving.chips.ecall import memory_operand_columns, update_words
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
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import MEMORY_OFFSET, RD_OFFSET, RS1_OFFSET, RS2_OFFSET, WORD_BYTES

WORD_LOW_BITS = LIMB_BITS - 2
"""Of a word address: what the byte address's low limb holds of it."""
ADDRESS_HIGH_BITS = LIMB_BITS - 1
"""Of a byte address's high limb: addresses are below 2^31."""


def load_store_columns(loads: Mapping[str, int], stores: Mapping[str, int]) -> dict[str, int]:
    """Columns of the frame; the mappings are from the flags' names to the opcodes' numbers.

    `value` is what the register holds after the access, `value_previous` before it; `word` is the
    word in memory before the access.
    """
    return {
        **instruction_columns((*loads, *stores)),
        "rd": 1,
        "rs1": 1,
        "rs2": 1,
        "immediate": 2,
        "writes_rd": 1,
        **access_columns("base", writes=False),
        "word_address_low": 1,
        "address_high": 1,
        **access_columns("value", writes=True),
        **memory_operand_columns("word", 1),
    }


def load_store_frame(
    air: AirBuilder,
    loads: Mapping[str, int],
    stores: Mapping[str, int],
    position: Expression | int,
    after: Sequence[Expression],
) -> Expression:
    """Fetch, step, access the register and the word, whose limbs are `after` from now on.

    Returns whether the row is a real one.

    Parameters
    ----------
    position
        Of the accessed byte in its word, 0 to 3; the caller proves that.
    after
        The caller proves these limbs' ranges, those of `value`, and what loads leave unchanged.
    """
    local = air.local
    is_real = select_one(air, (*loads, *stores))
    is_load, is_store = (total(local.one(flag) for flag in flags) for flags in (loads, stores))
    rd, rs2, writes_rd = local.one("rd"), local.one("rs2"), local.one("writes_rd")
    air.assert_boolean("writes_rd is boolean", writes_rd)
    air.assert_zero("writes_rd only in loads", writes_rd * (1 - is_load))

    immediate_low, immediate_high = local.many("immediate")
    fetch(
        air,
        is_real,
        opcode=opcode_number(air, {**loads, **stores}),
        rd=rd,
        rs1=local.one("rs1"),
        rs2=rs2,
        immediate=(immediate_low, immediate_high),
        writes_rd=writes_rd,
    )
    step(air, is_real)
    read_register(air, "base", local.one("rs1"), RS1_OFFSET, is_real)
    word_address = _word_address(air, position, is_real)

    # A load into x0 accesses memory all the same, but no register.
    offset = is_load * RD_OFFSET + is_store * RS2_OFFSET
    write_register(air, "value", rd + rs2, offset, writes_rd + is_store)
    update_words(air, "word", after, word_address, MEMORY_OFFSET, is_real)
    for limb, (value, previous) in enumerate(
        zip(local.many("value"), local.many("value_previous"), strict=True)
    ):
        air.assert_zero(f"a store leaves limb {limb} of rs2", is_store * (value - previous))
    return is_real


def _word_address(air: AirBuilder, position: Expression | int, is_real: Expression) -> Expression:
    """Word address of base + immediate, which must lie at `position` in its word.

    The ranges allow one pair of limbs, and none where base + immediate, modulo 2^32, is not below
    2^31 or lies at another position. The word address is below 2^29: no two are the same modulo P.
    """
    local = air.local
    base, immediate = local.many("base"), local.many("immediate")
    word_address_low, address_high = local.one("word_address_low"), local.one("address_high")
    in_range(air, word_address_low, WORD_LOW_BITS, is_real)
    in_range(air, address_high, ADDRESS_HIGH_BITS, is_real)

    per_carry = inverse(1 << LIMB_BITS)
    address_low = word_address_low * WORD_BYTES + position
    carry = (base[0] + immediate[0] - address_low) * per_carry
    carry_out = (base[1] + immediate[1] + carry - address_high) * per_carry
    air.assert_boolean("the address's low limb carries a bit", carry)
    air.assert_boolean("the address's high limb carries a bit", carry_out)
    return word_address_low + address_high * (1 << WORD_LOW_BITS)
