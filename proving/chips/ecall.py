"""The frame of every chip that carries out an ecall: its number in a7, its arguments in a0, a1, …

An ecall writes no register. Its memory operands are arrays of aligned words.
"""

from __future__ import annotations

from collections.abc import Sequence

from proving.air.chip import AirBuilder
from proving.air.expression import Expression
from proving.chips.buses import MEMORY
from proving.chips.gadgets import (
    access_columns,
    assert_earlier,
    end,
    fetch,
    in_range,
    read_register,
    select_one,
    step,
)
from proving.field.koalabear import inverse
from proving.machine.instructions import LIMB_BITS, Opcode
from proving.machine.layout import (
    ECALL_ARGUMENT_REGISTERS,
    ECALL_NUMBER_REGISTER,
    RS1_OFFSET,
    WORD_BYTES,
)

WORD_LOW_BITS = LIMB_BITS - 2
"""Bits of a word address that come from the pointer's low limb."""


def call_columns(arguments: Sequence[str]) -> dict[str, int]:
    """Columns of the frame; the arguments are the values of a0, a1, … in this order."""
    columns = {"is_real": 1, "pc": 1, "timestamp": 1, **access_columns("number", writes=False)}
    for argument in arguments:
        columns |= access_columns(argument, writes=False)
    return columns


def call_frame(
    air: AirBuilder, number: Expression | int, arguments: Sequence[str], *, ends: bool = False
) -> Expression:
    """Fetch, step (unless the call ends the run), read a7 and the arguments.

    Returns whether the row is a real one.
    """
    is_real = select_one(air, ("is_real",))
    fetch(air, is_real, opcode=int(Opcode.ECALL))
    if ends:
        end(air, is_real)
    else:
        step(air, is_real)

    low, high = air.local.many("number")
    air.assert_equal("the call's number", low, is_real * number)
    air.assert_zero("the call's number is small", high)
    read_register(air, "number", ECALL_NUMBER_REGISTER, RS1_OFFSET, is_real)
    for register, argument in zip(ECALL_ARGUMENT_REGISTERS, arguments, strict=False):
        read_register(air, argument, register, RS1_OFFSET, is_real)
    return is_real


def aligned_word_address(air: AirBuilder, pointer: str, when: Expression) -> Expression:
    """Word address of an aligned pointer: a field element below 2^30, one for each pointer."""
    low, high = air.local.many(pointer)
    word_low = low * inverse(WORD_BYTES)
    in_range(air, word_low, WORD_LOW_BITS, when)
    return word_low + high * (1 << WORD_LOW_BITS)


def memory_operand_columns(name: str, word_count: int) -> dict[str, int]:
    """Columns of an array of words called `name`: limbs, and what proves the accesses' order."""
    return {
        name: 2 * word_count,
        f"{name}_previous_timestamp": word_count,
        f"{name}_difference": word_count,
    }


def read_words(
    air: AirBuilder, name: str, word_address: Expression, offset: int, when: Expression
) -> None:
    """The words from `word_address` on are `name`."""
    update_words(air, name, air.local.many(name), word_address, offset, when)


def update_words(
    air: AirBuilder,
    name: str,
    after: Sequence[Expression],
    word_address: Expression,
    offset: int,
    when: Expression,
) -> None:
    """The words from `word_address` on were `name` and are `after` from now on.

    The caller proves that the limbs of `after` are in range.
    """
    before = air.local.many(name)
    differences = air.local.many(f"{name}_difference")
    now = air.local.one("timestamp") + offset
    for position, previous in enumerate(air.local.many(f"{name}_previous_timestamp")):
        pair = slice(2 * position, 2 * position + 2)
        assert_earlier(air, previous, now, differences[position], when)
        address = word_address + position
        air.receive(MEMORY, (address, *before[pair], previous), when)
        air.send(MEMORY, (address, *after[pair], now), when)
