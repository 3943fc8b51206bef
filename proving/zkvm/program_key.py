"""The key of a program: what prover and verifier have to agree on before any proof."""

from __future__ import annotations

from dataclasses import dataclass

from proving.machine.program import Program
from proving.parameters import Parameters
from proving.stark.setup import ProvingKey, setup
from proving.traces.assembly import parameters as program_parameters
from proving.traces.assembly import preprocessed
from proving.zkvm.machine import ENTRY_PC, ZKVM
from proving.zkvm.proof_file import KeyRecord


@dataclass(frozen=True, slots=True)
class ProgramKey:
    """A program with the keys to prove its runs and to verify them."""

    program: Program
    proving_key: ProvingKey
    record: KeyRecord


def make_program_key(program: Program, parameters: Parameters) -> ProgramKey:
    """Commit to a program.

    Raises
    ------
    UnusableParameters
        The program is larger than the parameter set allows.
    """
    numbers = {ENTRY_PC: program.entry_pc, **program_parameters(program)}
    proving_key = setup(ZKVM, preprocessed(program), numbers, parameters)
    key = proving_key.verifying_key
    assert key.preprocessed_root is not None
    record = KeyRecord(
        parameter_set=parameters.name,
        entry_pc=program.entry_pc,
        image_end_word=program.image_end_word,
        program_log_height=key.preprocessed_log_heights["program_table"],
        image_log_height=key.preprocessed_log_heights["image_table"],
        preprocessed_root=key.preprocessed_root,
    )
    return ProgramKey(program, proving_key, record)
