"""Arrays that compiled loops and JAX share without a copy, where JAX computes on the CPU."""

from __future__ import annotations

import math
from typing import Final

from proving.field import jax_setup  # noqa: F401  (configures JAX first)

# isort: split
import jax
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

_ALIGNMENT_BYTES: Final = 64

Words = NDArray[np.uint32]


def on_host() -> bool:
    """Whether JAX's default device is the CPU, so that compiled loops do the heavy work."""
    return jax.default_backend() == "cpu"


def allocate(shape: tuple[int, ...]) -> Words:
    """Return an uninitialised uint32 array that `wrap` need not copy."""
    spare = _ALIGNMENT_BYTES // 4
    memory = np.empty(math.prod(shape) + spare, np.uint32)
    start = -memory.ctypes.data % _ALIGNMENT_BYTES // 4
    return memory[start : start + math.prod(shape)].reshape(shape)


def wrap(memory: Words) -> Array:
    """Hand an array from `allocate` over to JAX; it must not be written any more."""
    array: Array = jax.device_put(memory, may_alias=True)
    return array


def to_host(array: Array | ArrayLike) -> Words:
    """Return a read-only view, C-contiguous, of an array of JAX or NumPy."""
    return np.ascontiguousarray(array, np.uint32)
