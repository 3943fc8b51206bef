"""No changed proof is accepted: systematic mutation of every kind of element."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proving.parameters import FAST, SETTLEMENT, Parameters
from tests.support.proof_mutations import Claim, is_rejected, table, tallies
from tests.support.toy_machine import TESTING, TESTING_SETTLEMENT
from tests.support.toy_proofs import honest_world

KINDS = {
    "main root",
    "lookup root",
    "quotient root",
    "lookup nonce",
    "batching nonce",
    "query nonce",
    "claimed sum",
    "claimed sums, same total",
    "opened value of the preprocessed tree at z",
    "opened value of the main tree at z",
    "opened value of the main tree at g z",
    "opened value of the lookup tree at z",
    "opened value of the lookup tree at g z",
    "opened value of the quotient tree at z",
    "FRI layer root",
    "FRI final polynomial",
    "FRI query row",
    "FRI Merkle node",
    "query row of the preprocessed tree",
    "Merkle node of the preprocessed tree",
    "query row of the main tree",
    "Merkle node of the main tree",
    "query row of the lookup tree",
    "Merkle node of the lookup tree",
    "query row of the quotient tree",
    "Merkle node of the quotient tree",
    "order of queries",
    "magic",
    "log height",
    "truncation",
    "trailing bytes",
    "non-canonical element",
    "any byte",
    "public value",
    "number of public values",
    "parameter",
    "preprocessed root",
    "machine",
    "proof parameters",
}


def assert_all_rejected(claim: Claim, per_kind: int) -> None:
    assert not is_rejected(claim)
    rows = tallies(claim, per_kind)
    assert {row.kind for row in rows} == KINDS
    assert all(row.tried == row.rejected for row in rows), "\n" + table(rows)


@pytest.mark.parametrize("parameters", [TESTING, TESTING_SETTLEMENT], ids=lambda p: p.name)
def test_every_mutation_is_rejected(parameters: Parameters) -> None:
    assert_all_rejected(honest_world(parameters).claim, per_kind=4)


@pytest.mark.slow
def test_every_one_of_many_mutations_is_rejected() -> None:
    assert_all_rejected(honest_world().claim, per_kind=60)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT], ids=lambda p: p.name)
def test_every_mutation_is_rejected_with_real_parameters(parameters: Parameters) -> None:
    assert_all_rejected(honest_world(parameters, 6, 5, 5).claim, per_kind=6)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_byte_may_change(position: int, change: int) -> None:
    claim: Claim = honest_world().claim
    position %= len(claim.encoded)
    changed = bytearray(claim.encoded)
    changed[position] ^= change
    assert is_rejected(replace(claim, encoded=bytes(changed)))


@given(st.binary(max_size=400))
def test_no_random_bytes_are_a_proof(noise: bytes) -> None:
    claim = honest_world().claim
    assert is_rejected(replace(claim, encoded=noise))
    assert is_rejected(replace(claim, encoded=claim.encoded[:8] + noise))
