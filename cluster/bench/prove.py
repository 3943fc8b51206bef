"""`braid bench prove`: the zkVM on a fixed mixed program, and on blocks of a run of the demo."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from actors.prover.batch import BatchBuilder, Segment
from actors.prover.history import ChainHistory
from actors.prover.proofs import verify_batch
from actors.prover.stf import load_guest
from cluster.bench.figures import Limit, print_figures
from cluster.bench.plain_transfers import cycles_per_plain_transfer
from cluster.errors import DemoFailed
from cluster.network import load_network
from cluster.output import rounded, say_progress
from cluster.proofs.progress import peak_memory_bytes
from cluster.proofs.prove import Job, Proven, prove_jobs
from execution.statement import encode as encode_statement
from proving.machine.benchmark_program import mixed_input, mixed_program
from proving.zkvm.proof_file import ProofFile, decode_proof_file, encode_proof_file, key_of
from proving.zkvm.verification import security_of, verify_file

CYCLES: Final = 1 << 18
GIBIBYTE: Final = 1 << 30

LIMITS: Final = {
    "cycles_per_second": Limit(25_000, False),
    "peak_memory_bytes": Limit(12 * GIBIBYTE, True),
    "verify_seconds": Limit(2, True),
    "security_bits": Limit(96, False),
}
BATCH_LIMITS: Final = {
    "transactions": Limit(10, False),
    "seconds": Limit(300, True),
    "cycles_per_plain_transfer": Limit(300_000, True),
}


def run(parameter_set: str, as_json: bool) -> None:
    """Prove and verify the mixed program.

    It is proved twice: the first time loads, or compiles, the programs of the prover.
    """
    job = Job("mixed program", mixed_input(CYCLES))
    say_progress("loading and compiling the prover's programs")
    started = perf_counter()
    prove_jobs(mixed_program(), [job], parameter_set)
    first_seconds = perf_counter() - started
    proven = prove_jobs(mixed_program(), [job], parameter_set)
    figures = {
        "cycles": proven.cycles,
        **_figures(proven),
        "first_time_seconds": rounded(first_seconds),
    }
    verify_seconds, security_bits = _verified(proven.file)
    figures |= {"verify_seconds": verify_seconds, "security_bits": security_bits}
    print_figures("A mixed program in the zkVM", figures, LIMITS, as_json)


def run_batch(directory: Path | None, parameter_set: str, as_json: bool) -> None:
    """Prove and verify the ZK chain of a network's directory, or of a new run of the demo.

    Raises
    ------
    DemoFailed
        The demo failed, or the statements are not those of its chain.
    """
    with ExitStack() as stack:
        if directory is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-batch-"))
            directory = Path(folder) / "network"
            _play_demo(directory)
        segments, first, last_hash = _segments_of(directory)
    jobs = [
        Job(_label(segment), segment.witness, encode_statement(segment.statement))
        for segment in segments
    ]
    proven = prove_jobs(load_guest(), jobs, parameter_set)
    started = perf_counter()
    statement = verify_batch(decode_proof_file(encode_proof_file(proven.file)))
    verify_seconds = perf_counter() - started
    if (statement.first_block, statement.last_block_hash) != (first, last_hash):
        raise DemoFailed("the proofs are of other blocks than the demo's")
    figures = {
        "transactions": sum(segment.transaction_count for segment in segments),
        "system_transactions": sum(segment.system_transaction_count for segment in segments),
        "blocks": statement.last_block - first + 1,
        "segments": len(segments),
        "cycles": proven.cycles,
        **_figures(proven),
        "verify_seconds": rounded(verify_seconds, 2),
        "cycles_per_plain_transfer": cycles_per_plain_transfer(),
    }
    print_figures("Blocks of the demo in the zkVM", figures, BATCH_LIMITS, as_json)


def _figures(proven: Proven) -> dict[str, Any]:
    seconds = sum(proven.seconds.values())
    return {
        "setup_seconds": rounded(proven.setup_seconds, 2),
        "seconds": rounded(seconds, 2),
        "seconds_by_phase": {phase: rounded(spent, 2) for phase, spent in proven.seconds.items()},
        "cycles_per_second": round(proven.cycles / seconds),
        "peak_memory_bytes": peak_memory_bytes(),
        "proof_bytes": sum(len(segment.proof) for segment in proven.file.segments),
    }


def _verified(proof_file: ProofFile) -> tuple[float, float]:
    """Seconds that verification takes, and bits of security."""
    started = perf_counter()
    verify_file(proof_file)
    seconds = perf_counter() - started
    report = security_of(key_of(proof_file), proof_file.segments[0].proof)
    return round(seconds, 2), round(report.bits, 2)


def _play_demo(directory: Path) -> None:
    from cluster.demo import run_demo

    run_demo(validators=4, keep=directory, as_json=False)


def _segments_of(directory: Path) -> tuple[list[Segment], int, bytes]:
    """Segments of the whole ZK chain, its first block's number and its last block's hash."""
    network = load_network(directory)
    with ChainHistory(network.nodes[0], network.genesis) as history:
        blocks = history.batch_blocks(1, history.last_number)
        builder = BatchBuilder(history.spec, load_guest(), history.l1_chain_id)
        last_hash = history.block_hash(history.last_number)
    say_progress("building the witnesses")
    return list(builder.segments(blocks)), 1, last_hash


def _label(segment: Segment) -> str:
    return f"blocks {segment.statement.first_block} to {segment.statement.last_block}"
