"""Folding is Σ βʲ·Lⱼ, on arrays and on integers."""

import numpy as np
import pytest
from fri_world import SMALL, from_coefficients, polynomial, random_elements

from proving.field import jax_extension
from proving.field.extension import Extension
from proving.field.koalabear import P, root_of_unity
from proving.fri import prover, verifier

BETA = Extension([11, 22, 33, 44])


@pytest.mark.parametrize("log_arity", [1, 2, 3])
def test_an_array_folds_to_the_sum_of_its_parts(log_arity: int) -> None:
    coefficients = random_elements(64, seed=1)
    arity = 1 << log_arity
    folded = np.zeros((4, 64 // arity), np.uint32)
    for exponent in range(64 // arity):
        total = Extension.from_base(0)
        for part in range(arity):
            column = coefficients[:, exponent * arity + part]
            total += BETA**part * Extension([int(c) for c in column])
        folded[:, exponent] = total.coefficients
    layer = from_coefficients(coefficients).values
    result = prover.fold(layer, BETA, log_arity)
    assert np.array_equal(np.asarray(result), np.asarray(from_coefficients(folded).values))


@pytest.mark.parametrize("log_arity", [1, 2, 3])
def test_one_coset_folds_as_the_array_does(log_arity: int) -> None:
    function = polynomial(SMALL, 6, seed=2)
    arity, rows = 1 << log_arity, 128 >> log_arity
    layer = prover.fold(function.values, BETA, log_arity)
    for row in (0, 1, rows // 2, rows - 1):
        coset = [function.at(j * rows + row) for j in range(arity)]
        inverse_point = pow(root_of_unity(7), -row, P)
        expected = jax_extension.to_extension(layer[:, row])
        assert verifier.fold(coset, inverse_point, BETA) == expected


def test_a_polynomial_has_the_value_of_its_coefficients() -> None:
    coefficients = [Extension([k, 0, 1, 2]) for k in range(5)]
    point = 123456
    expected = sum((c * pow(point, k, P) for k, c in enumerate(coefficients)), Extension([0] * 4))
    assert verifier.evaluate(coefficients, point) == expected
