"""Honest runs are proved and verified: every program of the catalogue."""

import pytest

from proving.parameters import FAST, SETTLEMENT, Parameters
from proving.zkvm.program_key import make_program_key
from proving.zkvm.proof_file import (
    ProofFile,
    decode_proof_file,
    encode_proof_file,
)
from proving.zkvm.proving import ProvenRun, prove_run
from proving.zkvm.verification import security_of, verify_file
from tests.support.riscv_catalogue import CATALOGUE, CataloguedProgram

SAMPLE = ("halt at once", "no-operations", "public values in descending order")
"""Few chips, among them the commitment of public values."""
LEAST_SECURITY_BITS = 96


def assert_proved(catalogued: CataloguedProgram, parameters: Parameters = FAST) -> ProvenRun:
    """Through the file and back: what is verified are the values that Python expects."""
    key = make_program_key(catalogued.program, parameters)
    run = prove_run(key, catalogued.input_bytes)
    proof_file = decode_proof_file(encode_proof_file(ProofFile(key.record, (run.segment,))))
    assert verify_file(proof_file).digest == key.proving_key.verifying_key.digest
    (segment,) = proof_file.segments
    assert segment.public_values == catalogued.expected_public_values
    return run


@pytest.mark.parametrize("name", SAMPLE)
def test_a_small_program_is_proved(name: str) -> None:
    assert_proved(CATALOGUE[name])


@pytest.mark.soundness
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - set(SAMPLE)))
def test_every_program_of_the_catalogue_is_proved(name: str) -> None:
    assert_proved(CATALOGUE[name])


@pytest.mark.soundness
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["sha256", "points added and doubled"])
def test_a_program_is_proved_for_settlement(name: str) -> None:
    run = assert_proved(CATALOGUE[name], SETTLEMENT)
    key = make_program_key(CATALOGUE[name].program, SETTLEMENT).proving_key.verifying_key
    assert security_of(key, run.segment.proof).bits >= LEAST_SECURITY_BITS
