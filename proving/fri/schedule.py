"""Which layers FRI has, from the heights alone.

Prover and verifier compute the schedule by themselves, so a proof has no say in it. Starting with
the largest extension, each layer folds by as much as `max_log_arity` allows without jumping over
an extension size that is present, and the last one reaches the final polynomial's domain.

    sizes 2^20, 2^17, 2^16; final domain 2^6; arity up to 8:
    20 →8→ 17 (rolls in) →2→ 16 (rolls in) →8→ 13 →8→ 10 →8→ 7 →2→ 6
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proving.errors import ShapeOutOfBounds
from proving.parameters import Parameters


@dataclass(frozen=True, slots=True)
class FoldStep:
    """One layer and how it is folded.

    Attributes
    ----------
    log_size
        log2 of the size of the layer's domain.
    log_arity
        log2 of the number of values that fold into one.
    rolls_in
        Whether the reduced polynomial of the folded size is added to the fold.
    """

    log_size: int
    log_arity: int
    rolls_in: bool

    @property
    def arity(self) -> int:
        """Number of values that fold into one."""
        return 1 << self.log_arity

    @property
    def log_folded_size(self) -> int:
        """log2 of the size of the next layer's domain."""
        return self.log_size - self.log_arity


def fold_schedule(log_sizes: Sequence[int], parameters: Parameters) -> tuple[FoldStep, ...]:
    """Compute the layers.

    Parameters
    ----------
    log_sizes
        log2 of the extension sizes that are present, distinct, in any order.

    Raises
    ------
    ShapeOutOfBounds
        If there is no size, one is listed twice, or one is outside the parameters' heights.
    """
    _check_sizes(log_sizes, parameters)
    present = set(log_sizes)
    log_size = max(present)
    log_final_size = final_log_size(parameters)
    steps: list[FoldStep] = []
    while log_size > log_final_size:
        log_stop = max((size for size in present if size < log_size), default=log_final_size)
        log_arity = min(parameters.max_log_arity, log_size - log_stop)
        log_folded_size = log_size - log_arity
        steps.append(FoldStep(log_size, log_arity, rolls_in=log_folded_size in present))
        log_size = log_folded_size
    return tuple(steps)


def final_log_size(parameters: Parameters) -> int:
    """log2 of the size of the domain on which the final polynomial continues the last layer."""
    return parameters.log_final_length + parameters.log_blowup


def _check_sizes(log_sizes: Sequence[int], parameters: Parameters) -> None:
    if not log_sizes or len(set(log_sizes)) != len(log_sizes):
        raise ShapeOutOfBounds("extension sizes", "at least one, all distinct", list(log_sizes))
    low = parameters.min_log_height + parameters.log_blowup
    high = parameters.max_log_height + parameters.log_blowup
    for log_size in log_sizes:
        if not low <= log_size <= high:
            raise ShapeOutOfBounds("log2 of an extension size", f"{low}..{high}", log_size)
