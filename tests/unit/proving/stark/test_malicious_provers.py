"""A prover that lies about one thing and does all else right is refused for that thing."""

from __future__ import annotations

import numpy as np
import pytest

from proving.errors import (
    ConstraintMismatch,
    FinalPolynomialMismatch,
    FoldMismatch,
    OpeningMismatch,
    ProofRejected,
    UnbalancedBuses,
)
from proving.field.extension import ZERO, Extension
from proving.field.koalabear import P
from proving.stark.setup import ProvingKey, setup
from proving.stark.verifier import verify
from tests.support.malicious_prover import (
    proof_of,
    with_cell,
    with_claimed_sums,
    with_fitted_quotients,
    with_high_degree,
    with_other_program,
)
from tests.support.toy_machine import (
    LOG_SQUARES,
    PARAMETERS,
    TESTING,
    TOY_MACHINE,
    fibonacci_trace,
)
from tests.support.toy_proofs import World, honest_world

LIES_FOUND_BY_QUERIES = (FoldMismatch, FinalPolynomialMismatch)


def assert_rejected(
    world: World,
    encoded: bytes,
    *errors: type[ProofRejected],
    public_values: tuple[int, ...] | None = None,
) -> None:
    statement = world.public_values if public_values is None else public_values
    with pytest.raises(errors):
        verify(world.key.verifying_key, encoded, statement)


# CELLS


@pytest.mark.parametrize(
    ("chip", "column", "row"),
    [
        ("fibonacci", 0, 0),
        ("fibonacci", 1, 0),
        ("fibonacci", 0, 7),
        ("fibonacci", 1, 15),
        ("fibonacci", 2, 3),
        ("fibonacci", 2, 15),
        ("user", 0, 4),
        ("mixer", 2, 1),
        ("mixer", 12, 0),
        ("mixer", 13, 0),
        ("mixer", 13, 7),
        ("mixer", 0, 7),
    ],
)
def test_a_wrong_cell_breaks_a_constraint(chip: str, column: int, row: int) -> None:
    world = honest_world()
    wrong = with_cell(world.traces, chip, column, row, int(world.traces[chip][column, row]) + 2)
    encoded = proof_of(world.key, wrong, world.public_values)
    assert_rejected(world, encoded, ConstraintMismatch, UnbalancedBuses)


def test_a_cell_that_no_constraint_reads_may_hold_anything() -> None:
    """A root in a row without a lookup: the pair to the test above."""
    world = honest_world()
    row = int(world.traces["user"][0].argmin())
    other = with_cell(world.traces, "user", 1, row, 12345)
    encoded = proof_of(world.key, other, world.public_values)
    verify(world.key.verifying_key, encoded, world.public_values)


def test_a_lookup_of_a_wrong_square_finds_nothing() -> None:
    world = honest_world()
    row = int(world.traces["user"][0].argmax())
    square = int(world.traces["user"][4, row])
    wrong = with_cell(world.traces, "user", 4, row, square + 1)
    assert_rejected(world, proof_of(world.key, wrong, world.public_values), UnbalancedBuses)


@pytest.mark.parametrize("change", [1, -1, P // 2])
def test_a_wrong_multiplicity_leaves_the_bus_unbalanced(change: int) -> None:
    world = honest_world()
    multiplicity = int(world.traces["squares"][0, 3])
    wrong = with_cell(world.traces, "squares", 0, 3, multiplicity + change)
    assert_rejected(world, proof_of(world.key, wrong, world.public_values), UnbalancedBuses)


# STATEMENT


def test_a_wrong_public_value_leaves_the_bus_unbalanced() -> None:
    world = honest_world()
    lie = (world.public_values[0] + 1,)
    assert_rejected(
        world, proof_of(world.key, world.traces, lie), UnbalancedBuses, public_values=lie
    )


def test_a_true_sequence_does_not_prove_another_length() -> None:
    world = honest_world()
    longer = dict(world.traces, fibonacci=fibonacci_trace(5))
    assert_rejected(world, proof_of(world.key, longer, world.public_values), UnbalancedBuses)


def test_an_absent_user_of_the_table_leaves_the_bus_unbalanced() -> None:
    world = honest_world()
    absent = {name: trace for name, trace in world.traces.items() if name != "user"}
    assert_rejected(world, proof_of(world.key, absent, world.public_values), UnbalancedBuses)


def wrong_squares() -> ProvingKey:
    roots = np.arange(1 << LOG_SQUARES, dtype=np.uint32)
    squares = np.stack([roots, roots * roots])
    squares[1, 3] = 10
    return setup(TOY_MACHINE, {"squares": squares}, PARAMETERS, TESTING)


def test_another_preprocessed_table_is_not_the_keys() -> None:
    world = honest_world()
    encoded = with_other_program(world.key, wrong_squares(), world.traces, world.public_values)
    assert_rejected(world, encoded, OpeningMismatch)


# SUMS


def balanced(number: int, own_sum: Extension) -> Extension:
    """Hide a surplus of 7 in the first table."""
    return own_sum + 7 if number == 0 else own_sum - 7 if number == 1 else own_sum


@pytest.mark.parametrize("adapts_columns", [False, True])
def test_claimed_sums_are_those_of_the_tables(adapts_columns: bool) -> None:
    world = honest_world()
    encoded = with_claimed_sums(
        world.key, world.traces, world.public_values, balanced, adapts_columns=adapts_columns
    )
    assert_rejected(world, encoded, ConstraintMismatch)


def test_claiming_no_sum_at_all_is_rejected() -> None:
    world = honest_world()
    encoded = with_claimed_sums(world.key, world.traces, (), lambda *_: ZERO, adapts_columns=True)
    assert_rejected(world, encoded, ConstraintMismatch, public_values=())


# OPENED VALUES AND DEGREES


@pytest.mark.parametrize(
    ("chip", "column", "row"), [("fibonacci", 0, 7), ("mixer", 2, 1), ("mixer", 13, 7)]
)
def test_opened_values_made_to_satisfy_the_constraints_are_found_by_queries(
    chip: str, column: int, row: int
) -> None:
    world = honest_world()
    wrong = with_cell(world.traces, chip, column, row, int(world.traces[chip][column, row]) + 2)
    encoded = with_fitted_quotients(world.key, wrong, world.public_values)
    assert_rejected(world, encoded, *LIES_FOUND_BY_QUERIES)


def test_fitting_quotients_of_true_tables_changes_nothing() -> None:
    world = honest_world()
    assert with_fitted_quotients(world.key, world.traces, world.public_values) == world.encoded


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_columns_that_are_not_low_degree_are_found_by_queries(share: float) -> None:
    world = honest_world()
    encoded = with_high_degree(world.key, world.traces, world.public_values, share)
    assert_rejected(world, encoded, ConstraintMismatch, *LIES_FOUND_BY_QUERIES)
