"""The constants of SHA-256 (FIPS 180-4, sections 4.2.2 and 5.3.3), from their definition.

They are the first 32 bits of the fractional parts of roots of the first primes.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(value: int) -> int:
    root = 1 << -(-value.bit_length() // 3)
    while root**3 > value:
        root = (2 * root + value // root**2) // 3
    return root


_MASK: Final = 2**32 - 1

INITIAL_STATE: Final[NDArray[np.uint32]] = np.array(
    [isqrt(prime << 64) & _MASK for prime in _primes(8)], np.uint32
)
ROUND_CONSTANTS: Final[NDArray[np.uint32]] = np.array(
    [_cube_root(prime << 96) & _MASK for prime in _primes(64)], np.uint32
)
PADDING_START: Final = 0x8000_0000


def block_count(words: int) -> int:
    """Return how many 64-byte blocks a message of so many 32-bit words takes, padding included."""
    return (words + 3 + 15) // 16
