"""LB, LBU, LH, LHU, SB and SH: accesses to one byte or one half of a word.

The half that is accessed is split into two bytes. `top` is the one that decides the sign: the byte
itself, or the half's upper one. `other` is the byte beside it.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.air.expression import Expression
from proving.chips.gadgets import in_range
from proving.chips.load_store import load_store_columns, load_store_frame
from proving.machine.instructions import LIMB_BITS, LIMB_MASK, Opcode

LOADS = {
    "is_load_byte": int(Opcode.LB),
    "is_load_byte_unsigned": int(Opcode.LBU),
    "is_load_half": int(Opcode.LH),
    "is_load_half_unsigned": int(Opcode.LHU),
}
STORES = {"is_store_byte": int(Opcode.SB), "is_store_half": int(Opcode.SH)}
OPCODES = {**LOADS, **STORES}

BYTE_BITS = 8
BYTE_RADIX = 1 << BYTE_BITS
SIGN_BIT = 1 << (BYTE_BITS - 1)
BYTES_PER_HALF = 2

COLUMNS = {
    **load_store_columns(LOADS, STORES),
    "is_upper_half": 1,
    "is_upper_byte": 1,
    "top": 1,
    "other": 1,
    "sign": 1,
    "after": 2,
    "stored_bytes": 2,
}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_upper_half, is_upper_byte = local.one("is_upper_half"), local.one("is_upper_byte")
    is_half = (
        local.one("is_load_half") + local.one("is_load_half_unsigned") + local.one("is_store_half")
    )
    position = is_upper_half * BYTES_PER_HALF + is_upper_byte
    is_real = load_store_frame(air, LOADS, STORES, position, after=local.many("after"))
    air.assert_boolean("is_upper_half is boolean", is_upper_half)
    air.assert_boolean("is_upper_byte is boolean", is_upper_byte)
    air.assert_zero("a half begins at its lower byte", is_half * is_upper_byte)

    # THE HALF'S BYTES
    word, top, other = local.many("word"), local.one("top"), local.one("other")
    is_top_upper = is_upper_byte + is_half
    air.assert_equal(
        "the bytes are those of the half",
        top + other * BYTE_RADIX + is_top_upper * (top - other) * (BYTE_RADIX - 1),
        word[0] + is_upper_half * (word[1] - word[0]),
    )
    in_range(air, other, BYTE_BITS, is_real)
    sign = local.one("sign")
    air.assert_boolean("sign is boolean", sign)
    in_range(air, top - sign * SIGN_BIT, BYTE_BITS - 1, is_real)

    _assert_loaded(air)
    _assert_stored(air)


def _assert_loaded(air: AirBuilder) -> None:
    local = air.local
    top, sign = local.one("top"), local.one("sign")
    half = local.one("other") + top * BYTE_RADIX
    is_signed_byte, is_signed_half = local.one("is_load_byte"), local.one("is_load_half")
    is_byte = is_signed_byte + local.one("is_load_byte_unsigned")
    is_half = is_signed_half + local.one("is_load_half_unsigned")
    low, high = local.many("value")

    upper_byte = LIMB_MASK ^ (BYTE_RADIX - 1)
    air.assert_equal(
        "low limb of a loaded byte", is_byte * (low - top), is_signed_byte * sign * upper_byte
    )
    air.assert_zero("low limb of a loaded half", is_half * (low - half))
    air.assert_equal(
        "high limb of what is loaded",
        (is_byte + is_half) * high,
        (is_signed_byte + is_signed_half) * sign * LIMB_MASK,
    )
    for limb, change in enumerate(_changes(air)):
        air.assert_zero(f"a load leaves limb {limb} of the word", (is_byte + is_half) * change)


def _assert_stored(air: AirBuilder) -> None:
    local = air.local
    is_byte, is_half = local.one("is_store_byte"), local.one("is_store_half")
    is_upper_half, is_upper_byte = local.one("is_upper_half"), local.one("is_upper_byte")
    stored, above = local.many("stored_bytes")
    source, top = local.many("value")[0], local.one("top")
    change_low, change_high = _changes(air)
    air.assert_zero("the other half stays below", is_upper_half * change_low)
    air.assert_zero("the other half stays above", (1 - is_upper_half) * change_high)

    # Byte by byte or as a whole, the new half is made of parts in range.
    change = change_low + change_high
    for byte in (stored, above):
        in_range(air, byte, BYTE_BITS, is_byte)
    air.assert_zero("lowest byte of rs2", is_byte * (source - stored - above * BYTE_RADIX))
    air.assert_zero(
        "a stored byte replaces its predecessor",
        is_byte * (change - (stored - top) * (1 + is_upper_byte * (BYTE_RADIX - 1))),
    )
    air.assert_zero(
        "a stored half replaces its predecessor",
        is_half * (change - source + local.one("other") + top * BYTE_RADIX),
    )


def _changes(air: AirBuilder) -> tuple[Expression, Expression]:
    """What the access adds to each limb of the word."""
    before, after = air.local.many("word"), air.local.many("after")
    return after[0] - before[0], after[1] - before[1]


assert LIMB_BITS == BYTES_PER_HALF * BYTE_BITS

BYTE_ACCESS = ChipDefinition("byte_access", COLUMNS, _constrain)
