"""Systematic attacks on the real machine, counted by kind.

cells       every column of every chip changed, by a prover that recomputes all else honestly
proofs      every kind of element of real proofs changed
provers     whole proofs made honestly from changed traces, or of another program
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from proving.air.check import Table, imbalance, violations
from proving.chips.registry import CHIP_BY_NAME, CHIPS
from proving.errors import ProofRejected
from proving.field.koalabear import P
from proving.machine.executor import execute
from proving.parameters import FAST
from proving.stark.codec import encode
from proving.stark.prover import prove
from proving.traces.assembly import assemble, parameters, preprocessed
from proving.traces.columns import Matrix
from proving.zkvm.program_key import ProgramKey, make_program_key
from tests.support.proof_mutations import Claim, Tally, is_rejected, tallies
from tests.support.riscv_catalogue import CATALOGUE, CataloguedProgram

MAX_COLUMNS_PER_CHIP = 64
"""Of wider chips as many columns are drawn."""
ROWS_PER_COLUMN = 24
"""Some cells are free in some rows (an inverse that nothing asks for), but no column in all."""


@dataclass(frozen=True)
class Run:
    """A catalogued program's honest traces."""

    program: CataloguedProgram
    traces: dict[str, Matrix]
    public_values: tuple[int, ...]


@cache
def run_of(name: str) -> Run:
    """Honest traces of a program of the catalogue."""
    program = CATALOGUE[name]
    execution = execute(program.program, program.input_bytes)
    return Run(program, assemble(execution), execution.public_values)


@cache
def runs_with(chip: str) -> tuple[Run, ...]:
    """Runs that use a chip, by the size of its table."""
    runs = (run_of(name) for name in CATALOGUE)
    return tuple(
        sorted(
            (run for run in runs if chip in run.traces), key=lambda run: run.traces[chip].shape[1]
        )
    )


# CELLS


def cell_tallies(seed: int = 1) -> list[Tally]:
    """For each chip: how many columns were changed, and in how many a change was rejected."""
    return [_cells_of(chip.name, random.Random(f"{seed} {chip.name}")) for chip in CHIPS]


def _cells_of(chip: str, chance: random.Random) -> Tally:
    width = CHIP_BY_NAME[chip].air.main_width
    columns = chance.sample(range(width), min(width, MAX_COLUMNS_PER_CHIP))
    rejected = set()
    for run in runs_with(chip):
        judge = _Judge(chip, run)
        for column in columns:
            if column not in rejected and judge.rejects_change_of(column, chance):
                rejected.add(column)
        if len(rejected) == len(columns):
            break
    return Tally(f"columns of {chip}", len(columns), len(rejected))


class _Judge:
    """Judges changed tables of one chip; all other tables stay honest, so this one has to say
    on the buses what it said before."""

    def __init__(self, chip: str, run: Run) -> None:
        self._fixed = preprocessed(run.program.program).get(chip)
        self._numbers = parameters(run.program.program)
        self._air = CHIP_BY_NAME[chip].air
        self.honest = run.traces[chip]
        self._said = self._says(self.honest)

    def rejects(self, main: Matrix) -> bool:
        """Whether a verifier rejects this table among honest ones."""
        changed = Table(self._air, main, self._fixed)
        return bool(violations(changed, self._numbers)) or self._says(main) != self._said

    def rejects_change_of(self, column: int, chance: random.Random) -> bool:
        """Whether some change of the column is rejected."""
        height = self.honest.shape[1]
        for row in (0, *(chance.randrange(height) for _ in range(ROWS_PER_COLUMN))):
            main = self.honest.copy()
            main[column, row] = (int(main[column, row]) + chance.randrange(1, P)) % P
            if self.rejects(main):
                return True
        return False

    def _says(self, main: Matrix) -> dict[tuple[str, tuple[int, ...]], int]:
        return imbalance([Table(self._air, main, self._fixed)], self._numbers)


# PROOFS


@cache
def key_of(name: str) -> ProgramKey:
    """Keys of a program of the catalogue."""
    return make_program_key(CATALOGUE[name].program, FAST)


@cache
def claim_of(name: str) -> Claim:
    """An honest proof of a program of the catalogue."""
    run = run_of(name)
    proof, _ = prove(key_of(name).proving_key, run.traces, run.public_values)
    return Claim(key_of(name).proving_key.verifying_key, encode(proof), run.public_values)


def proof_tallies(name: str, per_kind: int, seed: int = 1) -> list[Tally]:
    """Mutations of an honest proof, by kind."""
    return tallies(claim_of(name), per_kind, seed)


# PROVERS


def prover_tallies(names: list[str], seed: int = 1) -> list[Tally]:
    """Whole proofs over changed traces: of each chip one cell that the checker rejects."""
    counts: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for name in names:
        for chip, traces in _changed_traces(run_of(name), random.Random(f"{seed} {name}")):
            kind = f"proof over a changed {chip}"
            counts[kind] += 1
            rejected[kind] += _is_refused(key_of(name), traces, run_of(name).public_values)
    kind = "proof of another program"
    for name in names:
        claim = claim_of(name)
        for other in names:
            if other != name:
                counts[kind] += 1
                key = key_of(other).proving_key.verifying_key
                rejected[kind] += is_rejected(Claim(key, claim.encoded, claim.public_values))
    return [Tally(kind, counts[kind], rejected[kind]) for kind in counts]


def _changed_traces(run: Run, chance: random.Random) -> Iterator[tuple[str, dict[str, Matrix]]]:
    for chip, honest in run.traces.items():
        judge = _Judge(chip, run)
        for _ in range(50):
            main = honest.copy()
            main[chance.randrange(len(main)), chance.randrange(main.shape[1])] = chance.randrange(P)
            if judge.rejects(main):
                yield chip, {**run.traces, chip: main}
                break


def _is_refused(key: ProgramKey, traces: dict[str, Matrix], values: tuple[int, ...]) -> bool:
    try:
        proof, _ = prove(key.proving_key, traces, values)
    except ProofRejected:
        return True
    return is_rejected(Claim(key.proving_key.verifying_key, encode(proof), values))
