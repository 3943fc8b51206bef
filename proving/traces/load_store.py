"""Columns of the frame that both chips with memory accesses share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from proving.chips.load_store import WORD_LOW_BITS
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import MEMORY_OFFSET, RD_OFFSET, RS1_OFFSET, RS2_OFFSET, WORD_BYTES
from proving.traces.columns import Column, Matrix, access, limbs
from proving.traces.instructions import InstructionRows


def load_store_trace(
    loads: Mapping[str, int],
    stores: Mapping[str, int],
    records: Matrix,
    instructions: InstructionRows,
    loaded: Column,
) -> dict[str, Matrix]:
    """Columns of `proving.chips.load_store.load_store_columns`.

    Parameters
    ----------
    records
        Shape (rows, fields), as the executor writes them.
    loaded
        What a load takes from memory, also where no register takes it; shape (rows,).
    """
    timestamp = records[:, field.TIMESTAMP]
    flags = {name: instructions.flag(number) for name, number in {**loads, **stores}.items()}
    is_store = np.zeros(len(records), np.bool_)
    for name in stores:
        is_store |= flags[name] != 0
    is_always = np.ones(len(records), np.bool_)
    stored = records[:, field.RS2_VALUE]
    address = records[:, field.MEMORY_BYTE_ADDRESS]

    def of_register(load_field: int, store_field: int) -> Column:
        return np.where(is_store, records[:, store_field], records[:, load_field])

    return {
        **flags,
        "pc": records[:, field.PC],
        "timestamp": timestamp,
        "rd": instructions.rd,
        "rs1": instructions.rs1,
        "rs2": instructions.rs2,
        "immediate": np.stack([instructions.immediate_low, instructions.immediate_high]),
        "writes_rd": instructions.writes_rd,
        **access(
            "base",
            records[:, field.RS1_VALUE],
            records[:, field.RS1_PREVIOUS_TIMESTAMP],
            timestamp + RS1_OFFSET,
            is_always,
        ),
        "word_address_low": (address // np.uint32(WORD_BYTES)) % np.uint32(1 << WORD_LOW_BITS),
        "address_high": address >> np.uint32(LIMB_BITS),
        **access(
            "value",
            np.where(is_store, stored, loaded),
            of_register(field.RD_PREVIOUS_TIMESTAMP, field.RS2_PREVIOUS_TIMESTAMP),
            timestamp + np.where(is_store, RS2_OFFSET, RD_OFFSET).astype(np.uint32),
            is_store | (instructions.writes_rd != 0),
        ),
        "value_previous": limbs(of_register(field.RD_PREVIOUS_VALUE, field.RS2_VALUE)),
        **access(
            "word",
            records[:, field.MEMORY_PREVIOUS_VALUE],
            records[:, field.MEMORY_PREVIOUS_TIMESTAMP],
            timestamp + MEMORY_OFFSET,
            is_always,
        ),
    }
