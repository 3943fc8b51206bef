"""numba's decorator, with the types that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function at its first call, and keep the machine code on disk if that can be.

    numba keeps it beside the source file, or else in the user's cache folder, and drops it when
    that file changes. It does not look at other files: after a change of constants that compiled
    code imports, touch the file that holds the code.
    """
    try:
        return cast(Callable[Parameters, Result], njit(cache=True)(function))
    except RuntimeError:  # no folder to write to: compile anew in each process
        return cast(Callable[Parameters, Result], njit(function))
