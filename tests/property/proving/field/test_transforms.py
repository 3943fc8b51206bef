"""Transforms against naive evaluation of polynomials, with both back-ends."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proving.field import jax_base, jax_extension, ntt, ntt_plan, ntt_xla, openings
from proving.field.extension import ZERO, Extension
from proving.field.koalabear import GENERATOR, P, root_of_unity
from proving.field.ntt_plan import forward_plan, inverse_plan

seeds = st.integers(0, 2**32 - 1)
log_sizes = st.integers(0, 9)
log_blowups = st.integers(0, 3)
shifts = st.sampled_from([1, GENERATOR, P - 1, 12345])


def random_columns(seed: int, count: int, log_size: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.integers(0, P, (count, 1 << log_size)).astype(np.uint32)


def to_montgomery(canonical: np.ndarray) -> jnp.ndarray:
    return jnp.asarray(ntt_plan.to_montgomery(canonical.astype(np.uint64)))


def canonical(array: jnp.ndarray) -> list[list[int]]:
    return jax_base.canonical(np.asarray(array)).tolist()


def naive(coefficients: list[int], point: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * point + coefficient) % P
    return value


@settings(max_examples=25)
@given(seeds, log_sizes, log_blowups, shifts)
def test_evaluation_on_a_coset_is_evaluation_at_its_points(seed, log_count, log_blowup, shift):
    coefficients = random_columns(seed, 3, log_count)
    log_size = log_count + log_blowup
    values = canonical(ntt.evaluate_on_coset(to_montgomery(coefficients), log_size, shift))
    for index in {0, 1, seed, seed // 7, -1}:
        position = index % (1 << log_size)
        point = shift * pow(root_of_unity(log_size), position, P) % P
        assert [row[position] for row in values] == [
            naive(row, point) for row in coefficients.tolist()
        ]


@settings(max_examples=25)
@given(seeds, log_sizes, shifts)
def test_interpolation_inverts_evaluation(seed, log_size, shift):
    columns = to_montgomery(random_columns(seed, 2, log_size))
    on_subgroup = ntt.evaluate_on_coset(columns, log_size, shift=1)
    on_coset = ntt.evaluate_on_coset(columns, log_size, shift)
    assert (ntt.interpolate(on_subgroup) == columns).all()
    assert (ntt.interpolate_coset(on_coset, shift) == columns).all()


@settings(max_examples=25)
@given(seeds, log_sizes, log_blowups)
def test_an_extension_keeps_values_and_degree(seed, log_size, log_blowup):
    columns = to_montgomery(random_columns(seed, 5, log_size))
    extended = ntt.low_degree_extend(columns, log_blowup)
    coefficients = ntt.interpolate_coset(extended)
    size = 1 << log_size
    assert extended.shape == (5, size << log_blowup)
    assert not coefficients[:, size:].any()
    assert (ntt.evaluate_on_coset(coefficients[:, :size], log_size, shift=1) == columns).all()


@settings(max_examples=15)
@given(seeds, log_sizes, log_blowups, shifts)
def test_both_back_ends_agree(seed, log_size, log_blowup, shift):
    columns = to_montgomery(random_columns(seed, 3, log_size))
    forward = forward_plan(log_size, log_blowup, shift)
    assert (
        ntt_xla.transform(forward, columns, 1 << (log_size + log_blowup))
        == ntt.evaluate_on_coset(columns, log_size + log_blowup, shift)
    ).all()
    assert (
        ntt_xla.transform(inverse_plan(log_size), columns, 1 << log_size)
        == ntt.interpolate(columns)
    ).all()


def test_back_ends_agree_where_columns_fill_several_blocks(monkeypatch):
    monkeypatch.setattr(ntt_xla, "BLOCK_WORDS", 1024)
    columns = to_montgomery(random_columns(1, 11, 8))
    transformed = ntt_xla.transform(inverse_plan(8), columns, 256)
    assert (transformed == ntt.interpolate(columns)).all()


def test_a_large_extension_has_its_degree():
    log_size = 16
    extended = ntt.low_degree_extend(to_montgomery(random_columns(3, 9, log_size)), 1)
    coefficients = ntt.interpolate_coset(extended)
    assert coefficients[:, : 1 << log_size].any(axis=1).all()
    assert not coefficients[:, 1 << log_size :].any()


@settings(max_examples=30)
@given(seeds, log_sizes, shifts, st.tuples(*[st.integers(0, P - 1)] * 4).map(Extension))
def test_an_opening_is_the_polynomials_value(seed, log_size, shift, point):
    coefficients = random_columns(seed, 3, log_size)
    values = ntt.evaluate_on_coset(to_montgomery(coefficients), log_size, shift)
    opened = ntt.evaluate_at_points(values, point, shift)
    for column, row in enumerate(coefficients.tolist()):
        expected = ZERO
        for coefficient in reversed(row):
            expected = expected * point + coefficient
        assert jax_extension.to_extension(opened[:, column]) == expected


def test_openings_of_both_back_ends_agree(monkeypatch):
    columns = to_montgomery(random_columns(2, 7, 10))
    point = Extension((1, 2, 3, 4))
    on_host = ntt.evaluate_at_points(columns, point)
    monkeypatch.setattr(openings, "on_host", lambda: False)
    assert (ntt.evaluate_at_points(columns, point) == on_host).all()


@pytest.mark.parametrize("index", [0, 1, 7])
def test_a_point_of_the_domain_cannot_be_opened(index):
    columns = to_montgomery(random_columns(2, 1, 3))
    point = Extension.from_base(5 * pow(root_of_unity(3), index, P))
    with pytest.raises(ValueError, match="domain"):
        ntt.evaluate_at_points(columns, point, shift=5)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 0), (1, 2, 4)])
def test_heights_that_are_no_power_of_two_are_rejected(shape):
    with pytest.raises(ValueError, match="power of two"):
        ntt.interpolate(jnp.zeros(shape, jnp.uint32))


@pytest.mark.parametrize("log_size", [2, 25])
def test_a_domain_that_is_too_small_or_too_large_is_rejected(log_size):
    with pytest.raises(ValueError, match="log_size"):
        ntt.evaluate_on_coset(jnp.zeros((1, 8), jnp.uint32), log_size)
