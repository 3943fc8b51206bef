"""Number-theoretic transforms over columns: uint32 arrays (columns, rows) in Montgomery form.

Everything is in natural order: position i of 2^s evaluations belongs to shift·ωⁱ, where ω is
`koalabear.root_of_unity(s)`, and position j of coefficients to Xʲ. On a CPU the work is done by
compiled loops (`ntt_lanes`), on other devices by XLA (`ntt_xla`), from the same tables
(`ntt_plan`). `evaluate_at_points` is in `openings`. Call these outside `jax.jit`.
"""

from __future__ import annotations

from proving.field import jax_base as base
from proving.field import ntt_lanes, ntt_xla
from proving.field.host_arrays import allocate, on_host, to_host, wrap
from proving.field.koalabear import GENERATOR, TWO_ADICITY, inverse
from proving.field.ntt_plan import (
    Plan,
    forward_plan,
    inverse_plan,
    log_height,
    powers,
    to_montgomery,
)
from proving.field.openings import evaluate_at_points

# isort: split
import jax
import jax.numpy as jnp
from jax import Array

_multiply = jax.jit(base.multiply)

__all__ = [
    "evaluate_at_points",
    "evaluate_on_coset",
    "interpolate",
    "interpolate_coset",
    "low_degree_extend",
]


def interpolate(columns: Array) -> Array:
    """Return the coefficients of the polynomials with these values on the subgroup.

    Parameters
    ----------
    columns
        (k, n) with n a power of two.

    Returns
    -------
    Array
        (k, n) coefficients in natural order.
    """
    log_size = log_height(columns)
    return _transform(inverse_plan(log_size), columns, 1 << log_size)


def interpolate_coset(columns: Array, shift: int = GENERATOR) -> Array:
    """Return the coefficients (k, n) of the polynomials with these values on shift·<ω>."""
    coefficients = interpolate(columns)
    scale = to_montgomery(powers(inverse(shift), columns.shape[1]))
    scaled: Array = _multiply(coefficients, jnp.asarray(scale))
    return scaled


def evaluate_on_coset(coefficients: Array, log_size: int, shift: int = GENERATOR) -> Array:
    """Return the values on shift·<ω> of 2^log_size elements.

    Parameters
    ----------
    coefficients
        (k, n), natural order, n a power of two.
    log_size
        At least log2(n).
    shift
        1 evaluates on the subgroup itself.

    Returns
    -------
    Array
        (k, 2^log_size), natural order.
    """
    log_count = log_height(coefficients)
    _require_domain(log_count, log_size)
    return _transform(
        forward_plan(log_count, log_size - log_count, shift), coefficients, 1 << log_size
    )


def low_degree_extend(columns: Array, log_blowup: int) -> Array:
    """Extend values on the subgroup, (k, n), to the coset 3·<ω>, (k, n · 2^log_blowup)."""
    log_size = log_height(columns)
    _require_domain(log_size, log_size + log_blowup)
    first, second = inverse_plan(log_size), forward_plan(log_size, log_blowup, GENERATOR)
    if not on_host():
        size = 1 << log_size
        return ntt_xla.transform(
            second, ntt_xla.transform(first, columns, size), size << log_blowup
        )
    target = allocate((columns.shape[0], 1 << (log_size + log_blowup)))
    ntt_lanes.extend(first, second, to_host(columns), target)
    return wrap(target)


def _require_domain(log_count: int, log_size: int) -> None:
    if not log_count <= log_size <= TWO_ADICITY:
        raise ValueError(f"log_size must be in {log_count}..{TWO_ADICITY}, got {log_size}")


def _transform(plan: Plan, columns: Array, size: int) -> Array:
    if not on_host():
        return ntt_xla.transform(plan, columns, size)
    target = allocate((columns.shape[0], size))
    ntt_lanes.transform(plan, to_host(columns), target)
    return wrap(target)
