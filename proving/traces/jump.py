"""Trace of `proving.chips.jump`."""

from __future__ import annotations

import numpy as np

from proving.chips.jump import JUMP, OPCODES
from proving.machine import records as field
from proving.machine.layout import RD_OFFSET, RS1_OFFSET, WORD_BYTES
from proving.traces.columns import Matrix, access, limbs, matrix_of
from proving.traces.instructions import InstructionRows


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    timestamp = records[:, field.TIMESTAMP]
    base, pc = records[:, field.RS1_VALUE], records[:, field.PC]
    is_jalr = instructions.flag(OPCODES["is_jalr"])
    immediate = np.stack([instructions.immediate_low, instructions.immediate_high])
    return matrix_of(
        JUMP,
        {
            **{name: instructions.flag(number) for name, number in OPCODES.items()},
            "pc": pc,
            "timestamp": timestamp,
            "rd": instructions.rd,
            "rs1": instructions.rs1,
            "immediate": immediate,
            "writes_rd": instructions.writes_rd,
            **access(
                "base",
                base,
                records[:, field.RS1_PREVIOUS_TIMESTAMP],
                timestamp + RS1_OFFSET,
                is_jalr != 0,
            ),
            **access(
                "link",
                np.where(instructions.writes_rd, pc + WORD_BYTES, 0).astype(np.uint32),
                records[:, field.RD_PREVIOUS_TIMESTAMP],
                timestamp + RD_OFFSET,
                instructions.writes_rd != 0,
            ),
            "link_previous": limbs(records[:, field.RD_PREVIOUS_VALUE]),
            "target": limbs(records[:, field.NEXT_PC]),
            "dropped_bit": is_jalr * ((base + immediate[0]) & 1),
        },
    )
