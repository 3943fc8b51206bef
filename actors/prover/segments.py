"""How long a segment may be under a parameter set."""

from actors.prover.batch import DEFAULT_SEGMENT_CYCLES
from proving.parameters import FAST, parameters_named


def segment_cycles(parameter_set: str) -> int:
    """Most cycles of a segment: in proportion to the highest tables that the set allows.

    Raises
    ------
    UnknownParameters
        There is no such set.
    """
    lower_by = FAST.max_log_height - parameters_named(parameter_set).max_log_height
    return DEFAULT_SEGMENT_CYCLES >> lower_by
