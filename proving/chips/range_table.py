"""The table of ranges: (value, bits) for every value < 2^bits and bits in 0..16.

The row of (value, bits) is 2^bits + value. That leaves row 0, which holds (0, 0) once more: a
valid tuple, so it does not matter which of the two is used.

The multiplicity is the prover's choice. All lookups of a proof are far fewer than P, so a tuple
that is in no row cannot be looked up, whatever the multiplicities.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import RANGE

MAXIMUM_BITS = 16
LOG_HEIGHT = MAXIMUM_BITS + 1


def _constrain(air: AirBuilder) -> None:
    row = air.preprocessed
    air.send(RANGE, (row.one("value"), row.one("bits")), air.local.one("multiplicity"))


RANGE_TABLE = ChipDefinition(
    "range_table", {"multiplicity": 1}, _constrain, {"value": 1, "bits": 1}
)
