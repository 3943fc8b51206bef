"""From a proof file to what it proves: that a program ran to its end with these public values."""

from __future__ import annotations

from collections.abc import Callable

from proving.errors import MalformedProof
from proving.security import ProofShape, SecurityReport, security_bits
from proving.stark.codec import decode
from proving.stark.instance import Instance, Tree
from proving.stark.keys import VerifyingKey
from proving.stark.verifier import verify
from proving.zkvm.proof_file import ProofFile, key_of

OnSegment = Callable[[int, int], None]
"""Called with the number of segments that are verified, and with how many there are."""


def verify_file(proof_file: ProofFile, on_segment: OnSegment | None = None) -> VerifyingKey:
    """Check every proof of a file. Returns the key that they were checked against.

    The key is the file's own claim: compare its digest with that of the program you expect. The
    statements that the segments carry are not looked at.

    Raises
    ------
    ProofRejected
        The first segment whose proof does not show its public values.
    """
    if not proof_file.segments:
        raise MalformedProof("segments of the proof file", "at least one", 0)
    key = key_of(proof_file)
    for number, segment in enumerate(proof_file.segments):
        verify(key, segment.proof, segment.public_values)
        if on_segment:
            on_segment(number + 1, len(proof_file.segments))
    return key


def security_of(key: VerifyingKey, encoded: bytes) -> SecurityReport:
    """Account for the security of a proof of this shape, round by round.

    Raises
    ------
    MalformedProof
        Not a proof for this key.
    """
    instance, _ = decode(key, encoded)
    return security_bits(key.proof_parameters, shape_of(instance))


def shape_of(instance: Instance) -> ProofShape:
    """Return what the security accounting has to know about an instance."""
    interactions = [
        (table.height, interaction)
        for table in instance.tables
        for interaction in table.air.interactions
    ]
    constraints = [
        len(table.air.constraints) + len(table.layout.groups) for table in instance.tables
    ]
    opened = sum(
        matrix.width + len(matrix.next_columns)
        for tree in Tree
        for matrix in instance.matrices_of(tree)
    )
    return ProofShape(
        log_heights=tuple(table.log_height for table in instance.tables),
        lookups=sum(height for height, _ in interactions)
        + instance.key.machine.max_public_values
        + 1,
        tuple_length=max(len(interaction.values) for _, interaction in interactions),
        constraints=max(constraints),
        opened_functions=opened,
    )
