"""The frame of every chip that computes `rd = operation(rs1, second)`.

The second operand is rs2 or the instruction's immediate. The chip adds only what relates `left`,
`right` and `result`, and proves that the limbs of `result` are in range.
"""

from __future__ import annotations

from collections.abc import Mapping

from proving.air.chip import AirBuilder
from proving.air.expression import Expression
from proving.chips.gadgets import (
    access_columns,
    fetch,
    instruction_columns,
    opcode_number,
    read_register,
    select_one,
    step,
    write_register,
)
from proving.machine.instructions import IMMEDIATE_FLAG
from proving.machine.layout import RD_OFFSET, RS1_OFFSET, RS2_OFFSET


def arithmetic_columns(opcodes: Mapping[str, int]) -> dict[str, int]:
    """Columns of the frame; `opcodes` maps the flags' names to the opcodes' numbers."""
    return {
        **instruction_columns(tuple(opcodes)),
        "uses_immediate": 1,
        "writes_rd": 1,
        "rd": 1,
        "rs1": 1,
        "rs2": 1,
        "immediate": 2,
        **access_columns("left", writes=False),
        **access_columns("right", writes=False),
        **access_columns("result", writes=True),
    }


def arithmetic_frame(air: AirBuilder, opcodes: Mapping[str, int]) -> Expression:
    """Fetch, step, read both operands, write the result. Returns whether the row is a real one."""
    local = air.local
    uses_immediate, writes_rd = local.one("uses_immediate"), local.one("writes_rd")
    is_real = select_one(air, tuple(opcodes))

    # A padding row takes part in nothing.
    for flag in ("uses_immediate", "writes_rd"):
        air.assert_boolean(f"{flag} is boolean", local.one(flag))
        air.assert_zero(f"{flag} only in real rows", local.one(flag) * (1 - is_real))

    # FETCH
    immediate_low, immediate_high = local.many("immediate")
    fetch(
        air,
        is_real,
        opcode=opcode_number(air, opcodes) + uses_immediate * IMMEDIATE_FLAG,
        rd=local.one("rd"),
        rs1=local.one("rs1"),
        rs2=local.one("rs2"),
        immediate=(immediate_low, immediate_high),
        writes_rd=writes_rd,
    )
    step(air, is_real)

    # OPERANDS
    read_register(air, "left", local.one("rs1"), RS1_OFFSET, is_real)
    read_register(air, "right", local.one("rs2"), RS2_OFFSET, is_real - uses_immediate)
    for position, (limb, immediate) in enumerate(
        zip(local.many("right"), local.many("immediate"), strict=True)
    ):
        air.assert_zero(
            f"limb {position} of the immediate is the operand", uses_immediate * (limb - immediate)
        )

    # RESULT
    write_register(air, "result", local.one("rd"), RD_OFFSET, writes_rd)
    return is_real
