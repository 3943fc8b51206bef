"""A verifying key's digest changes with everything that a proof is to be bound to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proving.air.chip import AirBuilder, ChipDefinition, Domain, compile_chip
from proving.errors import ShapeOutOfBounds, UnusableParameters
from proving.stark.air_digest import air_digest
from proving.stark.keys import VerifyingKey
from proving.stark.machine import ChipRule, Machine, RowLimit
from proving.stark.setup import setup
from tests.support.toy_machine import (
    OUTPUT,
    PARAMETERS,
    SQUARE,
    TESTING,
    TESTING_SETTLEMENT,
    TOY_MACHINE,
    toy_key,
    verifier_terms,
)


def key(**changes: object) -> VerifyingKey:
    given = {
        "machine": TOY_MACHINE,
        "proof_parameters": TESTING,
        "parameters": PARAMETERS,
        "preprocessed_log_heights": {"squares": 6},
        "preprocessed_root": bytes(32),
    }
    return VerifyingKey(**(given | changes))  # type: ignore[arg-type]


def test_the_same_key_has_the_same_digest() -> None:
    assert key().digest == key().digest
    assert toy_key().verifying_key.digest == toy_key().verifying_key.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": replace(TOY_MACHINE, name="toy 2")},
        {"machine": replace(TOY_MACHINE, chips=TOY_MACHINE.chips[:3])},
        {"machine": replace(TOY_MACHINE, chips=TOY_MACHINE.chips[::-1])},
        {"proof_parameters": TESTING_SETTLEMENT},
        {"parameters": {"seed": 6}},
        {"parameters": {"seed": 5, "other": 0}},
        {"preprocessed_log_heights": {"squares": 7}},
        {"preprocessed_root": bytes(31) + b"\1"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_part_of_the_key_changes_the_digest(changes: dict[str, object]) -> None:
    assert key(**changes).digest != key().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": {}},
        {"parameters": {"seed": -1}},
        {"parameters": {"seed": 2**31}},
        {"preprocessed_log_heights": {}},
        {"preprocessed_log_heights": {"squares": 6, "user": 6}},
        {"preprocessed_log_heights": {"squares": 1}},
        {"preprocessed_log_heights": {"squares": 17}},
        {"preprocessed_root": None},
    ],
    ids=str,
)
def test_a_key_that_no_proof_could_satisfy_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UnusableParameters):
        key(**changes)


def test_setup_wants_the_preprocessed_columns_of_each_chip() -> None:
    with pytest.raises(ShapeOutOfBounds, match="squares"):
        setup(TOY_MACHINE, {}, PARAMETERS, TESTING)


# CHIPS


def constrained(constrain: Callable[[AirBuilder], None], **columns: int) -> bytes:
    return air_digest(compile_chip(ChipDefinition("chip", columns or {"a": 1, "b": 1}, constrain)))


def original(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - 1)
    air.send(OUTPUT, (a,), b)


def renamed(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("another name", a * b - 1)
    air.send(OUTPUT, (a,), b)


def other_constant(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - 2)
    air.send(OUTPUT, (a,), b)


def other_domain(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - 1, Domain.TRANSITION)
    air.send(OUTPUT, (a,), b)


def other_row(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * air.next.one("b") - 1)
    air.send(OUTPUT, (a,), b)


def received(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - 1)
    air.receive(OUTPUT, (a,), b)


def other_bus(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - 1)
    air.send(SQUARE, (a, a), b)


def without_constraint(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.send(OUTPUT, (a,), b)


def without_interaction(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - 1)


def a_parameter(air: AirBuilder) -> None:
    a, b = air.local.one("a"), air.local.one("b")
    air.assert_zero("first", a * b - air.parameter("one"))
    air.send(OUTPUT, (a,), b)


@pytest.mark.parametrize(
    "other",
    [
        other_constant,
        other_domain,
        other_row,
        received,
        other_bus,
        without_constraint,
        without_interaction,
        a_parameter,
    ],
)
def test_what_a_chip_demands_changes_its_digest(other: Callable[[AirBuilder], None]) -> None:
    assert constrained(other) != constrained(original)


def test_an_unused_column_changes_the_digest() -> None:
    assert constrained(original, a=1, b=1, c=1) != constrained(original)


def test_what_constraints_are_called_does_not_change_it() -> None:
    assert constrained(renamed) == constrained(original)


# MACHINES


def test_two_chips_of_one_name_are_no_machine() -> None:
    with pytest.raises(ValueError, match="share a name"):
        replace(TOY_MACHINE, chips=(*TOY_MACHINE.chips, TOY_MACHINE.chips[0]))


def test_a_preprocessed_chip_is_not_optional() -> None:
    squares = TOY_MACHINE.chips[1].air
    with pytest.raises(ValueError, match="cannot be optional"):
        replace(TOY_MACHINE, chips=(TOY_MACHINE.chips[0], ChipRule(squares, is_optional=True)))


def test_some_chip_always_takes_part_in_a_bus() -> None:
    mixer = TOY_MACHINE.chips[3].air
    with pytest.raises(ValueError, match="takes part in a bus"):
        Machine("no buses", (ChipRule(mixer),), verifier_terms)


def test_limits_are_for_known_chips() -> None:
    with pytest.raises(ValueError, match="does not have"):
        replace(TOY_MACHINE, row_limits=(RowLimit(frozenset({"other"}), 5),))
