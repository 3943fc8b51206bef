"""Memory that the program brings along: each word's first value, and its last.

Addresses and first values are fixed by the verifying key, which holds each address once and only
addresses below the parameter `image_end_word`; every other word belongs to `memory_boundary`.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.buses import MEMORY

IMAGE_END_WORD = "image_end_word"
"""Parameter of the verifying key: the first word address after the image."""


def _constrain(air: AirBuilder) -> None:
    local, fixed = air.local, air.preprocessed
    is_real, address = fixed.one("is_real"), fixed.one("word_address")
    air.send(MEMORY, (address, *fixed.many("initial"), 0), is_real)
    air.receive(MEMORY, (address, *local.many("final"), local.one("final_timestamp")), is_real)


IMAGE_TABLE = ChipDefinition(
    "image_table",
    {"final": 2, "final_timestamp": 1},
    _constrain,
    preprocessed={"is_real": 1, "word_address": 1, "initial": 2},
)
