"""The benchmark's program takes exactly the cycles that are asked for, and does mixed work."""

import pytest

from proving.machine.benchmark_program import mixed_input, mixed_program
from proving.machine.errors import InvalidLimitsError
from proving.machine.executor import execute, run_only
from proving.machine.instructions import Chip
from proving.machine.layout import Ecall


@pytest.mark.parametrize("cycles", [5_000, 12_345, 12_346, 1 << 16, 1 << 18, (1 << 18) + 1])
def test_it_takes_exactly_the_cycles_asked_for(cycles):
    assert run_only(mixed_program(), mixed_input(cycles)).cycles == cycles


def test_fewer_cycles_than_it_takes_are_refused():
    with pytest.raises(InvalidLimitsError):
        mixed_input(100)


def test_every_chip_but_the_curves_has_work():
    execution = execute(mixed_program(), mixed_input(1 << 18))
    rows = {chip: len(records) for chip, records in execution.records.items()}

    assert rows.pop(Chip.SECP256K1) == 0
    assert rows.pop(Chip.HALT) == 1
    assert rows.pop(Chip.COMMIT) == 2
    assert all(count >= 16 for count in rows.values())
    assert sum(rows.values()) + 3 == 1 << 18


def test_a_run_without_records_counts_the_ecalls_that_one_with_records_keeps():
    program, input_bytes = mixed_program(), mixed_input(20_000)
    counts = run_only(program, input_bytes).ecall_counts
    records = execute(program, input_bytes).records
    assert counts[Ecall.KECCAK_F] == len(records[Chip.KECCAK])
    assert counts[Ecall.MULMOD] == len(records[Chip.MULMOD])
    assert counts[Ecall.HALT] == 1
