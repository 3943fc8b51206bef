"""Verification of proofs, in a process that has not made them: a Ray task."""

from __future__ import annotations

import ray

from actors.prover.pool.programs import verifying_key
from proving.errors import ProofRejected
from proving.parameters import Parameters
from proving.stark.verifier import verify
from proving.zkvm.proof_file import MAX_PROOF_BYTES, KeyRecord


def refusal_of(
    key: KeyRecord, parameters: Parameters, proof: bytes, public_values: tuple[int, ...]
) -> str:
    """Why a proof does not show that the program commits to these words; empty if it does."""
    if len(proof) > MAX_PROOF_BYTES:
        return f"proof: expected at most {MAX_PROOF_BYTES} bytes, got {len(proof)}"
    try:
        verify(verifying_key(key, parameters), proof, public_values)
    except ProofRejected as error:
        return str(error) or type(error).__name__
    return ""


check_proof = ray.remote(num_cpus=0, max_retries=0)(refusal_of)
