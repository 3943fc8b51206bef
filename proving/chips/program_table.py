"""The program: every instruction, decoded, as often as it was executed.

Instructions are fixed by the verifying key. Rows that pad the table repeat the first instruction,
so they offer nothing new.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import PROGRAM


def _constrain(air: AirBuilder) -> None:
    instruction = [air.preprocessed.one(field) for field in PROGRAM.fields]
    air.send(PROGRAM, instruction, air.local.one("multiplicity"))


PROGRAM_TABLE = ChipDefinition(
    "program_table",
    {"multiplicity": 1},
    _constrain,
    preprocessed=dict.fromkeys(PROGRAM.fields, 1),
)
