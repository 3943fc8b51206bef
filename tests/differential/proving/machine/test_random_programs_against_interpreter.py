"""Random programs end in the same state on the machine and on the independent interpreter."""

import pytest

from proving.machine.execution import Execution
from tests.support.machine_comparison import run_on_both
from tests.support.random_programs import random_program


@pytest.mark.parametrize("seed", range(100))
def test_a_random_program_ends_in_the_same_state(seed):
    assert isinstance(run_on_both(random_program(seed)), Execution)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_ten_random_programs_end_in_the_same_state(seed):
    for offset in range(10):
        assert isinstance(run_on_both(random_program(10 * seed + offset)), Execution)
