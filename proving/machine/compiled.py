"""numba's decorator, with the types that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function at its first call, and keep the machine code on disk."""
    return cast(Callable[Parameters, Result], njit(cache=True)(function))
