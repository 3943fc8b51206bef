"""Columns of the frame that all arithmetic chips share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from proving.machine import records as field
from proving.machine.layout import RD_OFFSET, RS1_OFFSET, RS2_OFFSET
from proving.traces.columns import Column, Matrix, access, limbs
from proving.traces.instructions import InstructionRows


def arithmetic_trace(
    opcodes: Mapping[str, int], records: Matrix, instructions: InstructionRows, result: Column
) -> dict[str, Column]:
    """Columns of `proving.chips.arithmetic`.

    Parameters
    ----------
    records
        Shape (rows, fields), as the executor writes them.
    result
        What the instruction computes, also where no register takes it; shape (rows,).
    """
    timestamp = records[:, field.TIMESTAMP]
    uses_immediate = instructions.uses_immediate
    writes_rd = instructions.writes_rd
    is_always = np.ones(len(records), np.bool_)
    return {
        **{name: instructions.flag(number) for name, number in opcodes.items()},
        "pc": records[:, field.PC],
        "timestamp": timestamp,
        "uses_immediate": uses_immediate,
        "writes_rd": writes_rd,
        "rd": instructions.rd,
        "rs1": instructions.rs1,
        "rs2": instructions.rs2,
        "immediate": np.stack([instructions.immediate_low, instructions.immediate_high]),
        **access(
            "left",
            records[:, field.RS1_VALUE],
            records[:, field.RS1_PREVIOUS_TIMESTAMP],
            timestamp + RS1_OFFSET,
            is_always,
        ),
        **access(
            "right",
            records[:, field.RS2_VALUE],
            records[:, field.RS2_PREVIOUS_TIMESTAMP],
            timestamp + RS2_OFFSET,
            uses_immediate == 0,
        ),
        **access(
            "result",
            result,
            records[:, field.RD_PREVIOUS_TIMESTAMP],
            timestamp + RD_OFFSET,
            writes_rd != 0,
        ),
        "result_previous": limbs(records[:, field.RD_PREVIOUS_VALUE]),
    }
