"""What Python rejects, the contract rejects; with `-m soundness` real proofs, with tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from contracts.verifier.calls import MOST_CALL_BYTES
from contracts.verifier.encoding import places
from contracts.verifier.rehearsal import RehearsalChain
from proving.parameters import FAST, SETTLEMENT, Parameters
from tests.soundness.proofs import _moved_parts, _other_keys
from tests.soundness.worlds import claim_of
from tests.support.onchain_judge import Judge, OnchainTally, Verdict, table
from tests.support.proof_mutations import Claim, Mutation, mutations
from tests.support.toy_machine import TESTING, TESTING_SETTLEMENT
from tests.support.toy_settlement import settled_claim

SAMPLE_PER_KIND = 2
SMALL_CALL_BYTES = 4000
MANY_QUERIES = replace(TESTING, name="many queries", query_count=150)
REAL = ["sha256", "keccak256 of three blocks", "modular_power"]
"""Programs of the catalogue with eight public values."""


def assert_all_rejected(rows: list[OnchainTally]) -> None:
    text = "\n" + table(rows)
    assert rows
    assert all(row.verdicts[Verdict.ACCEPTED] == 0 for row in rows), text
    # what the contract never sees, it has no occasion to reject
    assert all(row.rejected_by_python == row.tried for row in rows), text


@pytest.mark.parametrize("parameters", [TESTING, TESTING_SETTLEMENT], ids=lambda p: p.name)
def test_mutations_of_a_small_proof_are_rejected(parameters: Parameters) -> None:
    judge = Judge(RehearsalChain(), settled_claim(parameters), SMALL_CALL_BYTES)
    rows = judge.tallies(mutations(judge.honest, SAMPLE_PER_KIND))
    assert_all_rejected(rows)
    rejected = {row.kind for row in rows if row.verdicts[Verdict.REJECTED]}
    assert len(rejected) >= 25, sorted(rejected)


def test_absent_tables_make_no_difference() -> None:
    for log_user, log_mixer in ((None, None), (6, None), (None, 4)):
        claim = settled_claim(TESTING, log_user, log_mixer)
        judge = Judge(RehearsalChain(), claim, SMALL_CALL_BYTES)
        assert_all_rejected(judge.tallies(mutations(claim, per_kind=1)))


@pytest.mark.parametrize("most_bytes", [SMALL_CALL_BYTES, 9000, MOST_CALL_BYTES])
def test_queries_that_share_almost_everything_are_accepted(most_bytes: int) -> None:
    """More queries than the domain has points: many are asked twice, most share their layers."""
    judge = Judge(RehearsalChain(), settled_claim(MANY_QUERIES), most_bytes)
    found = [place.index for place in places(judge.raw, judge.honest.public_values)]
    assert len(set(found)) < len(found)


def test_what_such_queries_have_of_their_own_is_checked() -> None:
    judge = Judge(RehearsalChain(), settled_claim(MANY_QUERIES), SMALL_CALL_BYTES)
    kinds = ("query row", "Merkle node")
    rows = judge.tallies(
        own for own in mutations(judge.honest, 2) if any(kind in own.kind for kind in kinds)
    )
    assert_all_rejected(rows)
    assert sum(row.verdicts[Verdict.REJECTED] for row in rows) >= 3


@cache
def real_judge(name: str, parameters: Parameters) -> Judge:
    return Judge(RehearsalChain(), claim_of(name, parameters), MOST_CALL_BYTES)


@pytest.fixture(scope="module", autouse=True)
def _engines_are_closed() -> Iterator[None]:
    yield
    real_judge.cache_clear()


@pytest.mark.soundness
@pytest.mark.settlement
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT], ids=lambda p: p.name)
@pytest.mark.parametrize("name", REAL)
def test_mutations_of_a_real_proof_are_rejected(name: str, parameters: Parameters) -> None:
    judge = real_judge(name, parameters)
    rows = judge.tallies(_all_mutations(judge.honest))
    sys.stdout.write(f"\n{name}, {parameters.name}\n{table(rows)}\n")
    assert_all_rejected(rows)


def _all_mutations(claim: Claim) -> Iterator[Mutation]:
    """All of the Python suite, but those of its other keys that are this one."""
    yield from mutations(claim, SAMPLE_PER_KIND)
    yield from _moved_parts(claim)
    for other in _other_keys(claim):
        if other.claim.key.digest != claim.key.digest:
            yield other
