"""The accounting: 96 bits for the largest shape, and the figures of independent calculators.

The figures of p3-security 0.8.0 (Plonky3) were obtained with a driver that calls
`proven_security_report` in the unique-decoding regime, for `largest_shape` of each set: 2^14
constraints of degree 3 in 2 chunks, 2 openings per column, 2^15 batched functions, 2^34 lookups of
128 fields, 16 bits of grinding at three places. It takes the field as a whole number of bits; 124
was given, so each of its algebraic rounds is 124 − log2 |F| = 0.045 bits above ours. Its fold
round charges (arity − 1) · (N + 1) on the unfolded domain for every layer; ours charges the folded
domain, as theorem 1.5 of 2020/654 and soundcalc do, so that ours is higher. Its queries use
ρ⁺ = (n + 2) / N in place of ρ.

The figures of soundcalc (ethereum/soundcalc, regime UDR) come from its formulas for batching by
powers, commit rounds and queries, evaluated apart from this package with |F| = p⁴.
"""

from dataclasses import replace
from math import log2

import pytest

from proving.errors import ShapeOutOfBounds
from proving.parameters import FAST, KNOWN_PARAMETERS, SETTLEMENT, Parameters
from proving.security import (
    FIELD_BITS,
    TARGET_BITS,
    ProofShape,
    SecurityReport,
    largest_shape,
    security_bits,
)

ROUNDING_OF_THE_FIELD_BITS = 124 - FIELD_BITS

P3_SECURITY = {
    "fast": {
        "constraint batching": 110.0,
        "DEEP point": 100.0,
        "FRI batching": 102.000044,
        "LogUp challenges": 98.977632,
    },
    "settlement": {
        "constraint batching": 110.0,
        "DEEP point": 101.0,
        "FRI batching": 101.000044,
        "LogUp challenges": 98.977632,
    },
}
P3_SECURITY_QUERIES = {"fast": 96.102193, "settlement": 96.517260}
P3_SECURITY_FOLDS_BY_8 = {"fast": 98.192645, "settlement": 97.192645}

SOUNDCALC = {
    "fast": [
        99.954738578,
        101.954782778,
        *(101.147383828, 104.147383828, 107.147383828, 110.147383828, 113.147383828),
        116.369776249,
        96.102237361,
    ],
    "settlement": [
        100.954738406,
        100.954782778,
        *(100.147383828, 103.147383828, 106.147383828, 109.147383828, 112.147383828),
        115.954738750,
        96.517274860,
    ],
}
"""DEEP, batching, every commit round and queries, for the largest height alone."""


def bits_of(report: SecurityReport, name: str) -> float:
    (line,) = [line for line in report.lines if line.round == name]
    return line.bits


def only_the_largest_height(parameters: Parameters) -> ProofShape:
    return replace(largest_shape(parameters), log_heights=(parameters.max_log_height,))


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_the_largest_shape_keeps_the_target(parameters: Parameters) -> None:
    assert security_bits(parameters, largest_shape(parameters)).bits >= TARGET_BITS


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_the_largest_height_alone_keeps_the_target(parameters: Parameters) -> None:
    assert security_bits(parameters, only_the_largest_height(parameters)).bits >= TARGET_BITS


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_the_smallest_shape_keeps_the_target(parameters: Parameters) -> None:
    smallest = ProofShape((parameters.min_log_height,), 1, 1, 1, 1)
    assert security_bits(parameters, smallest).bits >= TARGET_BITS


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_one_query_less_misses_the_target(parameters: Parameters) -> None:
    weaker = replace(parameters, query_count=parameters.query_count - 1)
    assert security_bits(weaker, largest_shape(parameters)).bits < TARGET_BITS


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_batching_needs_its_grinding_at_the_largest_shape(parameters: Parameters) -> None:
    weaker = replace(parameters, batching_grinding_bits=0)
    report = security_bits(weaker, largest_shape(parameters))
    assert bits_of(report, "FRI batching") < TARGET_BITS
    assert report.bits < TARGET_BITS


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_ten_thousand_columns_at_the_largest_height_keep_the_target(
    parameters: Parameters,
) -> None:
    shape = replace(only_the_largest_height(parameters), opened_functions=2 * 10_000)
    assert bits_of(security_bits(parameters, shape), "FRI batching") >= TARGET_BITS + 5


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_grinding_counts_at_its_own_round_and_nowhere_else(parameters: Parameters) -> None:
    shape = largest_shape(parameters)
    rounds = {
        "lookup_grinding_bits": "LogUp challenges",
        "batching_grinding_bits": "FRI batching",
        "query_grinding_bits": "FRI queries",
    }
    before = security_bits(parameters, shape)
    for field, name in rounds.items():
        more = replace(parameters, **{field: getattr(parameters, field) + 1})
        after = security_bits(more, shape)
        gains = {
            line.round: line.bits - old.bits
            for line, old in zip(after.lines, before.lines, strict=True)
            if line != old
        }
        assert gains == pytest.approx({name: 1.0})


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_the_weakest_round_decides(parameters: Parameters) -> None:
    report = security_bits(parameters, largest_shape(parameters))
    assert report.bits == min(line.bits for line in report.lines)
    assert report.weakest.round == "FRI queries"
    assert report.regime == "unique decoding"


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_every_layer_of_fri_has_its_line(parameters: Parameters) -> None:
    report = security_bits(parameters, largest_shape(parameters))
    heights = parameters.max_log_height - parameters.min_log_height
    assert sum(line.round.startswith("FRI fold") for line in report.lines) == heights


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT])
def test_the_algebraic_rounds_agree_with_p3_security(parameters: Parameters) -> None:
    report = security_bits(parameters, largest_shape(parameters))
    for name, theirs in P3_SECURITY[parameters.name].items():
        ours = bits_of(report, name) + ROUNDING_OF_THE_FIELD_BITS
        assert ours == pytest.approx(theirs, abs=1e-5), name


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT])
def test_the_queries_agree_with_p3_security(parameters: Parameters) -> None:
    report = security_bits(parameters, largest_shape(parameters))
    theirs = P3_SECURITY_QUERIES[parameters.name]
    assert bits_of(report, "FRI queries") == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT])
def test_the_folds_are_those_of_p3_security_on_the_folded_domain(parameters: Parameters) -> None:
    report = security_bits(parameters, only_the_largest_height(parameters))
    (first,) = [line for line in report.lines if line.round.startswith("FRI fold 1:")]
    theirs = P3_SECURITY_FOLDS_BY_8[parameters.name]
    ours_on_their_domain = first.bits + ROUNDING_OF_THE_FIELD_BITS - log2(8)
    assert ours_on_their_domain == pytest.approx(theirs, abs=1e-5)
    assert theirs - ROUNDING_OF_THE_FIELD_BITS >= TARGET_BITS


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT])
def test_every_round_agrees_with_soundcalc(parameters: Parameters) -> None:
    report = security_bits(parameters, only_the_largest_height(parameters))
    ours = [line.bits for line in report.lines if line.round.startswith(("DEEP", "FRI"))]
    assert ours == pytest.approx(SOUNDCALC[parameters.name], abs=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lookups", 0),
        ("lookups", (1 << 34) + 1),
        ("tuple_length", 129),
        ("constraints", (1 << 14) + 1),
        ("opened_functions", 0),
        ("opened_functions", (1 << 15) + 1),
    ],
)
def test_a_shape_beyond_the_accounting_is_refused(field: str, value: int) -> None:
    with pytest.raises(ShapeOutOfBounds):
        replace(largest_shape(FAST), **{field: value})  # type: ignore[arg-type]  # a count


@pytest.mark.parametrize("log_heights", [(), (4,), (23,)])
def test_heights_that_the_parameters_do_not_allow_are_refused(
    log_heights: tuple[int, ...],
) -> None:
    with pytest.raises(ShapeOutOfBounds):
        security_bits(FAST, replace(largest_shape(FAST), log_heights=log_heights))
