"""What a proof is about: the chips of a machine and what the verifier adds to their buses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from proving.air.chip import Air, Bus


@dataclass(frozen=True, slots=True)
class ChipRule:
    """A chip and which heights the verifier accepts for it.

    Attributes
    ----------
    is_optional
        Whether the chip may be absent. Chips with preprocessed columns may not; the verifying key
        fixes their heights.
    max_log_height
        Bound on log2 of the rows, besides the bounds of the proof system's parameters.
    """

    air: Air
    is_optional: bool = False
    max_log_height: int | None = None


@dataclass(frozen=True, slots=True)
class RowLimit:
    """The named chips together have at most `rows` rows."""

    chips: frozenset[str]
    rows: int


@dataclass(frozen=True, slots=True)
class VerifierTerm:
    """A tuple that the verifier itself adds to a bus, `multiplicity` times (negative: takes)."""

    bus: Bus
    values: tuple[int, ...]
    multiplicity: int


VerifierTerms = Callable[[Mapping[str, int], Sequence[int]], Sequence[VerifierTerm]]
"""From the key's parameters and the public values, to what the verifier adds."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A set of chips whose buses have to balance.

    Attributes
    ----------
    name
        With its version; part of every verifying key.
    verifier_terms
        Ties the buses to the statement: entry point, public values.
    max_public_values
        How many words a statement has at most. A word has 32 bits.

    Raises
    ------
    ValueError
        If two chips share a name, if a chip with preprocessed columns is optional, or if every
        chip with interactions is.
    """

    name: str
    chips: tuple[ChipRule, ...]
    verifier_terms: VerifierTerms
    row_limits: tuple[RowLimit, ...] = ()
    max_public_values: int = 64

    def __post_init__(self) -> None:
        names = [rule.air.name for rule in self.chips]
        if len(set(names)) != len(names):
            raise ValueError(f"two chips of {self.name} share a name: {names}")
        for rule in self.chips:
            if rule.is_optional and rule.air.preprocessed_width:
                raise ValueError(f"{rule.air.name} has preprocessed columns and cannot be optional")
        if not any(rule.air.interactions and not rule.is_optional for rule in self.chips):
            raise ValueError(f"{self.name} has no chip that always takes part in a bus")
        unknown = {name for limit in self.row_limits for name in limit.chips} - set(names)
        if unknown:
            raise ValueError(f"limits for chips that {self.name} does not have: {sorted(unknown)}")
