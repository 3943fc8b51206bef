"""The benchmark's program ends alike on both machines."""

from pathlib import Path

import proving.machine
from proving.machine.benchmark_program import mixed_input
from proving.machine.execution import Execution
from tests.support.machine_comparison import run_on_both

ARTIFACTS = Path(proving.machine.__file__).parent / "artifacts"


def test_ten_thousand_cycles_of_mixed_work():
    elf = (ARTIFACTS / "mixed.elf").read_bytes()

    assert isinstance(run_on_both(elf, mixed_input(10_000)), Execution)
