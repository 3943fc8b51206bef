"""Workers of the prover pool die and lie, with real proofs of a small program."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any, Final

import ray
from ray.actor import ActorHandle

from actors.prover.pool.actor import ProverPoolActor
from actors.prover.pool.checking import refusal_of
from actors.prover.pool.messages import SegmentInput, SegmentProof
from actors.prover.pool.options import PoolOptions, WorkerOptions, pool_name
from actors.prover.pool.programs import PoolProgram
from cluster.chaos.arena import Arena
from cluster.chaos.corrupt_prover import corrupt_prover
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.scenario import Finding, Scenario
from cluster.settling import create_actor
from proving.jobs import QueueConfig
from proving.machine.elf import load_elf
from proving.parameters import FAST

NODE: Final = 0
BATCH: Final = b"chaos"
JOBS: Final = 4
WORKERS: Final = 2
WARM_SECONDS: Final = 240.0
"""The first worker of a machine may compile for minutes."""
PROVE_SECONDS: Final = 240.0
SECONDS: Final = 60.0
CYCLES: Final = 14
PROGRAM: Final = bytes.fromhex(
    # An ELF header and one segment at 0x1000: lui s0, 0x40000; then for each of the first two
    # words of the input: lw t0, n(s0); mv a1, t0; li a0, index; li a7, 1; ecall (commit);
    # and li a0, 0; li a7, 0; ecall (halt). The first word is the length of the input.
    "7f454c460101010000000000000000000200f3000100000000100000340000000000000000000000340020000100"
    "0000000000000100000054000000001000000010000038000000380000000100000004000000"
    "37040040"
    "83220400938502001305000093081000730000008322440093850200130510009308100073000000"
    "130500009308000073000000"
)


def prover_death(arena: Arena) -> Finding:
    """Kill a worker in the middle of a proof; another one hands in a proof with a flipped byte."""
    directory = arena.node(NODE).config.directory
    marker = directory / "spoil-a-proof"
    marker.touch()
    program = _program(arena)
    options = PoolOptions(
        programs=(program,),
        minimum_workers=WORKERS,
        maximum_workers=WORKERS,
        tick_seconds=0.2,
        queue=QueueConfig(lease_ms=60_000, pause_ms=10, longest_pause_ms=100),
        worker=WorkerOptions(heartbeat_seconds=0.5, make_prover=corrupt_prover(marker)),
    )
    with _pool(arena, options) as pool:
        arena.wait_until(
            lambda: len(_workers(pool, "idle")) == WORKERS, "two warm workers", WARM_SECONDS
        )
        _ask(pool, "submit_batch", BATCH, [_segment(number) for number in range(1, JOBS + 1)])
        job = arena.wait_until(lambda: _in_the_middle(pool), "a job in the middle", PROVE_SECONDS)
        victim = job["lease"]["worker"]
        (process_id,) = [
            entry["process_id"] for entry in _workers(pool) if entry["worker"] == victim
        ]
        os.kill(process_id, signal.SIGKILL)
        began = arena.fault(f"kill -9 of a worker in phase {job['lease']['phase']!r}")
        arena.wait_until(
            lambda: _find(pool, job["job"])["attempts"][0]["outcome"] == "died",
            "the news of its death",
            SECONDS,
        )
        arena.wait_until(lambda: not marker.exists(), "a spoiled proof", PROVE_SECONDS)
        arena.fault("a worker hands in a proof with a flipped byte")
        proofs: list[SegmentProof] = arena.wait_until(
            lambda: _ask(pool, "proofs", BATCH), "all proofs", PROVE_SECONDS
        )
        proven = arena.heal("every job is proven")
        _check(program, proofs, _jobs(pool), job["job"])
    return Finding(recovery_seconds=proven - began)


def _check(
    program: PoolProgram, proofs: list[SegmentProof], jobs: list[dict[str, Any]], killed: str
) -> None:
    """What was published is right, a death costs no retry, and the false proof cost one."""
    if len(proofs) != JOBS:
        raise InvariantBroken(f"{len(proofs)} proofs of {JOBS} jobs")
    for number, entry in enumerate(proofs, start=1):
        wanted = _segment(number)
        reason = refusal_of(program.key, program.parameters, entry.proof, wanted.public_values)
        if reason:
            raise InvariantBroken(f"a published proof of job {number} is false: {reason}")
    # Who hands in a false proof is dismissed, and may have held another job by then: also a loss.
    losses = {job["job"]: job["losses"] for job in jobs if job["losses"]}
    failures = sum(job["failures"] for job in jobs)
    if losses.get(killed) != 1 or failures != 1:
        raise InvariantBroken(
            f"expected one loss of job {killed} and one refusal in all, got {losses} and {failures}"
        )


def _program(arena: Arena) -> PoolProgram:
    # JAX takes seconds to import: not when scenarios are listed.
    from proving.zkvm.program_key import make_program_key

    file = arena.node(NODE).config.directory / "small.elf"
    file.write_bytes(PROGRAM)
    return PoolProgram(file, FAST, make_program_key(load_elf(PROGRAM), FAST).record)


def _segment(number: int) -> SegmentInput:
    """One run, in the place of one block."""
    witness = number.to_bytes(4, "little") + b"more"
    statement = f"the input begins with {number}".encode()
    return SegmentInput(witness, statement, (len(witness), number), number, number, CYCLES)


# THE POOL


@contextlib.contextmanager
def _pool(arena: Arena, options: PoolOptions) -> Iterator[ActorHandle]:
    config = arena.node(NODE).config
    pool = create_actor(ProverPoolActor, pool_name(config), config, options)
    try:
        _ask(pool, "ready")
        yield pool
    finally:
        _ask(pool, "stop")
        ray.kill(pool, no_restart=True)


def _ask(pool: ActorHandle, method: str, *arguments: Any) -> Any:
    return ray.get(getattr(pool, method).remote(*arguments), timeout=SECONDS)


def _jobs(pool: ActorHandle) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask(pool, "status")["jobs"]
    return found


def _find(pool: ActorHandle, job: str) -> dict[str, Any]:
    return next(entry for entry in _jobs(pool) if entry["job"] == job)


def _workers(pool: ActorHandle, *states: str) -> list[dict[str, Any]]:
    found = _ask(pool, "status")["workers"]
    return [worker for worker in found if not states or worker["state"] in states]


def _in_the_middle(pool: ActorHandle) -> dict[str, Any] | None:
    leased = [job for job in _jobs(pool) if job["lease"] and job["lease"]["fraction"] > 0.15]
    return leased[0] if leased else None


SCENARIOS = (
    Scenario(
        "prover-death",
        "a worker that dies loses no job, and a false proof is not published",
        "one of two prover workers is killed in the middle of a proof, one hands in a false one",
        prover_death,
    ),
)
