"""Parameter sets: known by name, bounded, and encoded without ambiguity."""

from dataclasses import fields, replace

import pytest

from proving.errors import UnknownParameters, UnusableParameters
from proving.parameters import FAST, KNOWN_PARAMETERS, SETTLEMENT, Parameters, parameters_named


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT])
def test_a_registered_set_is_found_by_its_name(parameters: Parameters) -> None:
    assert parameters_named(parameters.name) is parameters


def test_an_unregistered_name_is_refused() -> None:
    with pytest.raises(UnknownParameters, match="fast, settlement"):
        parameters_named("instant")


def test_the_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        KNOWN_PARAMETERS["weak"] = FAST  # type: ignore[index]  # what this test is about


def test_the_encodings_of_the_known_sets_differ() -> None:
    assert FAST.encode() != SETTLEMENT.encode()


@pytest.mark.parametrize("field", [f.name for f in fields(Parameters) if f.name != "name"])
def test_every_field_changes_the_encoding(field: str) -> None:
    step = -1 if field in ("max_log_arity", "log_final_length", "max_log_height") else 1
    roomy = replace(FAST, max_log_height=20)
    changed = replace(roomy, **{field: getattr(roomy, field) + step})
    assert changed.encode() != roomy.encode()


def test_the_name_changes_the_encoding() -> None:
    assert replace(FAST, name="fasx").encode() != FAST.encode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "n" * 33),
        ("log_blowup", 0),
        ("log_blowup", 3),
        ("query_count", 0),
        ("query_count", 1025),
        ("lookup_grinding_bits", -1),
        ("batching_grinding_bits", 33),
        ("query_grinding_bits", 33),
        ("log_final_length", 6),
        ("log_final_length", -1),
        ("max_log_arity", 0),
        ("max_log_arity", 4),
        ("min_log_height", 23),
        ("max_log_height", 24),
    ],
)
def test_a_field_outside_its_bounds_is_refused(field: str, value: int | str) -> None:
    with pytest.raises(UnusableParameters):
        replace(FAST, **{field: value})  # type: ignore[arg-type]  # one field of either type


def test_the_largest_extension_still_fits_in_the_field() -> None:
    assert SETTLEMENT.max_log_height + SETTLEMENT.log_blowup == 24
    with pytest.raises(UnusableParameters, match="max_log_height"):
        replace(SETTLEMENT, max_log_height=22)
