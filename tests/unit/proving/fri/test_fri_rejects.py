"""Functions that are not of low degree are rejected, whatever an honest-looking prover does."""

from dataclasses import replace
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from fri_world import (
    SMALL,
    Function,
    Functions,
    from_coefficients,
    function,
    polynomial,
    polynomials,
    prove_functions,
    random_elements,
    random_function,
    verify_functions,
)
from jax import Array

from proving.errors import (
    FinalPolynomialMismatch,
    FoldMismatch,
    GrindingFailed,
    InvalidProof,
    MalformedProof,
    WrongLength,
)
from proving.field import jax_extension
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.field.ntt import interpolate
from proving.fri import prover
from proving.fri.prover import fold, prove
from proving.transcript import Transcript

IDLE_NONCE = 1


@cache
def good() -> Functions:
    return polynomials(SMALL, (8, 5))


def assert_rejected(functions: Functions) -> None:
    with pytest.raises(InvalidProof):
        verify_functions(SMALL, functions, prove_functions(SMALL, functions))


@pytest.mark.parametrize("log_height", [2, 5, 9])
def test_random_values_are_rejected(log_height: int) -> None:
    assert_rejected({log_height + 1: random_function(SMALL, log_height, seed=3)})


def test_a_function_wrong_in_a_third_of_its_points_is_rejected() -> None:
    values = np.array(polynomial(SMALL, 8, seed=3).values)
    values[0, ::3] ^= 1
    assert_rejected({9: function(jnp.asarray(values))})


@pytest.mark.parametrize("length", [257, 300, 512])
def test_a_polynomial_with_too_many_coefficients_is_rejected(length: int) -> None:
    assert_rejected({9: polynomial(SMALL, 8, seed=4, length=length)})


def test_a_polynomial_with_exactly_as_many_as_allowed_is_accepted() -> None:
    functions = {9: polynomial(SMALL, 8, seed=4, length=256)}
    verify_functions(SMALL, functions, prove_functions(SMALL, functions))


@pytest.mark.parametrize("log_height", [7, 5, 2])
@pytest.mark.parametrize("excess", [1, 4])
def test_a_rolled_in_polynomial_with_too_many_coefficients_is_rejected(
    log_height: int, excess: int
) -> None:
    length = (1 << log_height) + min(excess, 1 << log_height)
    functions = dict(polynomials(SMALL, (9, log_height)))
    functions[log_height + 1] = polynomial(SMALL, log_height, seed=5, length=length)
    assert_rejected(functions)


def test_random_values_rolled_in_are_rejected() -> None:
    assert_rejected({**polynomials(SMALL, (9, 6)), 7: random_function(SMALL, 6, seed=6)})


def test_a_rolled_in_polynomial_cannot_cancel_the_excess_of_a_larger_one() -> None:
    """GHSA-f69f-5fx9-w9r9: rolled in without fresh randomness, the sum would be low."""
    large, small = functions_that_cancel()
    folded = fold(large.values, Extension([5, 6, 7, 8]), log_arity=1)
    sum_without_randomness = jax_extension.add(folded, small.values)
    assert not np.asarray(interpolate(sum_without_randomness))[:, 128:].any()
    assert_rejected({9: large, 8: small})


def functions_that_cancel() -> tuple[Function, Function]:
    """The even part of the larger has too many coefficients, the smaller their negatives."""
    large = random_elements(512, seed=7)
    large[:, 257::2] = 0
    small = random_elements(256, seed=8)
    small[:, 128:] = P - large[:, 256::2]
    return from_coefficients(large), from_coefficients(small)


def test_a_final_polynomial_of_more_coefficients_is_refused() -> None:
    """Twice as many coefficients would describe the last layer of twice the degree honestly."""
    functions = {9: polynomial(SMALL, 8, seed=4, length=512)}
    longer = replace(SMALL, log_final_length=3, min_log_height=3)
    proof = prove_functions(longer, functions)
    with pytest.raises(WrongLength):
        verify_functions(SMALL, functions, proof)


def test_a_proof_for_other_functions_is_rejected() -> None:
    proof = prove_functions(SMALL, polynomials(SMALL, (8, 5), seed=1))
    with pytest.raises(FoldMismatch):
        verify_functions(SMALL, polynomials(SMALL, (8, 5), seed=2), proof)


def test_a_proof_for_other_rolled_in_functions_is_rejected() -> None:
    functions = polynomials(SMALL, (8, 5), seed=1)
    proof = prove_functions(SMALL, functions)
    others = {**functions, 6: polynomial(SMALL, 5, seed=99)}
    with pytest.raises(FoldMismatch):
        verify_functions(SMALL, others, proof)


def test_a_proof_without_layers_binds_the_function_by_its_final_polynomial() -> None:
    proof = prove_functions(SMALL, {3: polynomial(SMALL, 2, seed=1)})
    with pytest.raises(FinalPolynomialMismatch):
        verify_functions(SMALL, {3: polynomial(SMALL, 2, seed=2)}, proof)


def test_a_proof_for_other_heights_is_refused() -> None:
    proof = prove_functions(SMALL, polynomials(SMALL, (8, 5)))
    with pytest.raises(MalformedProof):
        verify_functions(SMALL, polynomials(SMALL, (9, 5)), proof)


def test_a_proof_for_another_transcript_is_rejected() -> None:
    functions = polynomials(SMALL, (8, 5))
    inputs = {log_size: given.values for log_size, given in functions.items()}
    proof, _ = prove(SMALL, Transcript("another protocol"), inputs)
    with pytest.raises(InvalidProof):
        verify_functions(SMALL, functions, proof)


def test_a_layer_folded_with_another_challenge_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest_fold = prover.fold
    monkeypatch.setattr(prover, "fold", lambda layer, beta, log: honest_fold(layer, beta + 1, log))
    with pytest.raises(FoldMismatch):
        verify_functions(SMALL, good(), prove_functions(SMALL, good()))


def test_a_layer_replaced_by_a_polynomial_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """From there on everything is honest, down to the final polynomial."""
    functions = {9: random_function(SMALL, 8, seed=3)}
    honest_fold = prover.fold

    def replacing_fold(layer: Array, beta: Extension, log_arity: int) -> Array:
        if layer.shape[1] == 1 << 9:
            return polynomial(SMALL, 8 - log_arity, seed=4).values
        return honest_fold(layer, beta, log_arity)

    monkeypatch.setattr(prover, "fold", replacing_fold)
    with pytest.raises(FoldMismatch):
        verify_functions(SMALL, functions, prove_functions(SMALL, functions))


def test_leaving_out_what_rolls_in_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prover, "_add_multiple", lambda layer, factor, other: layer)
    with pytest.raises(FoldMismatch):
        verify_functions(SMALL, good(), prove_functions(SMALL, good()))


def test_rolling_in_a_polynomial_of_the_prover_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The verifier knows the values of what rolls in; the prover has no say in them."""
    functions = {**good(), 6: random_function(SMALL, 5, seed=3)}
    honest_add = prover._add_multiple

    def add_another(layer: Array, factor: Array, other: Array) -> Array:
        combined: Array = honest_add(layer, factor, good()[6].values)
        return combined

    monkeypatch.setattr(prover, "_add_multiple", add_another)
    with pytest.raises(FoldMismatch):
        verify_functions(SMALL, functions, prove_functions(SMALL, functions))


def test_another_final_polynomial_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    zero = (Extension((0, 0, 0, 0)),) * SMALL.final_length
    monkeypatch.setattr(prover, "_final_polynomial", lambda layer, length: zero)
    with pytest.raises(FinalPolynomialMismatch):
        verify_functions(SMALL, good(), prove_functions(SMALL, good()))


def test_a_prover_without_proof_of_work_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_work(transcript: Transcript, label: str, bits: int) -> int:
        transcript.check_grinding(label, 0, IDLE_NONCE)
        return IDLE_NONCE

    monkeypatch.setattr(Transcript, "grind", no_work)
    with pytest.raises(GrindingFailed):
        verify_functions(SMALL, good(), prove_functions(SMALL, good()))
