"""Loops over arrays that numba compiles to machine code once; the result is kept beside the source.

Compiled functions release the GIL, and wrap around modulo 2³² and 2⁶⁴ as the hardware does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function for each combination of argument types that it is called with."""
    return cast("F", numba.njit(nogil=True, cache=True)(function))


def inlined(function: F) -> F:
    """Compile a function into every compiled function that calls it."""
    return cast("F", numba.njit(inline="always")(function))
