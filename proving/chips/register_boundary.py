"""The 32 registers: all are zero at first, and each has a last value.

The table has one row for each register and no others. x0 keeps its zero because the program table
holds no instruction that writes it.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import REGISTER


def _constrain(air: AirBuilder) -> None:
    local, index = air.local, air.preprocessed.one("index")
    air.send(REGISTER, (index, 0, 0, 0))
    air.receive(REGISTER, (index, *local.many("final"), local.one("final_timestamp")))


REGISTER_BOUNDARY = ChipDefinition(
    "register_boundary",
    {"final": 2, "final_timestamp": 1},
    _constrain,
    preprocessed={"index": 1},
)
