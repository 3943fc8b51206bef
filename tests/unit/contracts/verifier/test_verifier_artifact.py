"""The committed artifact is of the committed sources, and can be deployed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from probe import probe_artifact

from contracts.l1.build_verifier import TARGETS
from contracts.verifier.artifact import source_digests, verifier_artifact
from contracts.verifier.calls import MOST_CALL_BYTES, MOST_TRANSACTION_BYTES, cut
from contracts.verifier.costs import measure
from contracts.verifier.rehearsal import MOST_TRANSACTION_GAS
from tests.support.toy_machine import TESTING_SETTLEMENT
from tests.support.toy_settlement import settled_claim

MOST_CODE_BYTES = 24_576
MOST_INIT_CODE_BYTES = 49_152


def test_artifacts_are_of_the_sources() -> None:
    verifier, probe = TARGETS
    assert verifier_artifact().source_sha256 == source_digests(verifier.sources())
    assert probe_artifact().source_sha256 == source_digests(probe.sources())


def test_codes_are_short_enough_to_be_deployed() -> None:
    artifact = verifier_artifact()
    assert len(artifact.runtime_bytecode) <= MOST_CODE_BYTES
    assert len(artifact.bytecode) <= MOST_INIT_CODE_BYTES - 8192


def test_the_interface_that_the_rollup_relies_on_is_there() -> None:
    functions = {entry["name"]: entry for entry in verifier_artifact().abi if "name" in entry}
    is_verified = functions["isVerified"]
    assert [own["type"] for own in is_verified["inputs"]] == ["bytes32"]
    assert [own["type"] for own in is_verified["outputs"]] == ["bool"]
    assert is_verified["stateMutability"] == "view"
    verified = functions["Verified"]
    assert [(own["type"], own["indexed"]) for own in verified["inputs"]] == [("bytes32", True)] * 2


def test_costs_are_those_of_transactions_within_the_limits() -> None:
    claim = settled_claim(TESTING_SETTLEMENT)
    costs = measure(claim.key, claim.encoded, claim.public_values)
    session = cut(claim.key, claim.encoded, claim.public_values)
    assert [step.step for step in costs.steps] == ["begin", "evaluate", "query"]
    assert sum(step.transactions for step in costs.steps) == len(session.calls)
    total = sum(step.call_data_bytes for step in costs.steps)
    assert total == sum(len(call.data) for call in session.calls)
    assert 21_000 * len(session.calls) < costs.gas < 3_000_000
    assert costs.largest_gas <= MOST_TRANSACTION_GAS
    assert costs.figures()["largest_bytes"] <= MOST_TRANSACTION_BYTES
    assert costs.deployment.largest_gas <= MOST_TRANSACTION_GAS


def test_a_raw_transaction_has_room_around_a_call() -> None:
    assert MOST_TRANSACTION_BYTES - MOST_CALL_BYTES >= 256


def test_there_are_events_for_each_stage_of_a_session() -> None:
    names = {entry["name"]: entry for entry in verifier_artifact().abi if entry["type"] == "event"}
    assert set(names) == {"Begun", "Progress", "Verified"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm for the compiler")
def test_the_artifacts_are_what_the_compiler_makes_of_the_sources() -> None:
    command = [sys.executable, "-m", "contracts.l1.build_verifier", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
