"""Comparing 32-bit values limb by limb, with and without signs."""

from __future__ import annotations

from proving.air.chip import AirBuilder
from proving.air.expression import Expression
from proving.chips.gadgets import in_range
from proving.machine.instructions import LIMB_BITS


def ordered_high_limb(air: AirBuilder, name: str, is_real: Expression) -> Expression:
    """Return the high limb; for comparisons with signs with its sign bit flipped.

    Flipping adds 2^15, and takes 2^16 away where the sign was set. The range allows no other sign,
    and none at all in other comparisons.
    """
    sign = air.local.one(f"{name}_sign")
    air.assert_boolean(f"{name}_sign is boolean", sign)
    ordered = (
        air.local.many(name)[1]
        + air.local.one("is_signed") * (1 << (LIMB_BITS - 1))
        - sign * (1 << LIMB_BITS)
    )
    in_range(air, ordered, LIMB_BITS, is_real)
    return ordered
