"""Arithmetic of the field on columns."""

from __future__ import annotations

import numpy as np

from proving.field.koalabear import P
from proving.traces.columns import Column


def inverses(values: Column) -> Column:
    """Inverse of each value modulo P, and 0 of 0 (Fermat: the power P - 2)."""
    result = np.ones(values.shape, np.uint64)
    power = values.astype(np.uint64)
    exponent = P - 2
    while exponent:
        if exponent & 1:
            result = result * power % P
        power = power * power % P
        exponent >>= 1
    return result.astype(np.uint32)
