"""RV32IM with accelerators, as a machine of the proof system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from proving.chips.public import verifier_terms
from proving.chips.registry import CHIPS
from proving.machine.layout import MAXIMUM_PUBLIC_VALUES, TIMESTAMPS_PER_INSTRUCTION
from proving.stark.machine import ChipRule, Machine, RowLimit, VerifierTerm

ENTRY_PC: Final = "entry_pc"
"""Parameter of the verifying key: where execution starts."""

TIMESTAMP_BITS: Final = 29
"""Timestamps stay below 2^29, so that none wraps and each difference has one value."""


def _terms(parameters: Mapping[str, int], public_values: Sequence[int]) -> tuple[VerifierTerm, ...]:
    terms = verifier_terms(parameters[ENTRY_PC], public_values)
    return tuple(VerifierTerm(term.bus, term.values, term.multiplicity) for term in terms)


_STEPPING_CHIPS: Final = frozenset(
    chip.name
    for chip in CHIPS
    if any(interaction.bus.name == "execution" for interaction in chip.air.interactions)
)
"""Each row of these takes at most one step."""

ZKVM: Final = Machine(
    name="braid rv32im 1",
    chips=tuple(ChipRule(chip.air, chip.is_optional, chip.max_log_height) for chip in CHIPS),
    verifier_terms=_terms,
    row_limits=(
        RowLimit(_STEPPING_CHIPS, (1 << TIMESTAMP_BITS) // TIMESTAMPS_PER_INSTRUCTION - 2),
    ),
    max_public_values=MAXIMUM_PUBLIC_VALUES,
)
