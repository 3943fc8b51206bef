"""Whatever a prover changes, the verifier refuses. `python -m tests.soundness` prints the table."""

import numpy as np
import pytest

from proving.air.check import Table, imbalance, violations
from proving.chips.registry import CHIPS
from proving.traces.assembly import parameters
from tests.soundness.__main__ import PER_KIND, PROGRAMS
from tests.soundness.cells import cell_tallies, table_of
from tests.soundness.forged_run import ForgedRun
from tests.soundness.forged_runs import forged_runs
from tests.soundness.proofs import mutation_tallies, proof_tallies, statement_tallies
from tests.soundness.provers import (
    cell_proof_tallies,
    forged_run_tallies,
    is_forged_run_rejected,
)
from tests.soundness.worlds import SMALL, claim_of, run_of
from tests.support.cell_attacks import changes_at, rejected_changes
from tests.support.proof_mutations import Tally, is_rejected, table

TRUE_RUN, *FORGED_RUNS = forged_runs()


def assert_all_rejected(rows: list[Tally]) -> None:
    assert rows
    assert all(row.tried == row.rejected for row in rows), "\n" + table(rows)


def test_a_change_in_a_column_of_any_chip_is_rejected() -> None:
    assert_all_rejected(cell_tallies(most_columns=64))


@pytest.mark.parametrize("chip", ["memory_boundary", "byte_access", "divide", "add_sub"])
def test_changes_are_judged_as_the_checker_judges_the_whole_table(chip: str) -> None:
    """Both ways: some changes are harmless, and are not called rejected."""
    run = run_of("long_arithmetic")
    honest, numbers = table_of(chip, run), parameters(run.program)
    generator = np.random.default_rng(5)
    width, height = honest.main.shape
    columns, rows = generator.integers(0, width, 60), generator.integers(0, height, 60)
    changes = changes_at(honest, columns, rows, generator)
    said = imbalance([honest], numbers)
    expected = []
    for column, row, value in zip(columns, rows, changes.values, strict=True):
        main = honest.main.copy()
        main[column, row] = value
        table = Table(honest.air, main, honest.preprocessed)
        expected.append(bool(violations(table, numbers)) or imbalance([table], numbers) != said)
    assert 0 < sum(expected) < len(expected)
    assert rejected_changes(honest, changes, numbers).tolist() == expected


def test_the_attacked_programs_use_every_chip() -> None:
    used = {chip for name in PROGRAMS for chip in run_of(name).traces}
    assert used == {chip.name for chip in CHIPS}


@pytest.mark.soundness
def test_a_change_in_every_column_of_every_chip_is_rejected() -> None:
    assert_all_rejected(cell_tallies())


def test_the_true_run_is_not_rejected() -> None:
    assert TRUE_RUN.reasons() == set()


@pytest.mark.parametrize("forged", FORGED_RUNS, ids=lambda forged: forged.name)
def test_a_forged_run_breaks_a_rule(forged: ForgedRun) -> None:
    assert forged.reasons()


def test_every_mutation_of_a_short_run_s_proof_is_rejected() -> None:
    assert not is_rejected(claim_of(SMALL))
    assert_all_rejected(mutation_tallies(SMALL, per_kind=1))


@pytest.mark.soundness
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [SMALL, *PROGRAMS])
def test_every_mutation_of_a_proof_its_key_and_its_file_is_rejected(name: str) -> None:
    assert not is_rejected(claim_of(name))
    assert_all_rejected(proof_tallies(name, PER_KIND))


@pytest.mark.soundness
@pytest.mark.timeout(3600)
def test_no_proof_is_accepted_for_another_statement() -> None:
    assert_all_rejected(statement_tallies([SMALL, *PROGRAMS]))


@pytest.mark.soundness
@pytest.mark.timeout(3600)
def test_no_proof_of_a_forged_run_is_accepted() -> None:
    assert not is_forged_run_rejected(TRUE_RUN)
    assert_all_rejected(forged_run_tallies())


@pytest.mark.soundness
@pytest.mark.timeout(3600)
def test_no_proof_over_a_changed_cell_is_accepted() -> None:
    rows = cell_proof_tallies([SMALL, *PROGRAMS])
    assert_all_rejected(rows)
    assert {row.kind for row in rows} == {f"proof over a changed {chip.name}" for chip in CHIPS}
