"""A file with proofs of one program's runs, one after another.

What a file says about itself is a claim: `verification` checks it. Only the canonical encoding is
accepted, and every part is bounded before it is decoded.
"""

from __future__ import annotations

from typing import Annotated, Final

from ledger.bounds import AtMost, Exactly, Uint
from ledger.codec import decode, encode, wire
from ledger.errors import CodecError
from proving.chips.image_table import IMAGE_END_WORD
from proving.chips.registry import CHIPS
from proving.errors import MalformedProof, UnknownParameters, UnusableParameters
from proving.machine.layout import MAXIMUM_PUBLIC_VALUES
from proving.parameters import MAX_NAME_BYTES, Parameters, parameters_named
from proving.stark.keys import VerifyingKey
from proving.zkvm.machine import ENTRY_PC, ZKVM

MAX_FILE_BYTES: Final = 256 << 20
MAX_PROOF_BYTES: Final = 64 << 20
MAX_STATEMENT_BYTES: Final = 1 << 20
MAX_SEGMENTS: Final = 1024

Word = Annotated[int, Uint(32)]


@wire(120)
class KeyRecord:
    """What makes the verifying key of a program, given the machine."""

    parameter_set: Annotated[str, AtMost(MAX_NAME_BYTES)]
    entry_pc: Word
    image_end_word: Word
    program_log_height: Annotated[int, Uint(8)]
    image_log_height: Annotated[int, Uint(8)]
    preprocessed_root: Annotated[bytes, Exactly(32)]

    def verifying_key(self) -> VerifyingKey:
        """Return the key.

        Raises
        ------
        UnknownParameters
            No known parameter set has that name.
        UnusableParameters
            A number is out of bounds.
        """
        return self.verifying_key_under(parameters_named(self.parameter_set))

    def verifying_key_under(self, parameters: Parameters) -> VerifyingKey:
        """Return the key under a parameter set that the caller knows, whatever its name.

        Raises
        ------
        UnusableParameters
            A number is out of bounds.
        """
        heights = {
            chip.name: chip.fixed_log_height for chip in CHIPS if chip.fixed_log_height is not None
        }
        return VerifyingKey(
            machine=ZKVM,
            proof_parameters=parameters,
            parameters={ENTRY_PC: self.entry_pc, IMAGE_END_WORD: self.image_end_word},
            preprocessed_log_heights={
                **heights,
                "program_table": self.program_log_height,
                "image_table": self.image_log_height,
            },
            preprocessed_root=self.preprocessed_root,
        )


@wire(121)
class SegmentRecord:
    """One run. `statement` is empty, or what the public values are the digest of."""

    public_values: Annotated[tuple[Word, ...], AtMost(MAXIMUM_PUBLIC_VALUES)]
    statement: Annotated[bytes, AtMost(MAX_STATEMENT_BYTES)]
    proof: Annotated[bytes, AtMost(MAX_PROOF_BYTES)]


@wire(122)
class ProofFile:
    """Proofs of one program, in order."""

    key: KeyRecord
    segments: Annotated[tuple[SegmentRecord, ...], AtMost(MAX_SEGMENTS)]


def decode_proof_file(encoded: bytes) -> ProofFile:
    """Decode a proof file.

    Raises
    ------
    MalformedProof
        Too long, or no proof file.
    """
    try:
        return decode(encoded, ProofFile, limit_bytes=MAX_FILE_BYTES)
    except CodecError as error:
        raise MalformedProof("proof file", "a canonical proof file", str(error)) from error


def encode_proof_file(proof_file: ProofFile) -> bytes:
    """Encode a proof file."""
    return encode(proof_file)


def key_of(proof_file: ProofFile) -> VerifyingKey:
    """Return the verifying key that the file claims.

    Raises
    ------
    MalformedProof
        It is none.
    """
    try:
        return proof_file.key.verifying_key()
    except (UnknownParameters, UnusableParameters) as error:
        raise MalformedProof(
            "key of the proof file", "a key of this machine", str(error)
        ) from error
