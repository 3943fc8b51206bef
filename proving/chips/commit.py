"""The ecall COMMIT: publishes a word under an index.

The verifier takes each index once, so a guest that commits one twice, or one beyond the end,
cannot be proved.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import PUBLIC
from proving.chips.ecall import call_columns, call_frame
from proving.machine.layout import Ecall


def _constrain(air: AirBuilder) -> None:
    is_real = call_frame(air, int(Ecall.COMMIT), ("index", "word"))
    index, index_high = air.local.many("index")
    air.assert_zero("the index is small", index_high)
    air.send(PUBLIC, (index, *air.local.many("word")), is_real)


COMMIT = ChipDefinition("commit", call_columns(("index", "word")), _constrain)
