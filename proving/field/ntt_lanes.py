"""The transform of `ntt_plan` on the CPU, compiled by numba: 32 adjacent lanes at a time.

A strip of 32 lanes is copied into a buffer that stays in the cache, transformed there,
and written to where the next step wants it; LLVM turns the loops over lanes into vector code.
Rows leave a strip's transform in bit-reversed order, which the copying out undoes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from proving.field.compiled import compiled, inlined
from proving.field.host_arrays import Words
from proving.field.koalabear import P
from proving.field.ntt_plan import Plan
from proving.field.threads import share

LANES: Final = 32
_SCRATCH_WORDS: Final = 2**18
_P32: Final = np.uint32(P)
_P64: Final = np.uint64(P)
_INVERSE_OF_P: Final = np.uint32(pow(P, -1, 2**32))
_SHIFT: Final = np.uint64(32)


def transform(plan: Plan, columns: Words, target: Words) -> None:
    """Transform every column (Montgomery, natural order) into the same row of the target."""
    share(lambda first, end: _run(plan, columns[first:end], target[first:end]), len(columns))


def extend(inverse: Plan, forward: Plan, columns: Words, target: Words) -> None:
    """Interpolate every column and evaluate it on a larger coset, a few columns at a time."""
    count, height = columns.shape
    block = max(1, _SCRATCH_WORDS // height)

    def work(first: int, end: int) -> None:
        scratch = np.empty((block, height), np.uint32)
        for start in range(first, end, block):
            stop = min(start + block, end)
            part = scratch[: stop - start]
            _run(inverse, columns[start:stop], part)
            _run(forward, part, target[start:stop])

    share(work, count)


def _run(plan: Plan, source: Words, target: Words) -> None:
    _transform_columns(
        source,
        target,
        plan.row_scale,
        plan.row_twiddles,
        plan.lane_twiddles,
        plan.cross_twiddles,
        plan.reversed_rows,
        plan.reversed_lanes,
        plan.log_blowup,
    )


@inlined
def multiply(left: np.uint32, right: np.uint32) -> np.uint32:
    """Return left · right of two Montgomery forms (inlined into compiled loops)."""
    product = np.uint64(left) * np.uint64(right)
    quotient = np.uint32(np.uint32(product) * _INVERSE_OF_P)
    high = np.uint32((np.uint64(quotient) * _P64) >> _SHIFT)
    difference = np.uint32(np.uint32(product >> _SHIFT) - high)
    return min(difference, np.uint32(difference + _P32))


@inlined
def _add(left: np.uint32, right: np.uint32) -> np.uint32:
    total = np.uint32(left + right)
    return min(total, np.uint32(total - _P32))


@inlined
def _subtract(left: np.uint32, right: np.uint32) -> np.uint32:
    difference = np.uint32(left - right)
    return min(difference, np.uint32(difference + _P32))


@compiled
def _transform_strip(strip: Words, twiddles: Words, size: int) -> None:
    """Transform the first axis of a (rows, 32) strip in place, in independent runs of `size` rows.

    Decimation in frequency: each run comes out in bit-reversed order.
    """
    rows = strip.shape[0]
    half = size // 2
    while half > 1:
        step = 2 * twiddles.shape[0] // (2 * half)
        for start in range(0, rows, 2 * half):
            for row in range(half):
                twiddle = twiddles[row * step]
                for lane in range(LANES):
                    upper = strip[start + row, lane]
                    lower = strip[start + row + half, lane]
                    strip[start + row, lane] = _add(upper, lower)
                    strip[start + row + half, lane] = multiply(_subtract(upper, lower), twiddle)
        half //= 2
    if half == 1:
        for start in range(0, rows, 2):
            for lane in range(LANES):
                upper = strip[start, lane]
                lower = strip[start + 1, lane]
                strip[start, lane] = _add(upper, lower)
                strip[start + 1, lane] = _subtract(upper, lower)


@compiled
def _transform_columns(
    source: Words,
    target: Words,
    row_scale: Words,
    row_twiddles: Words,
    lane_twiddles: Words,
    cross_twiddles: Words,
    reversed_rows: Words,
    reversed_lanes: Words,
    log_blowup: int,
) -> None:
    rows = reversed_rows.shape[0]
    lanes = reversed_lanes.shape[0]
    run = rows >> log_blowup
    width = min(LANES, lanes)
    row_width = min(LANES, rows)
    strip = np.zeros((rows, LANES), np.uint32)
    turned = np.zeros((rows, LANES), np.uint32)
    lane_strip = np.zeros((lanes, LANES), np.uint32)
    middle = np.empty((lanes, rows), np.uint32)
    for column in range(target.shape[0]):
        # ROWS: read a strip of lanes, scale, transform, twist, write it transposed
        for lane_start in range(0, lanes, width):
            for row in range(run):
                offset = row * lanes + lane_start
                for block in range(0, rows, run):
                    scale = row_scale[block + row]
                    for lane in range(width):
                        strip[block + row, lane] = multiply(source[column, offset + lane], scale)
            _transform_strip(strip, row_twiddles, run)
            for row in range(rows):
                position = reversed_rows[row]
                for lane in range(width):
                    turned[row, lane] = multiply(
                        strip[position, lane], cross_twiddles[row, lane_start + lane]
                    )
            for lane in range(width):
                for row in range(rows):
                    middle[lane_start + lane, row] = turned[row, lane]
        # LANES: the same along the other axis, written in natural order
        for row_start in range(0, rows, row_width):
            for lane in range(lanes):
                for row in range(row_width):
                    lane_strip[lane, row] = middle[lane, row_start + row]
            _transform_strip(lane_strip, lane_twiddles, lanes)
            for lane in range(lanes):
                position = reversed_lanes[lane]
                offset = lane * rows + row_start
                for row in range(row_width):
                    target[column, offset + row] = lane_strip[position, row]
