"""The prover's lookup columns of one table (`air.logup` says what they are)."""

from __future__ import annotations

from proving.air.evaluate_jax import Cells, ChipEvaluator
from proving.air.logup import LookupChallenges
from proving.field import jax_base as base
from proving.field import jax_extension as extension
from proving.field.extension import Extension
from proving.field.host_arrays import Words
from proving.field.koalabear import P, inverse
from proving.stark.columns import Strided, assembled, pieces, to_extensions

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def lookup_columns(
    evaluator: ChipEvaluator,
    main: Array,
    preprocessed: Array | Words,
    parameters: Array,
    challenges: LookupChallenges,
) -> tuple[Array, Extension]:
    """Compute the lookup columns, of shape (4 · groups, rows), and the table's sum S.

    Parameters
    ----------
    main, preprocessed
        (columns, rows), Montgomery form.
    parameters
        Values of `evaluator.parameter_names`, Montgomery form.
    """
    air, count, height = evaluator.air, evaluator.points_per_piece, main.shape[1]
    gamma, beta = extension.constant(challenges.gamma), extension.constant(challenges.beta)
    reads = [
        Strided(main),
        Strided(main, offset=1, columns=air.next_main),
        Strided(preprocessed),
        Strided(preprocessed, offset=1, columns=air.next_preprocessed),
    ]
    columns, totals = [], []
    for start in range(0, height, count):
        cells = Cells(*pieces(reads, start, count))
        own_columns, own_totals = evaluator.lookup_columns(cells, parameters, gamma, beta)
        columns.append(own_columns)
        totals.append(own_totals)

    running, last = _running_sums(assembled([totals], height))
    (claimed,) = to_extensions(last)
    per_row = extension.constant(claimed * inverse(height))
    running_sum = _without_shares(running, per_row)
    return assembled([columns, [running_sum]], height), claimed


@jax.jit
def _running_sums(totals: Array) -> tuple[Array, Array]:
    """Return the sums over all rows before each, and over all rows, of shape (4, 1)."""
    wide = jnp.cumsum(totals.astype(jnp.uint64), axis=1)
    inclusive = (wide % np.uint64(P)).astype(jnp.uint32)
    return base.subtract(inclusive, totals), inclusive[:, -1:]


@jax.jit
def _without_shares(running: Array, per_row: Array) -> Array:
    """Take each row's share of the sum off, so that the last row leads back to the first."""
    rows = base.to_montgomery(jnp.arange(running.shape[1], dtype=jnp.uint32))
    return extension.subtract(running, extension.multiply_base(per_row[:, None], rows))
