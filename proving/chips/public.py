"""What the verifier itself adds to the buses: it starts the run and takes the public values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proving.air.chip import Bus
from proving.chips.buses import EXECUTION, PUBLIC
from proving.machine.instructions import LIMB_BITS, LIMB_MASK
from proving.machine.layout import TIMESTAMPS_PER_INSTRUCTION

START_TIMESTAMP = TIMESTAMPS_PER_INSTRUCTION
"""Of the first instruction; initial values have timestamp 0."""


@dataclass(frozen=True, slots=True)
class BusTerm:
    """A tuple that is sent once (multiplicity 1) or received once (multiplicity -1)."""

    bus: Bus
    values: tuple[int, ...]
    multiplicity: int


def verifier_terms(entry_pc: int, public_values: Sequence[int]) -> tuple[BusTerm, ...]:
    """Return the verifier's own terms: all chips' terms and these add up to nothing.

    Parameters
    ----------
    entry_pc
        Where the program starts.
    public_values
        32-bit words, by index; each is taken once, so the guest commits exactly these.
    """
    start = BusTerm(EXECUTION, (entry_pc, START_TIMESTAMP), 1)
    taken = [
        BusTerm(PUBLIC, (index, word & LIMB_MASK, word >> LIMB_BITS), -1)
        for index, word in enumerate(public_values)
    ]
    return (start, *taken)
