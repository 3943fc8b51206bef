"""Proof files of batches: what their proofs show, statement by statement and as a whole."""

from __future__ import annotations

from actors.prover.errors import StatementRejected
from actors.prover.stf import guest_key
from execution.errors import BatchError, StatementDecodeError
from execution.statement import Statement, combine, decode, public_values
from proving.parameters import KNOWN_PARAMETERS
from proving.zkvm.proof_file import ProofFile
from proving.zkvm.verification import OnSegment, verify_file


def is_batch(proof_file: ProofFile) -> bool:
    """Whether the file claims to prove the state transition function of this build."""
    return any(proof_file.key == guest_key(name) for name in KNOWN_PARAMETERS)


def verify_batch(proof_file: ProofFile, on_segment: OnSegment | None = None) -> Statement:
    """Check a batch's proofs, and that they are about a chain of statements; returns the whole.

    Raises
    ------
    ProofRejected
        A proof does not show its public values.
    StatementRejected
        The proofs are of another program, or their public values are of other statements than
        the file's, or the statements do not follow one another.
    """
    if not is_batch(proof_file):
        raise StatementRejected("the proofs are of another program than this build's guest")
    verify_file(proof_file, on_segment)
    statements = []
    for number, segment in enumerate(proof_file.segments):
        try:
            statement = decode(segment.statement)
        except StatementDecodeError as error:
            raise StatementRejected(f"segment {number}: {error}") from error
        if public_values(statement) != segment.public_values:
            raise StatementRejected(f"segment {number} proves another statement than the file's")
        statements.append(statement)
    try:
        return combine(statements)
    except BatchError as error:
        raise StatementRejected(str(error)) from error
