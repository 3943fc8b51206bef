"""The ecall MULMOD: out = left * right mod modulus, for any numbers of 256 bits but modulus 0.

The quotient has up to 512 bits (modulus 1). What it is does not matter: with
`left * right = quotient * modulus + result` as integers and `result < modulus`, the result is the
remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import Expression, total
from proving.chips.ecall import (
    aligned_word_address,
    call_columns,
    call_frame,
    memory_operand_columns,
    read_words,
    update_words,
)
from proving.chips.gadgets import limbs_in_range
from proving.chips.wide import (
    BYTE,
    BYTES_PER_LIMB,
    LIMB,
    NUMBER_BYTES,
    NUMBER_LIMBS,
    Digits,
    V,
    assert_less,
    assert_vanishes,
    byte_columns,
    byte_number,
    comparison_columns,
    plan_carries,
    product,
    split,
    split_columns,
)
from proving.machine.layout import (
    MULMOD_LEFT_OFFSET,
    MULMOD_MODULUS_OFFSET,
    MULMOD_RESULT_OFFSET,
    MULMOD_RIGHT_OFFSET,
    MULMOD_WORDS,
    Ecall,
)

POINTERS = ("out", "left_pointer", "right_pointer", "modulus_pointer")
QUOTIENT_BYTES = 2 * NUMBER_BYTES
PRODUCT_BYTES = 2 * NUMBER_BYTES


@dataclass(frozen=True, slots=True)
class Operands(Generic[V]):
    """The numbers of the identity."""

    left: Digits[V]
    right: Digits[V]
    modulus: Digits[V]
    quotient: Digits[V]
    result: Digits[V]

    def identity(self, start: int, length: int) -> V:
        """Window of `left * right - quotient * modulus - result`."""
        return (
            product(self.left, self.right, start, length)
            - product(self.modulus, self.quotient, start, length)
            - self.result.window(start, length)
        )


BOUNDS = Operands(
    left=Digits([BYTE] * NUMBER_BYTES),
    right=Digits([BYTE] * NUMBER_BYTES),
    modulus=Digits([BYTE] * NUMBER_BYTES),
    quotient=Digits([BYTE] * QUOTIENT_BYTES),
    result=Digits([LIMB] * NUMBER_LIMBS, BYTES_PER_LIMB),
)
PLAN = plan_carries(BOUNDS.identity, PRODUCT_BYTES)

COLUMNS = {
    **call_columns(POINTERS),
    **memory_operand_columns("left", MULMOD_WORDS),
    **memory_operand_columns("right", MULMOD_WORDS),
    **memory_operand_columns("modulus", MULMOD_WORDS),
    **memory_operand_columns("before", MULMOD_WORDS),
    "result": NUMBER_LIMBS,
    **split_columns("left"),
    **split_columns("right"),
    **split_columns("modulus"),
    **byte_columns("quotient", QUOTIENT_BYTES),
    "carry": PLAN.carry_count,
    **comparison_columns("remainder"),
}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = call_frame(air, int(Ecall.MULMOD), POINTERS)
    out, *inputs = (aligned_word_address(air, pointer, is_real) for pointer in POINTERS)
    left_address, right_address, modulus_address = inputs

    # MEMORY
    result = local.many("result")
    read_words(air, "left", left_address, MULMOD_LEFT_OFFSET, is_real)
    read_words(air, "right", right_address, MULMOD_RIGHT_OFFSET, is_real)
    read_words(air, "modulus", modulus_address, MULMOD_MODULUS_OFFSET, is_real)
    update_words(air, "before", result, out, MULMOD_RESULT_OFFSET, is_real)
    limbs_in_range(air, result, is_real)

    # PRODUCT
    operands = Operands(
        left=split(air, "left", local.many("left"), is_real),
        right=split(air, "right", local.many("right"), is_real),
        modulus=split(air, "modulus", local.many("modulus"), is_real),
        quotient=byte_number(air, "quotient", is_real),
        result=Digits(result, BYTES_PER_LIMB),
    )
    air.assert_zero("the quotient times the modulus fits 64 bytes", _excess(operands))
    assert_vanishes(air, "product", PLAN, operands.identity, local.many("carry"), is_real)

    # REMAINDER
    assert_less(air, "remainder", result, local.many("modulus"), is_real)


def _excess(operands: Operands[Expression]) -> Expression:
    """Sum of the digits of `quotient * modulus` from 2^512 on.

    They are sums of 496 products of bytes: not negative, and below 2^25 together. In an honest row
    they are all 0, for the product is no larger than `left * right`.
    """
    quotient = operands.quotient.digits
    return total(
        digit * total(quotient[PRODUCT_BYTES - position :])
        for position, digit in enumerate(operands.modulus.digits)
        if position > 0
    )


MULMOD = ChipDefinition("mulmod", COLUMNS, _constrain)
