"""KoalaBear arithmetic on arrays: uint32 in Montgomery form, a·2³² mod p.

Every function is pure, elementwise and can be traced by `jax.jit`. Inputs must be reduced (< p),
and results are. Source of the reduction: Montgomery, "Modular multiplication without trial
division" (1985), in the variant that subtracts, so that no sum overflows 64 bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from proving.field import jax_setup  # noqa: F401  (configures JAX first)
from proving.field.koalabear import P

# isort: split
import jax.numpy as jnp
from jax import Array, lax

MONTGOMERY_ONE: Final = 2**32 % P
_P32: Final = np.uint32(P)
_P64: Final = np.uint64(P)
_INVERSE_OF_P: Final = np.uint32(pow(P, -1, 2**32))
_RADIX_SQUARED: Final = np.uint32(2**64 % P)
_INVERSE_OF_RADIX: Final = np.uint64(pow(2**32, -1, P))
_SHIFT: Final = np.uint64(32)


def constant(value: int) -> np.uint32:
    """Return the Montgomery form of an integer."""
    return np.uint32(value * MONTGOMERY_ONE % P)


def canonical(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return canonical values of Montgomery forms, computed by NumPy on the host."""
    wide = values.astype(np.uint64) * _INVERSE_OF_RADIX % _P64
    return wide.astype(np.uint32)


def reduce_wide(total: Array) -> Array:
    """Return total / 2³² mod p of a uint64 sum of at most four products of reduced elements.

    4p² < 2⁶⁴, and the high half of such a sum is below 2p, so that one conditional subtraction
    precedes the usual step.
    """
    high = _narrow(lax.shift_right_logical(total, _SHIFT))
    return _subtract_low(lax.min(high, lax.sub(high, _P32)), _narrow(total))


def _subtract_low(high: Array, low: Array) -> Array:
    quotient = _widen(lax.mul(low, _INVERSE_OF_P))
    return subtract(high, _narrow(lax.shift_right_logical(lax.mul(quotient, _P64), _SHIFT)))


def widening_product(left: Array, right: Array) -> Array:
    """Return the uint64 products of two uint32 arrays, not reduced."""
    return lax.mul(*_aligned(_widen(left), _widen(right)))


def add(left: Array, right: Array) -> Array:
    """Return left + right."""
    total = lax.add(*_aligned(left, right))
    return lax.min(total, lax.sub(total, _P32))


def subtract(left: Array, right: Array) -> Array:
    """Return left − right."""
    difference = lax.sub(*_aligned(left, right))
    return lax.min(difference, lax.add(difference, _P32))


def negate(value: Array) -> Array:
    """Return −value."""
    return jnp.where(value == 0, value, _P32 - value)


def multiply(left: Array, right: Array) -> Array:
    """Return left · right."""
    product = widening_product(left, right)
    return _subtract_low(_narrow(lax.shift_right_logical(product, _SHIFT)), _narrow(product))


def _widen(value: Array) -> Array:
    return lax.convert_element_type(value, np.uint64)


def _narrow(value: Array) -> Array:
    return lax.convert_element_type(value, np.uint32)


def _aligned(left: Array, right: Array) -> list[Array]:
    """Broadcast as NumPy does. Primitives are traced faster than `jax.numpy`, but do not."""
    return [left, right] if left.shape == right.shape else jnp.broadcast_arrays(left, right)


def to_montgomery(canonical: Array) -> Array:
    """Return the Montgomery form of canonical values (< p)."""
    return multiply(canonical, jnp.asarray(_RADIX_SQUARED))


def from_montgomery(value: Array) -> Array:
    """Return the canonical values (< p) of Montgomery forms."""
    return _subtract_low(jnp.zeros_like(value), value)


def power(value: Array, exponent: int) -> Array:
    """Return value^exponent for a fixed, non-negative exponent; 0⁰ is 1."""
    if exponent < 0:
        raise ValueError(f"the exponent must not be negative, got {exponent}")
    result = jnp.full_like(value, MONTGOMERY_ONE)
    for bit in bin(exponent)[2:]:
        result = multiply(result, result)
        if bit == "1":
            result = multiply(result, value)
    return result


def inverse(value: Array) -> Array:
    """Return the inverse of each element; the inverse of 0 is 0.

    p − 2 is 111111 0 111111 111111 111111 111111 in binary: 37 products.
    """
    ones_3 = multiply(_square_times(multiply(_square_times(value, 1), value), 1), value)
    ones_6 = multiply(_square_times(ones_3, 3), ones_3)
    result = multiply(_square_times(ones_6, 7), ones_6)
    for _ in range(3):
        result = multiply(_square_times(result, 6), ones_6)
    return result


def _square_times(value: Array, count: int) -> Array:
    """Return value^(2^count), in a loop of the compiled program.

    XLA fuses by recomputing: unrolled, the chain would run again for each of several uses of the
    result, and an extension inverse would take 20 times as long on a CPU.
    """
    result: Array = lax.fori_loop(0, count, lambda _, power: multiply(power, power), value)
    return result
