"""SHA-256 of many rows at once in JAX: for accelerators, and the same results everywhere.

One step of the inner loop is one round for all rows; rows go through in blocks, which bounds the
memory for messages.
"""

from __future__ import annotations

from typing import Final

from proving.commitment.sha256_constants import (
    INITIAL_STATE,
    PADDING_START,
    ROUND_CONSTANTS,
    block_count,
)
from proving.field import jax_base as base

# isort: split
import jax
import jax.numpy as jnp
from jax import Array

_BLOCK_WORDS: Final = 2**26

State = tuple[Array, ...]


def hash_rows(tag: int, matrices: list[Array], *, montgomery: bool) -> Array:
    """Return SHA-256(tag || row) of every row; see `sha256_lanes.hash_rows`."""
    rows = matrices[0].shape[1]
    width = sum(matrix.shape[0] for matrix in matrices)
    block = min(rows, 1 << max(_BLOCK_WORDS // width, 64).bit_length() - 1)
    canonical = [base.from_montgomery(m) for m in matrices] if montgomery else matrices
    parts = [
        _hash_block(tag, [matrix[:, start : start + block] for matrix in canonical])
        for start in range(0, rows, block)
    ]
    return jnp.concatenate(parts, axis=1)


@jax.jit
def _hash_block(tag: int, matrices: list[Array]) -> Array:
    rows = matrices[0].shape[1]
    words = 1 + sum(matrix.shape[0] for matrix in matrices)
    blocks = block_count(words)
    padding = [PADDING_START] + [0] * (16 * blocks - words - 2) + [32 * words]
    message = jnp.concatenate(
        [
            jnp.full((1, rows), tag, jnp.uint32),
            *matrices,
            jnp.broadcast_to(jnp.array(padding, jnp.uint32)[:, None], (len(padding), rows)),
        ]
    )
    initial = jnp.broadcast_to(jnp.asarray(INITIAL_STATE)[:, None], (8, rows))

    def absorb(index: Array, state: Array) -> Array:
        block: Array = jax.lax.dynamic_slice_in_dim(message, 16 * index, 16)
        return _compress(state, block)

    result: Array = jax.lax.fori_loop(0, blocks, absorb, initial)
    return result


def _compress(state: Array, block: Array) -> Array:
    constants = jnp.asarray(ROUND_CONSTANTS)

    def round_(step: Array, carried: tuple[State, Array]) -> tuple[State, Array]:
        (a, b, c, d, e, f, g, h), window = carried

        def word(ahead: int) -> Array:
            position = (step + ahead) % 16
            found: Array = jax.lax.dynamic_index_in_dim(window, position, keepdims=False)
            return found

        choice = g ^ (e & (f ^ g))
        majority = (a & b) | (c & (a | b))
        sum_e = _rotate(e, 6) ^ _rotate(e, 11) ^ _rotate(e, 25)
        sum_a = _rotate(a, 2) ^ _rotate(a, 13) ^ _rotate(a, 22)
        first = h + sum_e + choice + constants[step] + word(0)
        following = word(0) + _small_0(word(1)) + word(9) + _small_1(word(14))
        window = jax.lax.dynamic_update_index_in_dim(window, following, step % 16, 0)
        return (first + sum_a + majority, a, b, c, d + first, e, f, g), window

    work, _ = jax.lax.fori_loop(0, 64, round_, (tuple(state), block))
    return state + jnp.stack(work)


def _small_0(word: Array) -> Array:
    return _rotate(word, 7) ^ _rotate(word, 18) ^ (word >> 3)


def _small_1(word: Array) -> Array:
    return _rotate(word, 17) ^ _rotate(word, 19) ^ (word >> 10)


def _rotate(word: Array, bits: int) -> Array:
    return (word >> bits) | (word << (32 - bits))
