"""Constants of Keccak-f[1600], by the rules of FIPS 202, section 3.2."""

from __future__ import annotations

ROUNDS = 24
LANES = 25
LANE_BITS = 64


def lane(x: int, y: int) -> int:
    """Number of the lane (x, y); coordinates are modulo 5."""
    return x % 5 + 5 * (y % 5)


def _rotations() -> tuple[int, ...]:
    """Step rho: by how much each lane is rotated to the left (section 3.2.2)."""
    offsets = [0] * LANES
    x, y = 1, 0
    for step in range(24):
        offsets[lane(x, y)] = (step + 1) * (step + 2) // 2 % LANE_BITS
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(offsets)


def _round_constants() -> tuple[int, ...]:
    """Step iota: bits 2^j - 1 of each round's constant come from a shift register (3.2.5)."""
    constants = []
    register = 1
    for _ in range(ROUNDS):
        constant = 0
        for position in range(7):
            constant |= (register & 1) << ((1 << position) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


ROTATIONS = _rotations()
ROUND_CONSTANTS = _round_constants()
IOTA_BITS = tuple((1 << position) - 1 for position in range(7))
"""Positions of the first lane's bits that a round constant may flip."""
