"""The field of secp256k1: numbers below its prime p = 2^256 - 2^32 - 977."""

from __future__ import annotations

from collections.abc import Sequence

from proving.air.chip import AirBuilder
from proving.air.expression import Expression, total
from proving.chips.gadgets import in_range
from proving.machine.instructions import LIMB_BITS

LOW_DEFICIT = 977
"""p = 2^256 - 2^32 - LOW_DEFICIT."""
DEFICIT_BYTES = 4
"""Position of 2^32."""
HIGHEST_LIMB = (1 << LIMB_BITS) - 1


def canonical_columns(name: str) -> dict[str, int]:
    """Columns of `assert_canonical`."""
    return {
        f"{name}_is_close_by_second": 1,
        f"{name}_is_close_by_first": 1,
        f"{name}_inverse": 1,
    }


def assert_canonical(
    air: AirBuilder, name: str, limbs: Sequence[Expression], when: Expression
) -> None:
    """The number of 16 limbs in range is below p, where `when` (0 or 1) is set.

    With w = 2^256 - 1 - number, whose limbs are w_i = 2^16 - 1 - limb_i, the number is below p
    exactly if w >= 2^32 + 977. Let h = w_2 + 2 * (w_3 + … + w_15), a sum far below P. One of
    these has to hold:

    - h >= 2, that is h * (h - 1) has an inverse: all numbers below 2^256 - 2^33, and more;
    - h = 1 and w_1 > 0 (close by the second limb);
    - h = 1 and w_0 >= 977 (close by the first limb).
    """
    local = air.local
    by_second = local.one(f"{name}_is_close_by_second")
    by_first = local.one(f"{name}_is_close_by_first")
    inverse = local.one(f"{name}_inverse")
    first, second, third, *higher = (HIGHEST_LIMB - limb for limb in limbs)
    distance = third + total(higher) * 2

    air.assert_boolean(f"{name}: close by the second limb is boolean", by_second)
    air.assert_boolean(f"{name}: close by the first limb is boolean", by_first)
    is_close = by_second + by_first
    air.assert_zero(f"{name}: close is at distance 1", is_close * (distance - 1))
    # Where close, the left side is 0: so exactly one flag is set then, and `when` too.
    air.assert_equal(f"{name}: far, or close", distance * (distance - 1) * inverse, when - is_close)
    air.assert_zero(f"{name}: the second limb differs", by_second * (second * inverse - 1))
    in_range(air, first - LOW_DEFICIT, LIMB_BITS, by_first)
