"""The table of powers: (amount, 2^amount, 2^(16 - amount)) for amounts 0..15.

The rows come twice, since no table is lower than 32 rows; every row holds a valid tuple. As for
the table of ranges, the multiplicity is the prover's choice.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import SHIFT

AMOUNTS = 16
LOG_HEIGHT = 5


def _constrain(air: AirBuilder) -> None:
    row = air.preprocessed
    air.send(
        SHIFT,
        (row.one("amount"), row.one("power"), row.one("complementary_power")),
        air.local.one("multiplicity"),
    )


SHIFT_TABLE = ChipDefinition(
    "shift_table",
    {"multiplicity": 1},
    _constrain,
    {"amount": 1, "power": 1, "complementary_power": 1},
)
