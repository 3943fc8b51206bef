"""Trace of `proving.chips.keccak_round`: every round of every permutation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.chips.keccak_constants import (
    IOTA_BITS,
    LANE_BITS,
    LANES,
    ROTATIONS,
    ROUND_CONSTANTS,
    ROUNDS,
    lane,
)
from proving.chips.keccak_round import KECCAK_ROUND, LIMBS_PER_LANE
from proving.machine.instructions import LIMB_BITS
from proving.traces.columns import Column, Matrix, matrix_of

Lanes = npt.NDArray[np.uint64]
"""Shape (permutations, lanes)."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round computes, for all permutations at once."""

    parity: Lanes
    parity_after: Lanes
    theta: Lanes
    before_iota: Lanes
    output: Lanes


def keccak_round(state: Lanes, number: int) -> Round:
    """Round `number` of Keccak-f[1600] (FIPS 202, section 3.3)."""
    parity = _column_parity(state)
    effect = [parity[:, x - 1] ^ _rotate(parity[:, (x + 1) % 5], 1) for x in range(5)]
    theta = np.stack([state[:, index] ^ effect[index % 5] for index in range(LANES)], axis=1)

    moved = np.empty_like(theta)
    for y in range(5):
        for x in range(5):
            source = lane(x + 3 * y, x)
            moved[:, lane(x, y)] = _rotate(theta[:, source], ROTATIONS[source])
    before_iota = np.stack(
        [
            moved[:, lane(x, y)] ^ (~moved[:, lane(x + 1, y)] & moved[:, lane(x + 2, y)])
            for y in range(5)
            for x in range(5)
        ],
        axis=1,
    )
    output = before_iota.copy()
    output[:, 0] ^= np.uint64(ROUND_CONSTANTS[number])
    return Round(parity, _column_parity(theta), theta, before_iota, output)


def permute(state: Lanes) -> Lanes:
    """Keccak-f[1600] of every row."""
    for number in range(ROUNDS):
        state = keccak_round(state, number).output
    return state


def trace(timestamps: Column, states: Lanes) -> Matrix:
    """Columns of the chip, padded.

    Parameters
    ----------
    timestamps
        Names of the calls; shape (permutations,).
    states
        What is permuted.
    """
    count = len(timestamps)
    shapes = {name: (width, count, ROUNDS) for name, width in KECCAK_ROUND.columns.items()}
    columns = {name: np.zeros(shape, np.uint32) for name, shape in shapes.items()}
    columns["timestamp"][0] = timestamps[:, np.newaxis]
    for number in range(ROUNDS):
        step = keccak_round(states, number)
        first_lane = _bits(step.before_iota[:, :1])
        values = {
            "state": _limbs(states),
            "parity": _bits(step.parity),
            "parity_after": _bits(step.parity_after),
            "theta": _bits(step.theta),
            "iota_bits": first_lane[list(IOTA_BITS)],
            "output": _limbs(step.output),
        }
        for name, value in values.items():
            columns[name][:, :, number] = value
        columns["round"][number, :, number] = 1
        states = step.output
    rows = {name: array.reshape(len(array), -1) for name, array in columns.items()}
    rows["timestamp"] = rows["timestamp"][0]
    return matrix_of(KECCAK_ROUND, rows)


def _column_parity(state: Lanes) -> Lanes:
    parity: Lanes = np.bitwise_xor.reduce(state.reshape(-1, 5, 5), axis=1)
    return parity


def _rotate(lanes: Lanes, amount: int) -> Lanes:
    if amount == 0:
        return lanes
    return (lanes << np.uint64(amount)) | (lanes >> np.uint64(LANE_BITS - amount))


def _bits(lanes: Lanes) -> Matrix:
    """Shape (lanes * 64, permutations)."""
    positions = np.arange(LANE_BITS, dtype=np.uint64)
    bits = (lanes[:, :, np.newaxis] >> positions) & np.uint64(1)
    return bits.reshape(len(lanes), -1).T.astype(np.uint32)


def _limbs(lanes: Lanes) -> Matrix:
    """Shape (lanes * 4, permutations)."""
    shifts = np.arange(LIMBS_PER_LANE, dtype=np.uint64) * np.uint64(LIMB_BITS)
    limbs = (lanes[:, :, np.newaxis] >> shifts) & np.uint64(0xFFFF)
    return limbs.reshape(len(lanes), -1).T.astype(np.uint32)
