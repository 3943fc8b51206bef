"""Words outside the image that the run accessed: each one's first value, and its last.

RAM is zero at first; the input region holds whatever the prover likes. What makes an access read
the last value written is that no word has two first values. So the addresses ascend strictly, and
start after the image.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition, Domain
from proving.air.expression import packed
from proving.chips.buses import MEMORY
from proving.chips.gadgets import in_range, limbs_in_range
from proving.chips.image_table import IMAGE_END_WORD
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import INPUT_START_WORD

MIDDLE_BITS = 12
"""Of an address, above the low limb; the bit above these tells the input region."""
GAP_HIGH_BITS = 13

COLUMNS = {
    "is_real": 1,
    "is_input": 1,
    "address_low": 1,
    "address_middle": 1,
    "gap": 2,
    "initial": 2,
    "final": 2,
    "final_timestamp": 1,
}


def _constrain(air: AirBuilder) -> None:
    local, following = air.local, air.next
    is_real, is_input = local.one("is_real"), local.one("is_input")
    air.assert_boolean("is_real is boolean", is_real)
    air.assert_boolean("is_input is boolean", is_input)
    air.assert_zero("is_input only in real rows", is_input * (1 - is_real))
    air.assert_zero(
        "real rows come first", following.one("is_real") * (1 - is_real), Domain.TRANSITION
    )

    # ADDRESS: 29 bits, the highest of them set in the input region
    address_limbs = (local.one("address_low"), local.one("address_middle"))
    address = packed(address_limbs, LIMB_BITS) + is_input * INPUT_START_WORD
    in_range(air, address_limbs[0], LIMB_BITS, is_real)
    in_range(air, address_limbs[1], MIDDLE_BITS, is_real)

    # ORDER: each gap, of 29 bits too, leads from what comes after the row before to this row
    gap_limbs = local.many("gap")
    in_range(air, gap_limbs[0], LIMB_BITS, is_real)
    in_range(air, gap_limbs[1], GAP_HIGH_BITS, is_real)
    air.assert_zero(
        "the first address is after the image",
        is_real * (address - packed(gap_limbs, LIMB_BITS) - air.parameter(IMAGE_END_WORD)),
        Domain.FIRST_ROW,
    )
    next_address = (
        packed((following.one("address_low"), following.one("address_middle")), LIMB_BITS)
        + following.one("is_input") * INPUT_START_WORD
    )
    air.assert_zero(
        "addresses ascend",
        following.one("is_real")
        * (next_address - packed(following.many("gap"), LIMB_BITS) - address - 1),
        Domain.TRANSITION,
    )

    # VALUES
    initial = local.many("initial")
    limbs_in_range(air, initial, is_input)
    for limb, value in enumerate(initial):
        air.assert_zero(f"limb {limb} of RAM is zero at first", value * (1 - is_input))
    air.send(MEMORY, (address, *initial, 0), is_real)
    air.receive(MEMORY, (address, *local.many("final"), local.one("final_timestamp")), is_real)


MEMORY_BOUNDARY = ChipDefinition("memory_boundary", COLUMNS, _constrain)
