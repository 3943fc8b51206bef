"""The ecalls SECP256K1_ADD and SECP256K1_DOUBLE: affine points, with the slope as witness.

    addition   slope * (x2 - x1) = y2 - y1        x1 != x2
    doubling   slope * 2 * y1 = 3 * x1^2          y1 != 0
    both       x3 = slope^2 - x1 - (x2 or x1)     y3 = slope * (x1 - x3) - y1

modulo the prime p = 2^256 - 2^32 - 977, with all coordinates below p. What the slope is multiplied
by is not zero modulo p, so the slope is determined modulo p, and with it the result. That the
points lie on the curve is not required.

In a doubling the columns of x2 hold y1, so that the same bytes serve both slopes.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from proving.chips.gadgets import limbs_in_range, read_register
from proving.chips.secp256k1_field import assert_canonical, canonical_columns
from proving.chips.secp256k1_identities import (
    SLOPE_PLAN,
    X_PLAN,
    Y_PLAN,
    Abscissa,
    Cells,
    Identities,
)
from proving.chips.wide import (
    NUMBER_BYTES,
    NUMBER_LIMBS,
    assert_vanishes,
    byte_columns,
    byte_number,
    split,
    split_columns,
)
from proving.machine.layout import (
    ECALL_ARGUMENT_REGISTERS,
    POINT_WORDS,
    RS1_OFFSET,
    SECP256K1_READ_OFFSET,
    SECP256K1_WRITE_OFFSET,
    Ecall,
)

COLUMNS = {
    **call_columns(("point", "other_pointer")),
    "is_double": 1,
    **memory_operand_columns("before", POINT_WORDS),
    "after": 2 * POINT_WORDS,
    **memory_operand_columns("other", POINT_WORDS),
    **split_columns("x1"),
    **split_columns("x2"),
    **split_columns("x3"),
    **byte_columns("slope", NUMBER_BYTES),
    "slope_quotient": NUMBER_LIMBS,
    "slope_quotient_signs": 2,
    "x_quotient": NUMBER_LIMBS,
    "y_quotient": NUMBER_LIMBS,
    "y_quotient_is_negative": 1,
    "slope_carry": SLOPE_PLAN.carry_count,
    "x_carry": X_PLAN.carry_count,
    "y_carry": Y_PLAN.carry_count,
    "distance_inverse": 1,
    "ordinate_inverse": 1,
    **canonical_columns("x1"),
    **canonical_columns("y1"),
    **canonical_columns("x2"),
    **canonical_columns("y2"),
    **canonical_columns("x3"),
    **canonical_columns("y3"),
}


def _constrain(air: AirBuilder) -> None:
    local = air.local

    # CALL
    is_double = local.one("is_double")
    is_real = call_frame(air, Ecall.SECP256K1_ADD + is_double, ("point",))
    is_add = is_real - is_double
    air.assert_boolean("is_double is boolean", is_double)
    air.assert_zero("is_double only in real rows", is_double * (1 - is_real))
    read_register(air, "other_pointer", ECALL_ARGUMENT_REGISTERS[1], RS1_OFFSET, is_add)

    # MEMORY
    other_address = aligned_word_address(air, "other_pointer", is_add)
    point_address = aligned_word_address(air, "point", is_real)
    after = local.many("after")
    read_words(air, "other", other_address, SECP256K1_READ_OFFSET, is_add)
    update_words(air, "before", after, point_address, SECP256K1_WRITE_OFFSET, is_real)

    # COORDINATES
    x1, y1 = _coordinates(local.many("before"))
    x2, y2 = _coordinates(local.many("other"))
    x3, y3 = _coordinates(after)
    for position, (two, one) in enumerate(zip(x2, y1, strict=True)):
        air.assert_zero(f"a doubling has limb {position} of y1 as x2", is_double * (two - one))
    cells = Cells(
        is_add=is_add,
        is_double=is_double,
        x1=Abscissa(x1, split(air, "x1", x1, is_real).digits),
        y1=y1,
        x2=Abscissa(x2, split(air, "x2", x2, is_real).digits),
        y2=y2,
        x3=Abscissa(x3, split(air, "x3", x3, is_real).digits),
        y3=y3,
        slope=byte_number(air, "slope", is_real).digits,
        slope_quotient=local.many("slope_quotient"),
        slope_quotient_signs=local.many("slope_quotient_signs"),
        x_quotient=local.many("x_quotient"),
        y_quotient=local.many("y_quotient"),
        y_quotient_is_negative=local.one("y_quotient_is_negative"),
    )
    for name, limbs, when in (
        ("x1", x1, is_real),
        ("y1", y1, is_real),
        ("x2", x2, is_add),
        ("y2", y2, is_add),
        ("x3", x3, is_real),
        ("y3", y3, is_real),
    ):
        assert_canonical(air, name, limbs, when)
    _assert_has_slope(air, cells)

    # RESULT: the limbs of x3 are in range because its bytes are
    limbs_in_range(air, y3, is_real)
    for quotient in (cells.slope_quotient, cells.x_quotient, cells.y_quotient):
        limbs_in_range(air, quotient, is_real)
    for position, sign in enumerate(cells.slope_quotient_signs):
        air.assert_zero(f"sign {position} is -1, 0 or 1", sign * (sign - 1) * (sign + 1))
    air.assert_boolean("the sign of y's quotient is boolean", cells.y_quotient_is_negative)
    identities = Identities(cells)
    for name, plan, identity in (
        ("slope", SLOPE_PLAN, identities.slope),
        ("x", X_PLAN, identities.x),
        ("y", Y_PLAN, identities.y),
    ):
        assert_vanishes(air, name, plan, identity, local.many(f"{name}_carry"), is_real)


def _assert_has_slope(air: AirBuilder, cells: Cells[Expression]) -> None:
    """x1 and x2, both below p, differ; or y1, below p, is not zero.

    Neither sum wraps: of 32 squares of differences of bytes, and of 16 limbs.
    """
    differences = [one - two for one, two in zip(cells.x1.bytes, cells.x2.bytes, strict=True)]
    distance = total(difference * difference for difference in differences)
    air.assert_equal(
        "an addition has two abscissas", distance * air.local.one("distance_inverse"), cells.is_add
    )
    air.assert_equal(
        "a doubling has an ordinate",
        total(cells.y1) * air.local.one("ordinate_inverse"),
        cells.is_double,
    )


def _coordinates(
    limbs: Sequence[Expression],
) -> tuple[Sequence[Expression], Sequence[Expression]]:
    return limbs[:NUMBER_LIMBS], limbs[NUMBER_LIMBS:]


SECP256K1 = ChipDefinition("secp256k1", COLUMNS, _constrain)
