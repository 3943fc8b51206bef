"""The contract's arithmetic is the field's: random elements, edges, lanes as large as allowed."""

import random
from itertools import product

import pytest
from probe import EDGES, from_bytes, one_to_bytes, random_elements, shared_probe

from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import P

MONTGOMERY = pow(2, 48, P)
LARGEST_LANE = (1 << 34) - 1


def test_products_of_elements() -> None:
    chance = random.Random(1)
    left, right = random_elements(chance, 300), random_elements(chance, 300)
    edges = [Extension(edge) for edge in product((0, 1, P - 1), repeat=DEGREE)]
    left += edges
    right += reversed(edges)
    (products,) = shared_probe()(
        "multiply", list(map(one_to_bytes, left)), list(map(one_to_bytes, right))
    )
    assert [from_bytes(value) for value in products] == [
        a * b for a, b in zip(left, right, strict=True)
    ]


def test_inverses_and_zero_has_none() -> None:
    values = [*random_elements(random.Random(2), 200), *map(Extension.from_base, EDGES[1:])]
    values += [Extension([0, 0, 0, 1]), Extension([0, 1, 0, 0]), Extension([P - 1] * DEGREE)]
    zero = Extension.from_base(0)
    (inverses,) = shared_probe()("invert", list(map(one_to_bytes, [*values, zero])))
    *found, of_zero = map(from_bytes, inverses)
    assert found == [value.inverse() for value in values]
    assert of_zero == 0


@pytest.mark.parametrize("exponent", [0, 1, 2, 97, 1 << 20, (1 << 30) - 1])
def test_powers(exponent: int) -> None:
    (base,) = random_elements(random.Random(exponent), 1)
    (power,) = shared_probe()("power", one_to_bytes(base), exponent)
    assert from_bytes(power) == base**exponent


@pytest.mark.parametrize("right", [LARGEST_LANE, P, P - 1, 1, 0])
@pytest.mark.parametrize("left", [LARGEST_LANE, P, P - 1, 1, 0])
def test_products_do_not_overflow_where_all_lanes_are_largest(left: int, right: int) -> None:
    lanes = sum(1 << 64 * position for position in range(DEGREE))
    (result,) = shared_probe()("multiplyLanes", lanes * left, lanes * right)
    expected = Extension([left] * DEGREE) * Extension([right] * DEGREE) * pow(MONTGOMERY, -1, P)
    got = [result >> 64 * position & (2**64 - 1) for position in range(DEGREE)]
    assert tuple(got) == expected.coefficients
