"""A validator on the bench for each test of a rule."""

import pytest

from tests.simulation.bench import Bench


@pytest.fixture
def bench() -> Bench:
    """Validator 0 of four, started."""
    bench = Bench(index=0)
    bench.start()
    return bench
