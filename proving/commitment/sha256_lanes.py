"""SHA-256 of many rows at once on the CPU, compiled by numba.

64 adjacent rows are hashed together. Their message words come straight from the columns, and the
loops over rows ("lanes") hold no other loop, so that LLVM turns them into vector code. State and
message words share one flat array with constant distances, which spares the aliasing checks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from proving.commitment.sha256_constants import (
    INITIAL_STATE,
    PADDING_START,
    ROUND_CONSTANTS,
    block_count,
)
from proving.field.compiled import compiled, inlined
from proving.field.host_arrays import Words
from proving.field.ntt_lanes import multiply
from proving.field.threads import share

LANES: Final = 64
# Where the parts of the scratch array start, in words
_STATE: Final = 0
_WORK: Final = 8 * LANES
_BLOCK: Final = 16 * LANES
_SCRATCH_WORDS: Final = 32 * LANES
# How much of several matrices is gathered into one before it is hashed
_GATHERED_WORDS: Final = 2**17


def hash_rows(tag: int, matrices: list[Words], *, montgomery: bool) -> Words:
    """Return SHA-256(tag || row) of every row of the matrices side by side.

    Parameters
    ----------
    tag
        First word of every message.
    matrices
        (width, rows) words each, with equal numbers of rows.
    montgomery
        Whether words are field elements in Montgomery form, to be hashed as canonical values.

    Returns
    -------
    Words
        (8, rows): word i of every digest.
    """
    rows = matrices[0].shape[1]
    digests = np.empty((8, rows), np.uint32)
    groups = -(-rows // LANES)
    width = sum(matrix.shape[0] for matrix in matrices)
    blocks = block_count(1 + width)
    gathered_rows = max(_GATHERED_WORDS // width // LANES, 1) * LANES

    def work(first: int, end: int) -> None:
        start, stop = first * LANES, min(end * LANES, rows)
        if len(matrices) == 1:
            _hash_rows(tag, matrices[0], start, digests, start, stop - start, blocks, montgomery)
            return
        for row in range(start, stop, gathered_rows):
            until = min(row + gathered_rows, stop)
            gathered = np.concatenate([matrix[:, row:until] for matrix in matrices])
            _hash_rows(tag, gathered, 0, digests, row, until - row, blocks, montgomery)

    share(work, groups)
    return digests


@compiled
def _hash_rows(
    tag: int,
    matrix: Words,
    source_start: int,
    digests: Words,
    target_start: int,
    rows: int,
    blocks: int,
    montgomery: bool,
) -> None:
    scratch = np.zeros(_SCRATCH_WORDS, np.uint32)
    width = matrix.shape[0]
    for group in range(0, rows, LANES):
        lanes = min(LANES, rows - group)
        for word in range(8):
            scratch[_STATE + word * LANES : _STATE + (word + 1) * LANES] = INITIAL_STATE[word]
        for block in range(blocks):
            for position in range(16):
                start = _BLOCK + position * LANES
                column = block * 16 + position - 1
                if 0 <= column < width:
                    source = source_start + group
                    if montgomery:
                        for lane in range(lanes):
                            scratch[start + lane] = multiply(
                                matrix[column, source + lane], np.uint32(1)
                            )
                    else:
                        for lane in range(lanes):
                            scratch[start + lane] = matrix[column, source + lane]
                else:
                    word = 0
                    if column == -1:
                        word = tag
                    elif column == width:
                        word = PADDING_START
                    elif block == blocks - 1 and position == 15:
                        word = 32 * (width + 1)
                    scratch[start : start + LANES] = word
            _compress(scratch)
        for word in range(8):
            for lane in range(lanes):
                digests[word, target_start + group + lane] = scratch[_STATE + word * LANES + lane]


@compiled
def _compress(scratch: Words) -> None:
    """Absorb the block of every lane into its state (FIPS 180-4, section 6.2.2)."""
    for index in range(8 * LANES):
        scratch[_WORK + index] = scratch[_STATE + index]
    for group in range(4):
        if group:
            _next_words(scratch)
        _sixteen_rounds(scratch, 16 * group)
    for index in range(8 * LANES):
        scratch[_STATE + index] += scratch[_WORK + index]


@inlined
def _rotate(word: np.uint32, bits: int) -> np.uint32:
    return np.uint32(word >> np.uint32(bits)) | np.uint32(word << np.uint32(32 - bits))


@inlined
def _round(
    a: np.uint32,
    b: np.uint32,
    c: np.uint32,
    d: np.uint32,
    e: np.uint32,
    f: np.uint32,
    g: np.uint32,
    h: np.uint32,
    word: np.uint32,
) -> tuple[np.uint32, np.uint32]:
    """Return the new values of e (in place of d) and a (in place of h)."""
    choice = np.uint32(g ^ np.uint32(e & np.uint32(f ^ g)))
    majority = np.uint32(np.uint32(a & b) | np.uint32(c & np.uint32(a | b)))
    sum_e = _rotate(e, 6) ^ _rotate(e, 11) ^ _rotate(e, 25)
    sum_a = _rotate(a, 2) ^ _rotate(a, 13) ^ _rotate(a, 22)
    first = np.uint32(h + sum_e + choice + word)
    return np.uint32(d + first), np.uint32(first + sum_a + majority)


@inlined
def _next_word(
    word_0: np.uint32, word_1: np.uint32, word_9: np.uint32, word_14: np.uint32
) -> np.uint32:
    small_0 = _rotate(word_1, 7) ^ _rotate(word_1, 18) ^ np.uint32(word_1 >> np.uint32(3))
    small_1 = _rotate(word_14, 17) ^ _rotate(word_14, 19) ^ np.uint32(word_14 >> np.uint32(10))
    return np.uint32(word_0 + small_0 + word_9 + small_1)


@compiled
def _next_words(scratch: Words) -> None:
    """Replace the sixteen message words of every lane by the next sixteen."""
    for lane in range(LANES):
        w0 = scratch[_BLOCK + 0 * LANES + lane]
        w1 = scratch[_BLOCK + 1 * LANES + lane]
        w2 = scratch[_BLOCK + 2 * LANES + lane]
        w3 = scratch[_BLOCK + 3 * LANES + lane]
        w4 = scratch[_BLOCK + 4 * LANES + lane]
        w5 = scratch[_BLOCK + 5 * LANES + lane]
        w6 = scratch[_BLOCK + 6 * LANES + lane]
        w7 = scratch[_BLOCK + 7 * LANES + lane]
        w8 = scratch[_BLOCK + 8 * LANES + lane]
        w9 = scratch[_BLOCK + 9 * LANES + lane]
        w10 = scratch[_BLOCK + 10 * LANES + lane]
        w11 = scratch[_BLOCK + 11 * LANES + lane]
        w12 = scratch[_BLOCK + 12 * LANES + lane]
        w13 = scratch[_BLOCK + 13 * LANES + lane]
        w14 = scratch[_BLOCK + 14 * LANES + lane]
        w15 = scratch[_BLOCK + 15 * LANES + lane]
        w0 = _next_word(w0, w1, w9, w14)
        w1 = _next_word(w1, w2, w10, w15)
        w2 = _next_word(w2, w3, w11, w0)
        w3 = _next_word(w3, w4, w12, w1)
        w4 = _next_word(w4, w5, w13, w2)
        w5 = _next_word(w5, w6, w14, w3)
        w6 = _next_word(w6, w7, w15, w4)
        w7 = _next_word(w7, w8, w0, w5)
        w8 = _next_word(w8, w9, w1, w6)
        w9 = _next_word(w9, w10, w2, w7)
        w10 = _next_word(w10, w11, w3, w8)
        w11 = _next_word(w11, w12, w4, w9)
        w12 = _next_word(w12, w13, w5, w10)
        w13 = _next_word(w13, w14, w6, w11)
        w14 = _next_word(w14, w15, w7, w12)
        w15 = _next_word(w15, w0, w8, w13)
        scratch[_BLOCK + 0 * LANES + lane] = w0
        scratch[_BLOCK + 1 * LANES + lane] = w1
        scratch[_BLOCK + 2 * LANES + lane] = w2
        scratch[_BLOCK + 3 * LANES + lane] = w3
        scratch[_BLOCK + 4 * LANES + lane] = w4
        scratch[_BLOCK + 5 * LANES + lane] = w5
        scratch[_BLOCK + 6 * LANES + lane] = w6
        scratch[_BLOCK + 7 * LANES + lane] = w7
        scratch[_BLOCK + 8 * LANES + lane] = w8
        scratch[_BLOCK + 9 * LANES + lane] = w9
        scratch[_BLOCK + 10 * LANES + lane] = w10
        scratch[_BLOCK + 11 * LANES + lane] = w11
        scratch[_BLOCK + 12 * LANES + lane] = w12
        scratch[_BLOCK + 13 * LANES + lane] = w13
        scratch[_BLOCK + 14 * LANES + lane] = w14
        scratch[_BLOCK + 15 * LANES + lane] = w15


@compiled
def _sixteen_rounds(scratch: Words, first: int) -> None:
    k0 = ROUND_CONSTANTS[first + 0]
    k1 = ROUND_CONSTANTS[first + 1]
    k2 = ROUND_CONSTANTS[first + 2]
    k3 = ROUND_CONSTANTS[first + 3]
    k4 = ROUND_CONSTANTS[first + 4]
    k5 = ROUND_CONSTANTS[first + 5]
    k6 = ROUND_CONSTANTS[first + 6]
    k7 = ROUND_CONSTANTS[first + 7]
    k8 = ROUND_CONSTANTS[first + 8]
    k9 = ROUND_CONSTANTS[first + 9]
    k10 = ROUND_CONSTANTS[first + 10]
    k11 = ROUND_CONSTANTS[first + 11]
    k12 = ROUND_CONSTANTS[first + 12]
    k13 = ROUND_CONSTANTS[first + 13]
    k14 = ROUND_CONSTANTS[first + 14]
    k15 = ROUND_CONSTANTS[first + 15]
    for lane in range(LANES):
        a = scratch[_WORK + 0 * LANES + lane]
        b = scratch[_WORK + 1 * LANES + lane]
        c = scratch[_WORK + 2 * LANES + lane]
        d = scratch[_WORK + 3 * LANES + lane]
        e = scratch[_WORK + 4 * LANES + lane]
        f = scratch[_WORK + 5 * LANES + lane]
        g = scratch[_WORK + 6 * LANES + lane]
        h = scratch[_WORK + 7 * LANES + lane]
        d, h = _round(a, b, c, d, e, f, g, h, k0 + scratch[_BLOCK + 0 * LANES + lane])
        c, g = _round(h, a, b, c, d, e, f, g, k1 + scratch[_BLOCK + 1 * LANES + lane])
        b, f = _round(g, h, a, b, c, d, e, f, k2 + scratch[_BLOCK + 2 * LANES + lane])
        a, e = _round(f, g, h, a, b, c, d, e, k3 + scratch[_BLOCK + 3 * LANES + lane])
        h, d = _round(e, f, g, h, a, b, c, d, k4 + scratch[_BLOCK + 4 * LANES + lane])
        g, c = _round(d, e, f, g, h, a, b, c, k5 + scratch[_BLOCK + 5 * LANES + lane])
        f, b = _round(c, d, e, f, g, h, a, b, k6 + scratch[_BLOCK + 6 * LANES + lane])
        e, a = _round(b, c, d, e, f, g, h, a, k7 + scratch[_BLOCK + 7 * LANES + lane])
        d, h = _round(a, b, c, d, e, f, g, h, k8 + scratch[_BLOCK + 8 * LANES + lane])
        c, g = _round(h, a, b, c, d, e, f, g, k9 + scratch[_BLOCK + 9 * LANES + lane])
        b, f = _round(g, h, a, b, c, d, e, f, k10 + scratch[_BLOCK + 10 * LANES + lane])
        a, e = _round(f, g, h, a, b, c, d, e, k11 + scratch[_BLOCK + 11 * LANES + lane])
        h, d = _round(e, f, g, h, a, b, c, d, k12 + scratch[_BLOCK + 12 * LANES + lane])
        g, c = _round(d, e, f, g, h, a, b, c, k13 + scratch[_BLOCK + 13 * LANES + lane])
        f, b = _round(c, d, e, f, g, h, a, b, k14 + scratch[_BLOCK + 14 * LANES + lane])
        e, a = _round(b, c, d, e, f, g, h, a, k15 + scratch[_BLOCK + 15 * LANES + lane])
        scratch[_WORK + 0 * LANES + lane] = a
        scratch[_WORK + 1 * LANES + lane] = b
        scratch[_WORK + 2 * LANES + lane] = c
        scratch[_WORK + 3 * LANES + lane] = d
        scratch[_WORK + 4 * LANES + lane] = e
        scratch[_WORK + 5 * LANES + lane] = f
        scratch[_WORK + 6 * LANES + lane] = g
        scratch[_WORK + 7 * LANES + lane] = h
