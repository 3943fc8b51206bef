"""Whatever a prover changes, the verifier refuses. `python -m tests.soundness` prints the table."""

import pytest

from tests.soundness.__main__ import PER_KIND, PROGRAMS
from tests.soundness.attacks import cell_tallies, claim_of, proof_tallies, prover_tallies
from tests.support.proof_mutations import Tally, is_rejected, table


def assert_all_rejected(rows: list[Tally]) -> None:
    assert rows
    assert all(row.tried == row.rejected for row in rows), "\n" + table(rows)


def test_a_change_in_any_column_of_any_chip_is_rejected() -> None:
    assert_all_rejected(cell_tallies())


@pytest.mark.soundness
@pytest.mark.timeout(3600)
def test_every_mutation_of_a_short_run_s_proof_is_rejected() -> None:
    assert not is_rejected(claim_of("halt at once"))
    assert_all_rejected(proof_tallies("halt at once", per_kind=1))


@pytest.mark.soundness
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_mutation_of_a_proof_is_rejected(name: str) -> None:
    assert not is_rejected(claim_of(name))
    assert_all_rejected(proof_tallies(name, PER_KIND))


@pytest.mark.soundness
@pytest.mark.timeout(3600)
def test_no_proof_over_changed_traces_or_of_another_program_is_accepted() -> None:
    assert_all_rejected(prover_tallies(PROGRAMS))
