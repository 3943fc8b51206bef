"""Polynomials of the claimed degrees are accepted."""

from dataclasses import replace

import pytest
from fri_world import HEIGHT_SETS, SMALL, polynomial, polynomials, prove_functions, verify_functions

from proving.fri.prover import prove
from proving.fri.schedule import fold_schedule
from proving.fri.verifier import begin
from proving.parameters import FAST, KNOWN_PARAMETERS, SETTLEMENT, Parameters
from proving.transcript import Transcript


@pytest.mark.parametrize("log_heights", HEIGHT_SETS)
def test_polynomials_of_these_heights_are_accepted(log_heights: tuple[int, ...]) -> None:
    functions = polynomials(SMALL, log_heights)
    verify_functions(SMALL, functions, prove_functions(SMALL, functions))


@pytest.mark.parametrize("log_blowup", [1, 2, 3])
@pytest.mark.parametrize("max_log_arity", [1, 2, 3])
def test_every_blowup_and_arity_is_accepted(log_blowup: int, max_log_arity: int) -> None:
    parameters = replace(SMALL, log_blowup=log_blowup, max_log_arity=max_log_arity)
    functions = polynomials(parameters, (9, 8, 4))
    verify_functions(parameters, functions, prove_functions(parameters, functions))


@pytest.mark.parametrize("log_final_length", [0, 1, 2])
def test_every_length_of_the_final_polynomial_is_accepted(log_final_length: int) -> None:
    parameters = replace(SMALL, log_final_length=log_final_length)
    functions = polynomials(parameters, (7, 5))
    verify_functions(parameters, functions, prove_functions(parameters, functions))


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
@pytest.mark.parametrize("log_heights", [(12, 11, 8), (5,)])
def test_the_registered_parameters_are_accepted(
    parameters: Parameters, log_heights: tuple[int, ...]
) -> None:
    functions = polynomials(parameters, log_heights)
    proof = prove_functions(parameters, functions)
    assert len(proof.queries) == parameters.query_count
    verify_functions(parameters, functions, proof)


def test_a_polynomial_of_lower_degree_is_accepted() -> None:
    functions = {9: polynomial(SMALL, 8, seed=1, length=3), 6: polynomial(SMALL, 5, seed=2)}
    verify_functions(SMALL, functions, prove_functions(SMALL, functions))


def test_prover_and_verifier_draw_the_same_indices() -> None:
    functions = polynomials(SMALL, (9, 5))
    inputs = {log_size: given.values for log_size, given in functions.items()}
    proof, indices = prove(SMALL, Transcript("fri test"), inputs)
    challenges = begin(SMALL, Transcript("fri test"), list(functions), proof)
    assert challenges.indices == indices
    assert all(0 <= index < 1 << 10 for index in indices)


def test_proofs_are_deterministic() -> None:
    functions = polynomials(SMALL, (7, 5))
    assert prove_functions(SMALL, functions) == prove_functions(SMALL, functions)


@pytest.mark.parametrize(("parameters", "layers"), [(FAST, 6), (SETTLEMENT, 6)])
def test_the_largest_height_alone_takes_six_layers(parameters: Parameters, layers: int) -> None:
    log_size = parameters.max_log_height + parameters.log_blowup
    assert len(fold_schedule([log_size], parameters)) == layers
