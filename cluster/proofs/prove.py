"""`braid prove` and `braid witness`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.markup import escape

from actors.prover.batch import BatchBuilder
from actors.prover.errors import BatchProvingError
from actors.prover.history import ChainHistory
from actors.prover.stf import guest_key, load_guest
from cluster.errors import ClusterError
from cluster.network import load_network
from cluster.output import print_json, rounded, say, say_progress
from cluster.proofs.files import MAX_ELF_BYTES, read_input, write_result
from cluster.proofs.progress import peak_memory_bytes, phase_bar
from execution.block_data import BatchBlock
from execution.errors import ExecutionError
from execution.statement import encode as encode_statement
from execution.witness import MAX_WITNESS_BYTES, run_batch
from proving.errors import ProvingError
from proving.machine.elf import load_elf
from proving.machine.layout import DEFAULT_INPUT_BYTES
from proving.machine.program import Program
from proving.parameters import parameters_named
from proving.zkvm.proof_file import ProofFile, SegmentRecord, encode_proof_file
from storage.errors import StorageError


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a program to prove."""

    label: str
    input_bytes: bytes
    statement: bytes = b""


@dataclass(frozen=True, slots=True)
class Proven:
    """What proving several runs of one program gave."""

    file: ProofFile
    cycles: int
    setup_seconds: float
    seconds: dict[str, float]


def prove_blocks(
    directory: Path, node: int, first: int, last: int, parameter_set: str, out: Path, as_json: bool
) -> None:
    """Prove final blocks of the ZK chain of a node."""
    with _plain_errors():
        jobs = list(_jobs_of_blocks(directory, node, first, last))
        _prove_and_write(load_guest(), jobs, parameter_set, out, as_json)


def prove_witness(witness_file: Path, parameter_set: str, out: Path, as_json: bool) -> None:
    """Prove one witness, as `braid witness` writes it."""
    witness = read_input(witness_file, "the witness", MAX_WITNESS_BYTES)
    with _plain_errors():
        statement = encode_statement(run_batch(witness))
        job = Job(witness_file.name, witness, statement)
        _prove_and_write(load_guest(), [job], parameter_set, out, as_json)


def prove_elf(
    elf_file: Path, stdin_file: Path | None, parameter_set: str, out: Path, as_json: bool
) -> None:
    """Prove a run of any RV32IM program."""
    elf = read_input(elf_file, "the program", MAX_ELF_BYTES)
    stdin = read_input(stdin_file, "the input", DEFAULT_INPUT_BYTES) if stdin_file else b""
    with _plain_errors():
        job = Job(elf_file.name, stdin)
        _prove_and_write(load_elf(elf), [job], parameter_set, out, as_json)


def write_witness(directory: Path, node: int, first: int, last: int, out: Path) -> None:
    """Write what the guest needs to prove blocks as one segment."""
    with _plain_errors():
        builder, blocks = _open_batch(directory, node, first, last)
        write_result(out, builder.witness(blocks))
    say(f"wrote the witness of blocks {first} to {last} to {escape(str(out))}")


def prove_jobs(program: Program, jobs: Iterable[Job], parameter_set: str) -> Proven:
    """Prove several runs of one program, with a progress bar.

    Raises
    ------
    ProvingError
        A run fails, or is larger than the parameter set allows.
    ClusterError
        The program is the guest, but not the one that the committed keys are of.
    """
    # JAX takes a second to import and memory to hold: only who proves pays for it.
    from proving.zkvm.program_key import make_program_key
    from proving.zkvm.proving import prove_run

    segments: list[SegmentRecord] = []
    seconds: dict[str, float] = {}
    cycles = 0
    with phase_bar() as bar:
        bar.begin("key of the program")
        started = perf_counter()
        key = make_program_key(program, parameters_named(parameter_set))
        setup_seconds = perf_counter() - started
        if program is load_guest() and key.record != guest_key(parameter_set):
            raise ClusterError(
                "stf.keys.json is not of this stf.elf: run `python -m actors.prover.stf`"
            )
        for job in jobs:
            bar.begin(job.label)
            run = prove_run(key, job.input_bytes, job.statement, bar.phase)
            segments.append(run.segment)
            cycles += run.cycles
            for phase, spent in run.seconds.items():
                seconds[phase] = seconds.get(phase, 0.0) + spent
    return Proven(ProofFile(key.record, tuple(segments)), cycles, setup_seconds, seconds)


def _jobs_of_blocks(directory: Path, node: int, first: int, last: int) -> Iterator[Job]:
    builder, blocks = _open_batch(directory, node, first, last)
    for segment in builder.segments(blocks):
        statement = segment.statement
        label = f"blocks {statement.first_block} to {statement.last_block}"
        say_progress(
            f"{label}: {segment.cycles:,} cycles, {segment.transaction_count} transactions"
        )
        yield Job(label, segment.witness, encode_statement(statement))


def _open_batch(
    directory: Path, node: int, first: int, last: int
) -> tuple[BatchBuilder, list[BatchBlock]]:
    network = load_network(directory)
    if not 0 <= node < len(network.nodes):
        raise ClusterError(f"there are nodes 0 to {len(network.nodes) - 1}, no {node}")
    with ChainHistory(network.nodes[node], network.genesis) as history:
        blocks = history.batch_blocks(1, last)
        builder = BatchBuilder(history.spec, load_guest(), history.l1_chain_id)
    builder.skip(blocks[: first - 1])
    return builder, blocks[first - 1 :]


def _prove_and_write(
    program: Program, jobs: list[Job], parameter_set: str, out: Path, as_json: bool
) -> None:
    started = perf_counter()
    proven = prove_jobs(program, jobs, parameter_set)
    encoded = encode_proof_file(proven.file)
    write_result(out, encoded)
    figures: dict[str, Any] = {
        "proof": str(out),
        "segments": len(proven.file.segments),
        "cycles": proven.cycles,
        "seconds": rounded(perf_counter() - started),
        "seconds_by_phase": {
            "setup": rounded(proven.setup_seconds, 2),
            **{phase: rounded(spent, 2) for phase, spent in proven.seconds.items()},
        },
        "peak_memory_bytes": peak_memory_bytes(),
        "proof_bytes": len(encoded),
    }
    if as_json:
        print_json(figures)
        return
    say(
        f"[green]✓[/] {proven.cycles:,} cycles proved in {figures['seconds']} s, "
        f"{figures['peak_memory_bytes'] / (1 << 30):.1f} GiB at most"
    )
    for phase, spent in figures["seconds_by_phase"].items():
        say(f"    [dim]{phase:10} {spent:8.2f} s[/]")
    name = escape(str(out))
    say(f"wrote {len(encoded):,} bytes to {name}; check them with `braid verify {name}`")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors of the packages below become one line for the user."""
    try:
        yield
    except (BatchProvingError, ExecutionError, ProvingError, StorageError) as error:
        raise ClusterError(str(error)) from error
