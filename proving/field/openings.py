"""Values of committed polynomials at one point of the extension, from their evaluations.

The barycentric formula on a coset shift·<ω> of n elements (Berrut and Trefethen, "Barycentric
Lagrange interpolation", 2004): with u = z / shift,

    f(z) = (uⁿ − 1)/n · Σ_i f_i · ωⁱ / (u − ωⁱ)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from proving.field import jax_base as base
from proving.field import jax_extension
from proving.field.compiled import compiled
from proving.field.extension import DEGREE, Extension
from proving.field.host_arrays import Words, on_host, to_host
from proving.field.koalabear import P, inverse, root_of_unity
from proving.field.ntt_plan import log_height, powers, to_montgomery
from proving.field.threads import share

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

_P64: Final = np.uint64(P)

Sums = NDArray[np.uint64]


def evaluate_at_points(columns: Array, point: Extension, shift: int = 1) -> Array:
    """Return the value of every column's polynomial at a point.

    Parameters
    ----------
    columns
        (k, n) values on shift·<ω>, natural order, Montgomery form.
    point
        z, outside of shift·<ω>.
    shift
        1 for values on the subgroup itself.

    Returns
    -------
    Array
        (4, k), Montgomery form.

    Raises
    ------
    ValueError
        If the point is in the coset, or the shape is not (k, power of two).
    """
    log_size = log_height(columns)
    scaled = point * inverse(shift)
    vanishing = scaled ** (1 << log_size) - 1
    if not vanishing:
        raise ValueError(f"{point} is one of the {1 << log_size} points of the domain")
    factor = jax_extension.constant(vanishing * inverse(1 << log_size))
    weights = _weights(jax_extension.constant(scaled), factor, _domain(log_size))
    if not on_host():
        return _reduce(*_sums_of_halves(columns, weights))
    values, factors = to_host(columns), to_host(weights)
    low = np.zeros((DEGREE, len(values)), np.uint64)
    high = np.zeros_like(low)
    share(
        lambda first, end: _sum_products(
            values[first:end], factors, low[:, first:end], high[:, first:end]
        ),
        len(values),
    )
    return _reduce(low, high)


@lru_cache(maxsize=32)
def _domain(log_size: int) -> Array:
    return jnp.asarray(to_montgomery(powers(root_of_unity(log_size), 1 << log_size)))


@jax.jit
def _weights(point: Array, factor: Array, domain: Array) -> Array:
    constants = jnp.broadcast_to(point[:, None], (DEGREE, domain.shape[0]))
    differences = constants.at[0].set(base.subtract(constants[0], domain))
    inverses = jax_extension.inverse(differences)
    return jax_extension.multiply(jax_extension.multiply_base(inverses, domain), factor)


@jax.jit
def _sums_of_halves(columns: Array, weights: Array) -> tuple[Array, Array]:
    def coordinate(weight: Array) -> tuple[Array, Array]:
        products = base.widening_product(columns, weight)
        low, high = products & np.uint64(2**32 - 1), products >> np.uint64(32)
        return low.sum(axis=1), high.sum(axis=1)

    sums: tuple[Array, Array] = jax.lax.map(coordinate, weights)
    return sums


def _reduce(low: Array | Sums, high: Array | Sums) -> Array:
    """Return (low + 2³²·high) / 2³² mod p, for sums of fewer than 2³² halves of products."""
    wide = np.asarray(low) % _P64 + (np.asarray(high) % _P64 << np.uint64(32))
    return jnp.asarray(base.canonical((wide % _P64).astype(np.uint32)))


@compiled
def _sum_products(columns: Words, weights: Words, low: Sums, high: Sums) -> None:
    mask, shift = np.uint64(2**32 - 1), np.uint64(32)
    for column in range(columns.shape[0]):
        for coordinate in range(4):
            low_sum = np.uint64(0)
            high_sum = np.uint64(0)
            for row in range(columns.shape[1]):
                product = np.uint64(columns[column, row]) * np.uint64(weights[coordinate, row])
                low_sum += product & mask
                high_sum += product >> shift
            low[coordinate, column] = low_sum
            high[coordinate, column] = high_sum
