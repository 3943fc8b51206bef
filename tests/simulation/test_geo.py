"""Latency between AWS regions comes out at the idealized figures."""

import pytest

from tests.simulation.geo import LATENCY_FOLDER, measure

pytestmark = [
    pytest.mark.vectors,
    pytest.mark.skipif(not LATENCY_FOLDER.is_dir(), reason="no shared/vectors/latency here"),
]


@pytest.mark.parametrize(("count", "rounds"), [(4, 20), (10, 4)])
def test_times_are_within_a_tenth_of_the_idealized_ones(count: int, rounds: int) -> None:
    result = measure(count, rounds)
    assert result.notarized_ms == pytest.approx(result.ideal_notarized_ms, rel=0.1)
    assert result.finalized_ms == pytest.approx(result.ideal_finalized_ms, rel=0.1)


@pytest.mark.simulation
def test_fifty_validators_are_within_a_tenth_too() -> None:
    result = measure(50, 1)
    assert result.notarized_ms == pytest.approx(result.ideal_notarized_ms, rel=0.1)
    assert result.finalized_ms == pytest.approx(result.ideal_finalized_ms, rel=0.1)
