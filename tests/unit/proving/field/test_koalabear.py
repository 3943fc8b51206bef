import pytest

from proving.field.koalabear import GENERATOR, TWO_ADICITY, P, inverse, root_of_unity


def test_the_generator_has_full_order():
    assert P - 1 == 2**TWO_ADICITY * 127
    assert pow(GENERATOR, P - 1, P) == 1
    assert pow(GENERATOR, (P - 1) // 2, P) != 1
    assert pow(GENERATOR, (P - 1) // 127, P) != 1


@pytest.mark.parametrize("log_size", range(1, TWO_ADICITY + 1))
def test_a_root_of_unity_is_primitive_and_squares_to_the_next(log_size):
    root = root_of_unity(log_size)
    assert pow(root, 2 ** (log_size - 1), P) == P - 1
    assert root * root % P == root_of_unity(log_size - 1)


@pytest.mark.parametrize("log_size", [-1, TWO_ADICITY + 1])
def test_no_root_of_unity_outside_of_the_two_adicity(log_size):
    with pytest.raises(ValueError, match="log_size"):
        root_of_unity(log_size)


@pytest.mark.parametrize("value", [1, 2, P - 1, P + 5, -7])
def test_an_inverse_multiplies_to_one(value):
    assert value * inverse(value) % P == 1


@pytest.mark.parametrize("value", [0, P, -P])
def test_zero_has_no_inverse(value):
    with pytest.raises(ZeroDivisionError):
        inverse(value)
