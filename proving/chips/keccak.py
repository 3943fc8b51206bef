"""The ecall KECCAK_F: permutes the 50 words at the pointer in a0, in place.

One row per call. The permutation itself is proved by `keccak_round`.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import KECCAK_INPUT, KECCAK_OUTPUT
from proving.chips.ecall import (
    aligned_word_address,
    call_columns,
    call_frame,
    memory_operand_columns,
    update_words,
)
from proving.machine.layout import KECCAK_STATE_OFFSET, KECCAK_STATE_WORDS, Ecall

COLUMNS = {
    **call_columns(("pointer",)),
    **memory_operand_columns("before", KECCAK_STATE_WORDS),
    "after": 2 * KECCAK_STATE_WORDS,
}


def _constrain(air: AirBuilder) -> None:
    local = air.local
    is_real = call_frame(air, Ecall.KECCAK_F, ("pointer",))
    address = aligned_word_address(air, "pointer", is_real)
    before, after = local.many("before"), local.many("after")
    update_words(air, "before", after, address, KECCAK_STATE_OFFSET, is_real)

    # The limbs of `after` come from keccak_round, which composes them of bits.
    timestamp = local.one("timestamp")
    air.send(KECCAK_INPUT, (timestamp, *before), is_real)
    air.receive(KECCAK_OUTPUT, (timestamp, *after), is_real)


KECCAK = ChipDefinition("keccak", COLUMNS, _constrain)
