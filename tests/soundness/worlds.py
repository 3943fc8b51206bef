"""Honest runs of catalogued programs, their keys and their proofs, each made once in a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from proving.machine.executor import execute
from proving.machine.program import Program
from proving.parameters import FAST, Parameters
from proving.stark.codec import encode
from proving.stark.prover import prove
from proving.traces.assembly import assemble
from proving.traces.columns import Matrix
from proving.zkvm.program_key import ProgramKey, make_program_key
from proving.zkvm.proof_file import ProofFile, SegmentRecord
from tests.support.proof_mutations import Claim
from tests.support.riscv_catalogue import CATALOGUE

SMALL = "halt at once"
"""One cycle, one chip besides the tables: its proof costs the least."""


@dataclass(frozen=True)
class Run:
    """A run's honest traces."""

    program: Program
    traces: dict[str, Matrix]
    public_values: tuple[int, ...]


@cache
def run_of(name: str) -> Run:
    """Honest traces of a program of the catalogue."""
    catalogued = CATALOGUE[name]
    program = catalogued.program
    execution = execute(program, catalogued.input_bytes)
    return Run(program, assemble(execution), execution.public_values)


@cache
def runs_with(chip: str) -> tuple[Run, ...]:
    """Runs that use a chip, by the size of its table."""
    runs = [run for run in map(run_of, CATALOGUE) if chip in run.traces]
    return tuple(sorted(runs, key=lambda run: run.traces[chip].shape[1]))


@cache
def key_of(name: str, parameters: Parameters = FAST) -> ProgramKey:
    """Keys of a program of the catalogue."""
    return make_program_key(run_of(name).program, parameters)


@cache
def claim_of(name: str, parameters: Parameters = FAST) -> Claim:
    """An honest proof of a program of the catalogue."""
    run, key = run_of(name), key_of(name, parameters).proving_key
    proof, _ = prove(key, run.traces, run.public_values)
    return Claim(key.verifying_key, encode(proof), run.public_values)


@cache
def file_of(name: str, parameters: Parameters = FAST) -> ProofFile:
    """The same proof in a file."""
    claim = claim_of(name, parameters)
    segment = SegmentRecord(claim.public_values, b"", claim.encoded)
    return ProofFile(key_of(name, parameters).record, (segment,))
