import subprocess
import sys

import pytest

from proving.field.extension import NON_RESIDUE, ONE, ZERO, Extension, PowerTable
from proving.field.koalabear import P

X = Extension((0, 1, 0, 0))


def test_the_modulus_is_irreducible():
    # Rabin's test for degree 4: x^(p⁴) = x, and x^(p²) − x is prime to the modulus
    frobenius_2 = (X**P) ** P
    assert (frobenius_2**P) ** P == X
    difference = frobenius_2 - X
    assert difference * difference.inverse() == ONE


def test_the_fourth_power_of_x_is_the_non_residue():
    assert Extension.from_base(NON_RESIDUE) == X * X * X * X
    assert pow(NON_RESIDUE, (P - 1) // 2, P) == P - 1


def test_integers_stand_on_either_side():
    value = Extension((1, 2, 3, 4))
    assert value + 1 == 1 + value == Extension((2, 2, 3, 4))
    assert value - 1 == Extension((0, 2, 3, 4))
    assert 1 - value == Extension((0, -2, -3, -4))
    assert 2 * value == value * 2 == value + value
    assert Extension((7, 0, 0, 0)) == 7
    assert Extension((7, 1, 0, 0)) != 7


def test_equal_elements_have_equal_hashes():
    assert hash(Extension((P + 3, 0, 0, 0))) == hash(Extension((3, P, 0, 0))) == hash(3)
    assert len({Extension((1, 2, 3, 4)), Extension((1 + P, 2, 3, 4))}) == 1


def test_an_element_cannot_be_changed():
    with pytest.raises(AttributeError):
        X.coefficients = (1, 2, 3, 4)
    with pytest.raises(AttributeError):
        X.other = 1


@pytest.mark.parametrize("coefficients", [(), (1, 2, 3), (1, 2, 3, 4, 5)])
def test_an_element_has_four_coefficients(coefficients):
    with pytest.raises(ValueError, match="4 coefficients"):
        Extension(coefficients)


def test_zero_has_no_inverse():
    with pytest.raises(ZeroDivisionError):
        ZERO.inverse()


def test_a_negative_power_is_rejected():
    with pytest.raises(ValueError, match="exponent"):
        X**-1


def test_a_power_table_sums_as_defined():
    alpha = Extension((5, 6, P - 1, 8))
    table = PowerTable(alpha, 12)
    values = [P - 1, 0, 17, 2**30]
    expected = sum((alpha ** (3 + k) * value for k, value in enumerate(values)), ZERO)
    assert table.dot(values, 3) == expected
    assert table.dot([]) == ZERO
    assert table[11] == alpha**11


def test_the_lanes_of_a_power_table_never_run_over():
    largest = Extension((P - 1, P - 1, P - 1, P - 1))
    table = PowerTable(ONE, 2**18)
    table._packed = PowerTable(largest, 2)._packed[1:] * 2**18
    assert table.dot([P - 1] * 2**18) == largest * (-(2**18))


@pytest.mark.parametrize(("count", "offset"), [(5, 0), (4, 1), (1, 4), (1, -1)])
def test_powers_that_the_table_lacks_are_rejected(count, offset):
    with pytest.raises(ValueError, match="powers"):
        PowerTable(X, 4).dot([1] * count, offset)


@pytest.mark.parametrize("exponent", [-1, 4])
def test_a_power_outside_of_the_table_is_rejected(exponent):
    with pytest.raises(IndexError):
        PowerTable(X, 4)[exponent]


@pytest.mark.parametrize("count", [-1, 2**18 + 1])
def test_a_table_of_impossible_size_is_rejected(count):
    with pytest.raises(ValueError, match="count"):
        PowerTable(X, count)


def test_the_verifiers_modules_load_no_array_library():
    program = (
        "import sys, proving.field.extension, proving.commitment.verify;"
        "sys.exit(any(name in sys.modules for name in ('jax', 'numpy', 'numba')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
