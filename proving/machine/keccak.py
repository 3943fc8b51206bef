"""Keccak-f[1600], compiled by numba. Source: FIPS 202, section 3.2."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proving.machine.compiled import compiled

ROUNDS = 24


def _round_constants() -> list[int]:
    """FIPS 202, algorithm 5: bits of a linear feedback shift register at positions 2^j - 1."""
    constants, register = [], 1
    for _ in range(ROUNDS):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << ((1 << j) - 1)
            register <<= 1
            if register >> 8:
                register ^= 0x171
        constants.append(constant)
    return constants


def _rotations_and_targets() -> tuple[list[int], list[int]]:
    """Rho and pi along the orbit of lane (1, 0): bits to rotate by, and where the lane goes."""
    rotations, targets = [0] * 25, [0] * 25
    x, y = 1, 0
    for t in range(24):
        rotations[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    for x in range(5):
        for y in range(5):
            targets[x + 5 * y] = y + 5 * ((2 * x + 3 * y) % 5)
    return rotations, targets


_CONSTANTS = np.array(_round_constants(), np.uint64)
_ROTATIONS, _TARGETS = (np.array(values, np.uint64) for values in _rotations_and_targets())


@compiled
def _rotate(lane: np.uint64, bits: np.uint64) -> np.uint64:
    if bits == 0:
        return lane
    return (lane << bits) | (lane >> (np.uint64(64) - bits))


@compiled
def keccak_f(lanes: npt.NDArray[np.uint64]) -> None:
    """Permute 25 lanes in place; lane (x, y) is at x + 5 y."""
    columns, moved = np.empty(5, np.uint64), np.empty(25, np.uint64)
    for number in range(ROUNDS):
        # THETA
        for x in range(5):
            columns[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
        for x in range(5):
            change = columns[(x + 4) % 5] ^ _rotate(columns[(x + 1) % 5], np.uint64(1))
            for y in range(0, 25, 5):
                lanes[x + y] ^= change
        # RHO AND PI
        for position in range(25):
            moved[_TARGETS[position]] = _rotate(lanes[position], _ROTATIONS[position])
        # CHI
        for y in range(0, 25, 5):
            for x in range(5):
                lanes[x + y] = moved[x + y] ^ (~moved[(x + 1) % 5 + y] & moved[(x + 2) % 5 + y])
        # IOTA
        lanes[0] ^= _CONSTANTS[number]
