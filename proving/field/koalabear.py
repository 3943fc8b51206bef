"""The KoalaBear field with p = 2³¹ − 2²⁴ + 1, on plain integers.

The verifier uses these; arrays are in `jax_base`. No array library is imported here.
"""

from __future__ import annotations

from typing import Final

P: Final = 2**31 - 2**24 + 1
GENERATOR: Final = 3
TWO_ADICITY: Final = 24


def inverse(value: int) -> int:
    """Return the multiplicative inverse modulo `P`.

    Raises
    ------
    ZeroDivisionError
        If the value is zero modulo `P`.
    """
    if value % P == 0:
        raise ZeroDivisionError("zero has no inverse in the KoalaBear field")
    return pow(value, -1, P)


def root_of_unity(log_size: int) -> int:
    """Return the primitive 2^`log_size`-th root of unity that every domain of that size uses.

    Raises
    ------
    ValueError
        If the multiplicative group has no subgroup of that order.
    """
    if not 0 <= log_size <= TWO_ADICITY:
        raise ValueError(f"log_size must be in 0..{TWO_ADICITY}, got {log_size}")
    return pow(GENERATOR, (P - 1) >> log_size, P)
