"""The laws of a field, and that arrays compute what plain integers do."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from proving.field import jax_base, jax_extension
from proving.field.extension import DEGREE, ONE, ZERO, Extension
from proving.field.koalabear import P, inverse

add, subtract, multiply, negate, inverse_of = map(
    jax.jit,
    [jax_base.add, jax_base.subtract, jax_base.multiply, jax_base.negate, jax_base.inverse],
)
extension = {
    name: jax.jit(getattr(jax_extension, name))
    for name in ("add", "subtract", "multiply", "multiply_base", "negate", "square", "inverse")
}
power_11 = jax.jit(lambda value: jax_base.power(value, 11))
power_5 = jax.jit(lambda value: jax_extension.power(value, 5))
to_montgomery, from_montgomery = jax.jit(jax_base.to_montgomery), jax.jit(jax_base.from_montgomery)
EDGES = [0, 1, 2, 3, P - 1, P - 2, (P - 1) // 2, 2**24, 2**30, 2**32 % P]
base_elements = st.sampled_from(EDGES) | st.integers(0, P - 1)
elements = st.builds(Extension, st.tuples(*[base_elements] * DEGREE))
# One length, so that each operation is compiled once
base_vectors = st.lists(base_elements, min_size=6, max_size=6)
vectors = st.lists(elements, min_size=6, max_size=6)


def to_array(values: list[int]) -> jnp.ndarray:
    return to_montgomery(jnp.asarray(np.array(values, np.uint32)))


def from_array(array: jnp.ndarray) -> list[int]:
    return np.asarray(from_montgomery(array)).tolist()


def to_extension_array(values: list[Extension]) -> jnp.ndarray:
    return to_montgomery(jnp.asarray(np.array([v.coefficients for v in values], np.uint32).T))


def from_extension_array(array: jnp.ndarray) -> list[Extension]:
    return [Extension(c) for c in jax_base.canonical(np.asarray(array)).T.tolist()]


@given(elements, elements, elements)
def test_the_extension_is_a_commutative_ring(a, b, c):
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - b == a + -b
    assert a + ZERO == a * ONE == a
    assert a - a == ZERO


@given(elements)
def test_every_element_but_zero_has_an_inverse(a):
    if a:
        assert a * a.inverse() == ONE
    else:
        assert a == ZERO


@given(elements, st.integers(0, 40), st.integers(0, 40))
def test_powers_add_their_exponents(a, m, n):
    assert a**m * a**n == a ** (m + n)


@given(elements)
def test_the_frobenius_map_has_order_four(a):
    image = a
    for _ in range(DEGREE):
        image = image**P
    assert image == a


@given(base_vectors)
def test_montgomery_form_there_and_back(a):
    assert from_array(to_array(a)) == a
    assert jax_base.canonical(np.asarray(to_array(a))).tolist() == a
    assert [int(jax_base.constant(value)) for value in a] == to_array(a).tolist()


@given(base_vectors, base_vectors)
def test_base_arrays_compute_what_integers_do(a, b):
    x, y = to_array(a), to_array(b)
    pairs = list(zip(a, b, strict=True))
    assert from_array(add(x, y)) == [(m + n) % P for m, n in pairs]
    assert from_array(subtract(x, y)) == [(m - n) % P for m, n in pairs]
    assert from_array(multiply(x, y)) == [m * n % P for m, n in pairs]
    assert from_array(negate(x)) == [-m % P for m in a]
    assert from_array(power_11(x)) == [pow(m, 11, P) for m in a]
    assert from_array(inverse_of(x)) == [inverse(m) if m else 0 for m in a]


@given(vectors, vectors, base_vectors)
def test_extension_arrays_compute_what_elements_do(a, b, scalars):
    x, y, s = to_extension_array(a), to_extension_array(b), to_array(scalars)
    pairs = list(zip(a, b, strict=True))
    assert from_extension_array(extension["add"](x, y)) == [m + n for m, n in pairs]
    assert from_extension_array(extension["subtract"](x, y)) == [m - n for m, n in pairs]
    assert from_extension_array(extension["multiply"](x, y)) == [m * n for m, n in pairs]
    assert from_extension_array(extension["negate"](x)) == [-m for m in a]
    assert from_extension_array(extension["square"](x)) == [m * m for m in a]
    assert from_extension_array(power_5(x)) == [m**5 for m in a]
    assert from_extension_array(extension["multiply_base"](x, s)) == [
        m * n for m, n in zip(a, scalars, strict=True)
    ]
    assert from_extension_array(extension["inverse"](x)) == [m.inverse() if m else ZERO for m in a]


@given(elements, vectors)
def test_one_element_goes_with_an_array(a, b):
    product = extension["multiply"](jax_extension.constant(a), to_extension_array(b))
    assert from_extension_array(product) == [a * n for n in b]


@given(elements)
def test_powers_of_an_element(a):
    expected = [a**k for k in range(11)]
    assert from_extension_array(jax_extension.powers(a, 11)) == expected
    assert from_extension_array(jax_extension.powers(jax_extension.constant(a), 11)) == expected
