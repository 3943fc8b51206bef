"""The catalogue's programs commit what Python computes, and end alike on both machines."""

import pytest

from proving.machine.execution import Execution
from proving.machine.executor import run_only
from tests.support.machine_comparison import run_on_both
from tests.support.riscv_catalogue import CATALOGUE


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_program_commits_the_expected_values(name):
    entry = CATALOGUE[name]

    execution = run_on_both(entry.elf, entry.input_bytes)

    assert isinstance(execution, Execution)
    assert execution.public_values == entry.expected_public_values


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_run_without_records_counts_the_same_cycles(name):
    entry = CATALOGUE[name]

    count = run_only(entry.program, entry.input_bytes)

    assert count.public_values == entry.expected_public_values
    assert count.cycles_by_row.sum() == count.cycles


def test_the_catalogue_is_large_and_its_programs_short():
    cycles = {
        name: run_only(entry.program, entry.input_bytes).cycles for name, entry in CATALOGUE.items()
    }

    assert len(cycles) >= 40
    assert max(cycles.values()) < 20_000
