"""The prover's quotient of one table (`constraint_check` says of what)."""

from __future__ import annotations

from functools import lru_cache

from proving.air.evaluate_jax import Cells, ChipEvaluator, LookupTerms
from proving.air.logup import LookupChallenges
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import DEGREE, Extension
from proving.field.host_arrays import Words
from proving.field.koalabear import GENERATOR, P, inverse, root_of_unity
from proving.field.ntt import evaluate_on_coset, interpolate
from proving.field.ntt_plan import powers, to_montgomery
from proving.stark.columns import Strided, assembled, pieces, power_rows
from proving.stark.instance import QUOTIENT_CHUNKS

# isort: split
import jax
import jax.numpy as jnp
from jax import Array

LOG_CHUNKS = QUOTIENT_CHUNKS.bit_length() - 1


def quotient_chunks(
    evaluator: ChipEvaluator,
    extended: tuple[Array | Words, Array | Words, Array | Words],
    sum_per_row: Extension,
    parameters: Array,
    challenges: LookupChallenges,
    alpha: Extension,
    log_height: int,
) -> Array:
    """Compute the table's quotient and return its chunks, extended: shape (8, N).

    The quotient has degree < 2n and is computed on the coset of 2n points, every so manieth point
    of the extension's.

    Parameters
    ----------
    extended
        Extensions of the main, preprocessed and lookup columns, each (columns, N); those that the
        table does not have are (0, N).
    sum_per_row
        S/n of the table's lookups.
    """
    main, preprocessed, lookups = extended
    air, count = evaluator.air, evaluator.points_per_piece
    log_size = main.shape[1].bit_length() - 1
    points = QUOTIENT_CHUNKS << log_height
    stride = main.shape[1] // points

    gamma, beta = extension.constant(challenges.gamma), extension.constant(challenges.beta)
    alphas = power_rows(alpha, evaluator.challenge_count)
    per_row = extension.constant(sum_per_row)
    running_sum = tuple(range(lookups.shape[0]))[-DEGREE:]
    selectors = _selectors(log_height)
    reads = [
        Strided(main, stride),
        Strided(main, stride, QUOTIENT_CHUNKS, air.next_main),
        Strided(preprocessed, stride),
        Strided(preprocessed, stride, QUOTIENT_CHUNKS, air.next_preprocessed),
        Strided(lookups, stride),
        Strided(lookups, stride, QUOTIENT_CHUNKS, running_sum),
        Strided(selectors),
    ]
    values = []
    for start in range(0, points, count):
        *cells, columns, next_sum, own_selectors = pieces(reads, start, count)
        own = evaluator.quotient(
            Cells(*cells),
            LookupTerms(columns, next_sum, per_row),
            own_selectors,
            parameters,
            gamma,
            beta,
            alphas,
        )
        values.append(own)

    scale = to_montgomery(powers(inverse(GENERATOR), points))
    return evaluate_on_coset(_chunks(interpolate(assembled([values], points)), scale), log_size)


@jax.jit
def _chunks(coefficients: Array, scale: Array) -> Array:
    """Take the shift of the coset back, and cut: (4, 2n) becomes (8, n), low half first."""
    shifted = base.multiply(coefficients, scale)
    chunks = shifted.reshape(DEGREE, QUOTIENT_CHUNKS, -1).transpose(1, 0, 2)
    return chunks.reshape(QUOTIENT_CHUNKS * DEGREE, -1)


@lru_cache(maxsize=4)
def _selectors(log_height: int) -> Array:
    """Return the fields of `Selectors` on the coset of 2n points, as one matrix."""
    log_size = log_height + LOG_CHUNKS
    points = to_montgomery(powers(root_of_unity(log_size), 1 << log_size, GENERATOR))
    # xⁿ takes only as many values as there are chunks
    vanishing = [
        pow(GENERATOR, 1 << log_height, P) * pow(root_of_unity(LOG_CHUNKS), k, P) - 1
        for k in range(QUOTIENT_CHUNKS)
    ]
    inverses = jnp.asarray([int(base.constant(inverse(v))) for v in vanishing], jnp.uint32)
    last = jnp.asarray(base.constant(inverse(root_of_unity(log_height))))
    result: Array = _selector_rows(jnp.asarray(points), last, inverses)
    return result


@jax.jit
def _selector_rows(points: Array, last: Array, inverse_zerofiers: Array) -> Array:
    one = jnp.uint32(base.MONTGOMERY_ONE)
    minus_last = base.subtract(points, last)
    zerofier = jnp.tile(inverse_zerofiers, points.shape[0] // inverse_zerofiers.shape[0])
    from_first = base.inverse(base.subtract(points, one))
    return jnp.stack([minus_last, zerofier, from_first, base.inverse(minus_last)])
