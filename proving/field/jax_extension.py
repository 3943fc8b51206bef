"""Arithmetic of the degree-4 extension on arrays of shape (4, …): the coordinate comes first.

Coordinates are uint32 in Montgomery form. Shapes behind the first axis broadcast as those of NumPy,
so that an element of shape (4,) goes with an array of shape (4, n). Every function is pure.
"""

from __future__ import annotations

from functools import partial

from proving.field import jax_base as base
from proving.field.extension import DEGREE, NON_RESIDUE, ONE, Extension
from proving.field.jax_base import reduce_wide, widening_product

# isort: split
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def constant(value: Extension) -> Array:
    """Return an element as an array of shape (4,)."""
    return jnp.asarray(np.array([base.constant(c) for c in value.coefficients], np.uint32))


def to_extension(element: Array) -> Extension:
    """Return an array of shape (4,) as an element; the opposite of `constant`."""
    return Extension(base.canonical(np.asarray(element)).tolist())


def add(left: Array, right: Array) -> Array:
    """Return left + right."""
    return base.add(*_aligned(left, right))


def subtract(left: Array, right: Array) -> Array:
    """Return left − right."""
    return base.subtract(*_aligned(left, right))


def negate(value: Array) -> Array:
    """Return −value."""
    return base.negate(value)


def multiply(left: Array, right: Array) -> Array:
    """Return left · right: sixteen products, four reductions, in terms of whole elements.

    left[i] goes with (3·right[4 − i], …, 3·right[3], right[0], …, right[3 − i]).
    """
    left, right = _aligned(left, right)
    folded = jnp.concatenate([_triple(right[1:]), right])
    products = [
        widening_product(left[i : i + 1], folded[DEGREE - 1 - i : 2 * DEGREE - 1 - i])
        for i in range(DEGREE)
    ]
    return reduce_wide(sum(products[1:], start=products[0]))


def multiply_base(value: Array, scalar: Array) -> Array:
    """Return value · scalar for an array of the base field, of shape (…) without coordinates."""
    return base.multiply(*_aligned(value, scalar[None]))


def square(value: Array) -> Array:
    """Return value²."""
    return multiply(value, value)


def power(value: Array, exponent: int) -> Array:
    """Return value^exponent for a fixed, non-negative exponent."""
    if exponent < 0:
        raise ValueError(f"the exponent must not be negative, got {exponent}")
    result = jnp.zeros_like(value).at[0].set(base.MONTGOMERY_ONE)
    for bit in bin(exponent)[2:]:
        result = square(result)
        if bit == "1":
            result = multiply(result, value)
    return result


def inverse(value: Array) -> Array:
    """Return the inverse of each element; the inverse of 0 is 0.

    The same tower as `Extension.inverse`: norm to Fp[y]/(y² − 3) for y = x², then to Fp.
    """
    a0, a1, a2, a3 = (value[i] for i in range(DEGREE))
    product = base.multiply
    norm_0 = base.add(
        product(a0, a0), _triple(base.subtract(product(a2, a2), _double(product(a1, a3))))
    )
    norm_1 = base.subtract(
        _double(product(a0, a2)), base.add(product(a1, a1), _triple(product(a3, a3)))
    )
    scale = _computed_once(
        base.inverse(base.subtract(product(norm_0, norm_0), _triple(product(norm_1, norm_1))))
    )
    u0, u1 = product(norm_0, scale), base.negate(product(norm_1, scale))
    return jnp.stack(
        [
            base.add(product(a0, u0), _triple(product(a2, u1))),
            base.negate(base.add(product(a1, u0), _triple(product(a3, u1)))),
            base.add(product(a0, u1), product(a2, u0)),
            base.negate(base.add(product(a1, u1), product(a3, u0))),
        ]
    )


def powers(alpha: Extension | Array, count: int) -> Array:
    """Return 1, α, …, α^(count − 1) as an array of shape (4, count)."""
    result: Array = _powers(constant(alpha) if isinstance(alpha, Extension) else alpha, count)
    return result


@partial(jax.jit, static_argnums=1)
def _powers(alpha: Array, count: int) -> Array:
    result, step = constant(ONE)[:, None], alpha
    while result.shape[1] < count:
        result = jnp.concatenate([result, multiply(result, step)], axis=1)
        step = square(step)
    return result[:, :count]


def _computed_once(value: Array) -> Array:
    """Keep XLA from fusing the value's whole computation into each of its readers (30 x slower)."""
    result: Array = jax.lax.optimization_barrier(value)  # type: ignore[no-untyped-call]
    return result


def _aligned(left: Array, right: Array) -> tuple[Array, Array]:
    """Give both as many axes, those of length 1 inserted behind the coordinates."""
    rank = max(left.ndim, right.ndim)
    return _with_rank(left, rank), _with_rank(right, rank)


def _with_rank(value: Array, rank: int) -> Array:
    missing = (1,) * (rank - value.ndim)
    return value.reshape(value.shape[0], *missing, *value.shape[1:]) if missing else value


def _double(value: Array) -> Array:
    return base.add(value, value)


def _triple(value: Array) -> Array:
    assert NON_RESIDUE == 3
    return base.add(_double(value), value)
