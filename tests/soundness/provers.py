"""Attacks by whole provers: honest commitments to something false."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proving.machine.program import Program
from proving.parameters import FAST
from proving.stark.codec import encode
from proving.stark.prover import prove
from proving.traces.columns import Matrix
from proving.zkvm.program_key import ProgramKey, make_program_key
from tests.soundness.cells import rejected_change
from tests.soundness.forged_run import ForgedRun
from tests.soundness.forged_runs import forged_runs
from tests.soundness.proofs import counted
from tests.soundness.worlds import key_of, run_of
from tests.support.malicious_prover import with_cell
from tests.support.proof_mutations import Claim, Tally, is_rejected


def cell_proof_tallies(names: list[str], cells_per_chip: int = 1, seed: int = 1) -> list[Tally]:
    """Proofs over one changed cell, of each chip that a program uses."""
    results = []
    for name in names:
        run, key = run_of(name), key_of(name)
        for chip in run.traces:
            generator = np.random.default_rng([seed, *name.encode(), *chip.encode()])
            for _ in range(cells_per_chip):
                change = rejected_change(chip, run, generator)
                if change is None:
                    continue
                column, row, value = (
                    int(part[0]) for part in (change.columns, change.rows, change.values)
                )
                traces = with_cell(run.traces, chip, column, row, value)
                was_rejected = is_proof_rejected(key, traces, run.public_values)
                results.append((f"proof over a changed {chip}", was_rejected))
    return counted(results)


def forged_run_tallies() -> list[Tally]:
    """Proofs of all forged runs."""
    return counted(
        (f"proof of {forged.name}", is_forged_run_rejected(forged)) for forged in forged_runs()[1:]
    )


def is_forged_run_rejected(forged: ForgedRun) -> bool:
    """Whether the verifier refuses a proof of the run."""
    key = _key_of(forged.program or forged.execution.program)
    return is_proof_rejected(key, forged.traces(), forged.public_values)


def is_proof_rejected(
    key: ProgramKey, traces: dict[str, Matrix], public_values: Sequence[int]
) -> bool:
    """Whether the verifier refuses a proof that the prover makes of these traces."""
    proof, _ = prove(key.proving_key, traces, public_values)
    claim = Claim(key.proving_key.verifying_key, encode(proof), tuple(public_values))
    return is_rejected(claim)


_keys: dict[bytes, ProgramKey] = {}


def _key_of(program: Program) -> ProgramKey:
    if program.digest not in _keys:
        _keys[program.digest] = make_program_key(program, FAST)
    return _keys[program.digest]
