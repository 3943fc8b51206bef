"""The tables of a number-theoretic transform in four steps, shared by its back-ends.

A column of N = rows · lanes values is a matrix x[j₁, j₂], index j = j₁·lanes + j₂. With
k = k₁ + rows·k₂,

    X[k] = Σ_{j₂} ω_lanes^{j₂k₂} · ω_N^{j₂k₁} · Σ_{j₁} ω_rows^{j₁k₁} · x[j₁, j₂]

so that two batches of short transforms along the first axis, with a twist and a transposition
between them, take natural order to natural order (Bailey, "FFTs in external or hierarchical
memory", 1990).

Where only the first N/2^b values are not zero, the first b layers of the row transform (decimation
in frequency) merely copy: block t, row j gets x[j] · ω_rows^{j·reverse(t)}. That factor and the
row's part of a coset shift are one table, `row_scale`; the lane's part goes into the twist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jax import Array
from numpy.typing import NDArray

from proving.field.host_arrays import Words
from proving.field.jax_base import MONTGOMERY_ONE
from proving.field.koalabear import TWO_ADICITY, P, inverse, root_of_unity


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The tables of one transform; field elements are uint32 in Montgomery form.

    `row_scale` (rows,), `row_twiddles` (rows of a run / 2,), `lane_twiddles` (lanes / 2,),
    `cross_twiddles` (rows, lanes); `reversed_rows` (rows,) and `reversed_lanes` (lanes,) are
    positions. The source has rows · lanes / 2^log_blowup values per column.
    """

    log_blowup: int
    row_scale: Words
    row_twiddles: Words
    lane_twiddles: Words
    cross_twiddles: Words
    reversed_rows: Words
    reversed_lanes: Words


def log_height(columns: Array | Words) -> int:
    """Return log2 of the number of rows.

    Raises
    ------
    ValueError
        If the array is not of shape (k, n) with n a power of two up to the field's two-adicity.
    """
    height = columns.shape[1] if columns.ndim == 2 else 0
    log_size = height.bit_length() - 1
    if height < 1 or height != 1 << log_size or log_size > TWO_ADICITY:
        raise ValueError(f"expected (k, n) with n a power of two, got {columns.shape}")
    return log_size


@lru_cache(maxsize=32)
def forward_plan(log_count: int, log_blowup: int, shift: int) -> Plan:
    """Plan the evaluation of 2^log_count coefficients on shift·<ω>, 2^log_blowup times as many."""
    return _plan(log_count + log_blowup, log_blowup, root_of_unity, shift, 1)


@lru_cache(maxsize=32)
def inverse_plan(log_size: int) -> Plan:
    """Plan the interpolation of values on the subgroup of 2^log_size elements."""
    return _plan(log_size, 0, lambda log: inverse(root_of_unity(log)), 1, inverse(1 << log_size))


def powers(base: int, count: int, first: int = 1) -> NDArray[np.uint64]:
    """Return first · base^k for k < count, canonical."""
    result = np.array([first % P], np.uint64)
    step = base % P
    while len(result) < count:
        result = np.concatenate([result, result * np.uint64(step) % np.uint64(P)])
        step = step * step % P
    return result[:count]


def to_montgomery(canonical: NDArray[np.uint64]) -> Words:
    """Return Montgomery forms of canonical values."""
    return (canonical * np.uint64(MONTGOMERY_ONE) % np.uint64(P)).astype(np.uint32)


def _plan(
    log_size: int, log_blowup: int, root: Callable[[int], int], shift: int, factor: int
) -> Plan:
    log_rows = max((log_size + 1) // 2, log_blowup)
    log_lanes = log_size - log_rows
    rows, lanes, run = 1 << log_rows, 1 << log_lanes, 1 << (log_rows - log_blowup)
    block_exponents = bit_reversal(log_blowup)
    row_scale = np.concatenate(
        [
            powers(pow(shift, lanes, P) * pow(root(log_rows), int(exponent), P), run, factor)
            for exponent in block_exponents
        ]
    )
    twist = powers(root(log_size), rows * lanes)
    exponents = np.arange(rows)[:, None] * np.arange(lanes)
    cross = twist[exponents] * powers(shift, lanes) % np.uint64(P)
    return Plan(
        log_blowup,
        to_montgomery(row_scale),
        to_montgomery(powers(root(log_rows - log_blowup), max(run // 2, 1))),
        to_montgomery(powers(root(log_lanes), max(lanes // 2, 1))),
        to_montgomery(cross),
        bit_reversal(log_rows),
        bit_reversal(log_lanes),
    )


def bit_reversal(log_size: int) -> Words:
    """Return the bit-reversed position of each index below 2^log_size."""
    result = np.zeros(1, np.uint32)
    for _ in range(log_size):
        result = np.concatenate([2 * result, 2 * result + 1])
    return result
