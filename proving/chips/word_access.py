"""LW and SW: register and word hold the same value after the access."""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.load_store import load_store_columns, load_store_frame
from proving.machine.instructions import Opcode

LOADS = {"is_load": int(Opcode.LW)}
STORES = {"is_store": int(Opcode.SW)}
OPCODES = {**LOADS, **STORES}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    value, word = local.many("value"), local.many("word")

    # The value's limbs come from the word or from the register, so they are in range.
    load_store_frame(air, LOADS, STORES, position=0, after=value)
    for limb, (new, old) in enumerate(zip(value, word, strict=True)):
        air.assert_zero(f"a load takes limb {limb} of the word", local.one("is_load") * (new - old))


WORD_ACCESS = ChipDefinition("word_access", load_store_columns(LOADS, STORES), _constrain)
