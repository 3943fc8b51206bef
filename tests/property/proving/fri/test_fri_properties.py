"""FRI over generated heights, blowups, arities and damage."""

from dataclasses import replace

import pytest
from fri_world import SMALL, polynomial, polynomials, prove_functions, verify_functions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proving.errors import InvalidProof
from proving.fri.schedule import final_log_size, fold_schedule
from proving.parameters import FAST, Parameters

MAX_LOG_HEIGHT = 8
"""Small, so that few programs are compiled."""

log_heights = st.sets(st.integers(2, MAX_LOG_HEIGHT), min_size=1, max_size=4).map(
    lambda heights: tuple(sorted(heights, reverse=True))
)
parameter_sets = st.builds(
    lambda log_blowup, max_log_arity, log_final_length: replace(
        SMALL,
        log_blowup=log_blowup,
        max_log_arity=max_log_arity,
        log_final_length=log_final_length,
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2),
)


@given(parameters=parameter_sets, heights=log_heights, seed=st.integers(0, 1000))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_polynomials_are_accepted(
    parameters: Parameters, heights: tuple[int, ...], seed: int
) -> None:
    functions = polynomials(parameters, heights, seed)
    verify_functions(parameters, functions, prove_functions(parameters, functions))


@given(
    parameters=parameter_sets,
    heights=log_heights,
    which=st.integers(0, 3),
    excess=st.integers(1, 4),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_one_polynomial_of_too_high_degree_is_rejected(
    parameters: Parameters, heights: tuple[int, ...], which: int, excess: int
) -> None:
    functions = dict(polynomials(parameters, heights))
    height = heights[which % len(heights)]
    functions[height + parameters.log_blowup] = polynomial(
        parameters, height, seed=9, length=(1 << height) + min(excess, 1 << height)
    )
    proof = prove_functions(parameters, functions)
    with pytest.raises(InvalidProof):
        verify_functions(parameters, functions, proof)


@given(sizes=st.sets(st.integers(6, 23), min_size=1), max_log_arity=st.integers(1, 3))
@settings(max_examples=200)
def test_the_schedule_meets_every_size_and_ends_at_the_final_domain(
    sizes: set[int], max_log_arity: int
) -> None:
    parameters = replace(FAST, max_log_arity=max_log_arity)
    steps = fold_schedule(sorted(sizes), parameters)
    visited = [max(sizes), *(step.log_folded_size for step in steps)]
    assert sizes <= set(visited)
    assert visited[-1] == final_log_size(parameters)
    assert all(1 <= step.log_arity <= max_log_arity for step in steps)
    assert {step.log_folded_size for step in steps if step.rolls_in} == sizes - {max(sizes)}
