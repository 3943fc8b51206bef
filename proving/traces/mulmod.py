"""Trace of `proving.chips.mulmod`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proving.chips.mulmod import MULMOD, PLAN, POINTERS, QUOTIENT_BYTES, Operands
from proving.machine import records as field
from proving.machine.layout import (
    MULMOD_LEFT_OFFSET,
    MULMOD_MODULUS_OFFSET,
    MULMOD_RESULT_OFFSET,
    MULMOD_RIGHT_OFFSET,
)
from proving.traces.columns import Matrix, matrix_of
from proving.traces.ecall import call_trace, word_limbs, words_trace
from proving.traces.wide import (
    byte_digits,
    byte_trace,
    bytes_of_limbs,
    bytes_of_numbers,
    carry_trace,
    comparison_trace,
    limb_digits,
    numbers_of_limbs,
    split_trace,
)

INPUTS = {
    "left": (field.MULMOD_LEFT, MULMOD_LEFT_OFFSET),
    "right": (field.MULMOD_RIGHT, MULMOD_RIGHT_OFFSET),
    "modulus": (field.MULMOD_MODULUS, MULMOD_MODULUS_OFFSET),
}


def trace(records: Matrix) -> Matrix:
    """Columns of the chip, padded.

    Parameters
    ----------
    records
        Shape (rows, MULMOD_FIELD_COUNT), as the executor writes them; at least one row.
    """
    columns = operand_columns(records)
    return matrix_of(MULMOD, columns | division_columns(columns, quotients_of(columns)))


def operand_columns(records: Matrix) -> dict[str, Matrix]:
    """Columns of the call and of the numbers in memory."""
    columns = call_trace(records, POINTERS)
    for name, (span, offset) in INPUTS.items():
        columns |= words_trace(name, records, span, offset)
    columns |= words_trace("before", records, field.MULMOD_RESULT, MULMOD_RESULT_OFFSET)
    columns["result"] = word_limbs(records[:, field.MULMOD_RESULT.new_values])
    return columns


def division_columns(columns: Mapping[str, Matrix], quotients: Sequence[int]) -> dict[str, Matrix]:
    """Columns that prove the result: from the limbs of all operands, and the quotients."""
    quotient = bytes_of_numbers(quotients, QUOTIENT_BYTES)
    operands = Operands(
        left=byte_digits(bytes_of_limbs(columns["left"])),
        right=byte_digits(bytes_of_limbs(columns["right"])),
        modulus=byte_digits(bytes_of_limbs(columns["modulus"])),
        quotient=byte_digits(quotient),
        result=limb_digits(columns["result"]),
    )
    return {
        **split_trace("left", columns["left"]),
        **split_trace("right", columns["right"]),
        **split_trace("modulus", columns["modulus"]),
        **byte_trace("quotient", quotient),
        "carry": carry_trace(PLAN, operands.identity),
        **comparison_trace("remainder", columns["result"], columns["modulus"]),
    }


def quotients_of(columns: Mapping[str, Matrix]) -> list[int]:
    """Quotients of the products by the moduli."""
    operands = (numbers_of_limbs(columns[name]) for name in INPUTS)
    return [left * right // modulus for left, right, modulus in zip(*operands, strict=True)]
