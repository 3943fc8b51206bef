"""Trace of `proving.chips.branch`."""

from __future__ import annotations

import numpy as np

from proving.chips.branch import BRANCH, CONDITIONS
from proving.field.koalabear import P
from proving.machine import records as field
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import RS1_OFFSET, RS2_OFFSET, WORD_BYTES
from proving.traces.columns import Column, Matrix, access, matrix_of
from proving.traces.field import inverses
from proving.traces.instructions import InstructionRows

SIGN_BIT = np.int64(1 << (LIMB_BITS - 1))


def trace(records: Matrix, instructions: InstructionRows) -> Matrix:
    """Columns of the chip, padded."""
    timestamp = records[:, field.TIMESTAMP]
    left, right = records[:, field.RS1_VALUE], records[:, field.RS2_VALUE]
    is_always = np.ones(len(records), np.bool_)

    # A condition's opcode is followed by its negation's.
    conditions = {
        name: instructions.flag(number) | instructions.flag(number + 1)
        for name, number in CONDITIONS.items()
    }
    number = sum(flag * np.uint32(CONDITIONS[name]) for name, flag in conditions.items())
    is_negated = instructions.number - number
    condition = _condition_columns(left, right, conditions)
    is_taken = condition["holds"] ^ is_negated
    way = instructions.immediate_low.astype(np.int64) - records[:, field.PC] - WORD_BYTES
    return matrix_of(
        BRANCH,
        {
            **conditions,
            "is_negated": is_negated,
            "pc": records[:, field.PC],
            "timestamp": timestamp,
            "rs1": instructions.rs1,
            "rs2": instructions.rs2,
            "target": instructions.immediate_low,
            **access(
                "left",
                left,
                records[:, field.RS1_PREVIOUS_TIMESTAMP],
                timestamp + RS1_OFFSET,
                is_always,
            ),
            **access(
                "right",
                right,
                records[:, field.RS2_PREVIOUS_TIMESTAMP],
                timestamp + RS2_OFFSET,
                is_always,
            ),
            **condition,
            "detour": (is_taken * way % P).astype(np.uint32),
        },
    )


def _condition_columns(
    left: Column, right: Column, conditions: dict[str, Column]
) -> dict[str, Column]:
    is_equality, is_signed = conditions["is_equality"] != 0, conditions["is_signed"] != 0
    bias = is_signed * SIGN_BIT
    left_high = (left.astype(np.int64) >> LIMB_BITS) ^ bias
    right_high = (right.astype(np.int64) >> LIMB_BITS) ^ bias
    is_tied = left_high == right_high

    low_mask = (1 << LIMB_BITS) - 1
    low = (left & low_mask).astype(np.int64) - (right & low_mask)
    distance = np.where(is_tied, low, left_high - right_high)
    holds = np.where(is_equality, distance == 0, distance < 0)
    difference = (
        distance
        - (~is_tied & ~is_equality & ~holds)
        + ((~is_equality & holds).astype(np.int64) << LIMB_BITS)
    ) % P
    inverse = np.zeros(len(left), np.uint32)
    inverse[is_equality] = inverses(difference[is_equality].astype(np.uint32))
    return {
        "left_sign": (is_signed & (left_high < SIGN_BIT)).astype(np.uint32),
        "right_sign": (is_signed & (right_high < SIGN_BIT)).astype(np.uint32),
        "high_limbs_equal": is_tied.astype(np.uint32),
        "difference": difference.astype(np.uint32),
        "difference_inverse": inverse,
        "holds": holds.astype(np.uint32),
    }
