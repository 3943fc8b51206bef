"""The table of conjunctions: (left, right, left AND right) for all bytes, in row 256 left + right.

As for the table of ranges, the multiplicity is the prover's choice.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import BYTE_AND

LOG_HEIGHT = 16


def _constrain(air: AirBuilder) -> None:
    row = air.preprocessed
    air.send(
        BYTE_AND,
        (row.one("left"), row.one("right"), row.one("conjunction")),
        air.local.one("multiplicity"),
    )


BYTE_TABLE = ChipDefinition(
    "byte_table", {"multiplicity": 1}, _constrain, {"left": 1, "right": 1, "conjunction": 1}
)
