"""Prover pools on real Ray: real proofs, real deaths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray
from conftest import LOGICAL_CPUS, LOGICAL_GPUS, connect
from ray_pools import RayPool, is_alive, wait_until
from recorded_prover import CLOSED, CORRUPT, no_prover, proof_path, recorded_by
from small_program import segment

from actors.prover.pool.checking import refusal_of
from actors.prover.pool.messages import BatchStage, SegmentProof
from actors.prover.pool.programs import PoolProgram
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.ray_instance import RayInstance
from cluster.run_record import save_run

BATCH = b"batch"
COUNT = 4

MakePool = Callable[..., RayPool]


@dataclass(frozen=True)
class Killed:
    """A batch of real proofs, during which a worker was killed in the middle of a job."""

    worker: str
    phase: str
    job: dict[str, Any]
    """The job that it held, in the end."""
    jobs: list[dict[str, Any]]
    proofs: list[SegmentProof]
    seconds: dict[str, float]


@pytest.fixture(scope="package")
def killed(ray_head: RayInstance, folder: Path, program: PoolProgram) -> Killed:
    """Two real workers; one is killed while it proves, and the batch is waited for."""
    pool = RayPool(90, folder, program)
    pool.configure(minimum_workers=2)
    pool.start()
    wait_until(lambda: len(pool.workers("idle")) == 2, "two warm workers")
    submitted = time.monotonic()
    pool.submit(BATCH, [segment(number) for number in range(1, COUNT + 1)])

    def in_the_middle() -> dict[str, Any] | None:
        leased = [job for job in pool.jobs() if job["lease"] and job["lease"]["fraction"] > 0.15]
        return leased[0] if leased else None

    job = wait_until(in_the_middle, "a job in the middle")
    worker = job["lease"]["worker"]
    (process_id,) = [entry["process_id"] for entry in pool.workers() if entry["worker"] == worker]
    os.kill(process_id, signal.SIGKILL)
    dead = time.monotonic()

    def now() -> dict[str, Any]:
        return next(entry for entry in pool.jobs() if entry["job"] == job["job"])

    wait_until(lambda: now()["attempts"][0]["outcome"] == "died", "the news of its death")
    noticed = time.monotonic()
    wait_until(lambda: len(now()["attempts"]) == 2, "another worker for the job")
    taken = time.monotonic()
    wait_until(lambda: now()["stage"] == "proven", "the job's proof")
    proven = time.monotonic()
    proofs = pool.wait_for_proofs(BATCH)
    seconds = {
        "submitted to killed": dead - submitted,
        "killed to noticed": noticed - dead,
        "killed to taken by another": taken - dead,
        "killed to proven": proven - dead,
        "whole batch": time.monotonic() - submitted,
    }
    found = Killed(worker, job["lease"]["phase"], now(), pool.jobs(), proofs, seconds)
    pool.stop()
    return found


@pytest.fixture(scope="package")
def recordings(killed: Killed, folder: Path) -> Path:
    """A folder with the real proofs."""
    recordings = folder / "recordings"
    recordings.mkdir()
    for number, entry in enumerate(killed.proofs, start=1):
        proof_path(recordings, segment(number).witness).write_bytes(entry.proof)
    return recordings


@pytest.fixture
def closed(recordings: Path) -> Iterator[Path]:
    """Workers that replay do not finish while this file exists."""
    gate = recordings / CLOSED
    gate.touch()
    yield gate
    gate.unlink(missing_ok=True)


@pytest.fixture
def pool(make_pool: MakePool, recordings: Path) -> RayPool:
    """A pool whose workers replay proofs; it is not started."""
    pool = make_pool()
    pool.configure(make_prover=recorded_by(recordings))
    return pool


# REAL PROOFS


def test_a_worker_killed_in_the_middle_of_a_job_loses_nothing(killed: Killed) -> None:
    lines = [f"{what:>28}: {seconds:6.2f} s" for what, seconds in killed.seconds.items()]
    lines += [f"{killed.worker} was killed in phase '{killed.phase}'"]
    sys.stdout.write("\n".join(["", *lines, ""]))
    assert [job["stage"] for job in killed.jobs] == ["proven"] * COUNT
    first, second = killed.job["attempts"]
    assert (first["worker"], first["outcome"]) == (killed.worker, "died")
    assert second["outcome"] == "handed_in"
    assert second["worker"] != killed.worker
    assert (killed.job["failures"], killed.job["losses"]) == (0, 1)


def test_every_other_job_was_proved_once(killed: Killed) -> None:
    others = [job for job in killed.jobs if job["job"] != killed.job["job"]]
    assert all(len(job["attempts"]) == 1 for job in others)
    tokens = [entry["token"] for job in killed.jobs for entry in job["attempts"]]
    assert len(set(tokens)) == len(tokens) == COUNT + 1


def test_what_is_published_are_proofs_of_what_was_submitted(
    killed: Killed, program: PoolProgram
) -> None:
    assert len(killed.proofs) == COUNT
    for number, entry in enumerate(killed.proofs, start=1):
        wanted = segment(number)
        assert (entry.statement, entry.public_values) == (wanted.statement, wanted.public_values)
        arguments = (program.key, program.parameters, entry.proof)
        assert refusal_of(*arguments, wanted.public_values) == ""
        assert refusal_of(*arguments, segment(9).public_values) != ""


# DEATHS


def test_a_corrupt_proof_is_not_published(pool: RayPool, recordings: Path) -> None:
    pool.configure(maximum_workers=1)
    (recordings / CORRUPT).touch()
    pool.start()
    pool.submit(BATCH, [segment(1)])
    (proof,) = pool.wait_for_proofs(BATCH)
    assert proof.proof == proof_path(recordings, segment(1).witness).read_bytes()
    (job,) = pool.jobs()
    liar, honest = job["attempts"]
    assert liar["worker"] != honest["worker"]
    assert job["failures"] == 1


def test_a_killed_pool_comes_back_with_its_queue_and_its_workers_go_on(
    pool: RayPool, closed: Path
) -> None:
    pool.start()
    pool.submit(BATCH, [segment(1), segment(2), segment(3)])
    before = pool.wait_for_leases(2)
    pool.kill_pool()
    after = pool.jobs()
    assert len(after) == 3
    held = [(job["job"], job["lease"]["worker"], job["lease"]["token"]) for job in before]
    assert [
        (job["job"], job["lease"]["worker"], job["lease"]["token"])
        for job in after
        if job["lease"] is not None
    ] == held
    closed.unlink()
    assert len(pool.wait_for_proofs(BATCH)) == 3
    assert all(len(job["attempts"]) == 1 for job in pool.jobs())
    assert {worker["worker"] for worker in pool.workers()} == {worker for _, worker, _ in held}


@pytest.mark.slow
def test_a_worker_that_dies_while_there_is_no_pool_is_noticed_by_its_next_life(
    pool: RayPool, closed: Path
) -> None:
    pool.configure(maximum_workers=1)
    pool.start()
    pool.submit(BATCH, [segment(1)])
    pool.wait_for_leases(1)
    wait_until(lambda: pool.workers("proving"), "the worker's number")
    (worker,) = pool.workers()
    pool_process = pool.status()["process_id"]
    os.kill(pool_process, signal.SIGKILL)
    os.kill(worker["process_id"], signal.SIGKILL)
    closed.unlink()
    pool.wait_for_proofs(BATCH)
    (job,) = pool.jobs()
    assert [entry["outcome"] for entry in job["attempts"]] == ["died", "handed_in"]


def test_the_pool_goes_on_without_the_driver_that_started_it(
    pool: RayPool, closed: Path, ray_head: RayInstance
) -> None:
    """It is even killed, and started again by Ray, and hires its first worker after that."""
    pool.configure(maximum_workers=2)
    pool.start()
    ray.shutdown()
    connect(ray_head)
    pool.kill_pool()
    pool.submit(BATCH, [segment(1)])
    pool.wait_for_leases(1)
    ray.shutdown()
    closed.unlink()
    connect(ray_head)
    pool.submit(b"another", [segment(2)])
    assert len(pool.wait_for_proofs(BATCH)) == 1
    assert len(pool.wait_for_proofs(b"another")) == 1


# NEED


def test_workers_come_with_jobs_as_far_as_there_are_processors_and_go_with_them(
    pool: RayPool, closed: Path
) -> None:
    pool.configure(maximum_workers=LOGICAL_CPUS + 1, idle_seconds=0.5)
    pool.start()
    assert pool.workers() == []
    pool.submit(BATCH, [segment(number) for number in range(1, COUNT + 1)])
    pool.wait_for_leases(LOGICAL_CPUS)
    assert len(pool.workers("starting")) == 1, "Ray, or its autoscaler, sees what is wanted"
    processes = [worker["process_id"] for worker in pool.workers("proving")]
    closed.unlink()
    assert len(pool.wait_for_proofs(BATCH)) == COUNT
    wait_until(lambda: not pool.workers(), "the end of all workers")
    wait_until(lambda: not any(map(is_alive, processes)), "the end of their processes")


@pytest.mark.deploy
@pytest.mark.slow
def test_workers_that_ask_for_gpus_come_as_far_as_there_are_gpus_and_go_with_the_jobs(
    pool: RayPool, closed: Path
) -> None:
    pool.configure(maximum_workers=LOGICAL_GPUS + 1, idle_seconds=0.5, cpus=0.5, gpus=1.0)
    pool.start()
    pool.submit(BATCH, [segment(number) for number in range(1, COUNT + 1)])
    pool.wait_for_leases(LOGICAL_GPUS)
    assert len(pool.workers("starting")) == 1
    assert ray.available_resources().get("GPU", 0.0) == 0.0
    closed.unlink()
    assert len(pool.wait_for_proofs(BATCH)) == COUNT
    wait_until(lambda: not pool.workers(), "the end of all workers")
    wait_until(
        lambda: ray.available_resources().get("GPU") == LOGICAL_GPUS, "all GPUs without work"
    )


@pytest.mark.slow
def test_a_worker_is_replaced_after_its_share_of_jobs(pool: RayPool) -> None:
    pool.configure(maximum_workers=1, jobs_before_recycling=1)
    pool.start()
    pool.submit(BATCH, [segment(1), segment(2)])
    pool.wait_for_proofs(BATCH)
    assert len({job["attempts"][0]["worker"] for job in pool.jobs()}) == 2


# ENDING


def test_draining_ends_what_runs_and_leaves_the_rest_for_the_next_start(
    pool: RayPool, closed: Path
) -> None:
    pool.configure(maximum_workers=1)
    pool.start()
    pool.submit(BATCH, [segment(1), segment(2)])
    pool.wait_for_leases(1)
    wait_until(lambda: pool.workers("proving"), "the worker's number")
    processes = [pool.status()["process_id"], pool.workers()[0]["process_id"]]
    handle = ray.get_actor(f"node-{pool.config.index}/prover-pool", namespace="braid")
    draining = handle.drain.remote()
    closed.unlink()
    ray.get(draining, timeout=30)
    assert [job["stage"] for job in pool.jobs()] == ["proven", "waiting"]
    assert pool.submit(b"another", [segment(3)]).refusal == "draining"
    pool.stop()
    wait_until(lambda: not any(map(is_alive, processes)), "the end of all processes")
    pool.start()
    assert pool.call("batch_status", BATCH).stage is BatchStage.PROVING
    assert len(pool.wait_for_proofs(BATCH)) == 2
    pool.call("forget_batch", BATCH)
    assert pool.jobs() == []
    left = [path for path in pool.config.prover_directory.glob("[wp]*/*") if path.is_file()]
    assert left == []


# COMMAND


def test_the_command_shows_jobs_leases_and_workers_and_says_when_there_is_no_pool(
    make_pool: MakePool, closed: Path, ray_head: RayInstance, folder: Path, recordings: Path
) -> None:
    pool = make_pool(index=1)
    pool.configure(make_prover=recorded_by(recordings))
    network = create_dev_network(folder / "network", 2, PortPlan(None, None))
    network.token_file.write_bytes(ray_head.token_file.read_bytes())
    save_run(network, ray_head)
    pool.start()
    pool.submit(BATCH, [segment(number) for number in (1, 2, 3)])
    pool.wait_for_leases(2)
    shown = prover_status(network.directory, "--json")
    (found,) = json.loads(shown.stdout)["pools"]
    assert found["node"] == pool.config.index
    assert [job["stage"] for job in found["jobs"]] == ["leased", "leased", "waiting"]
    for job in found["jobs"][:2]:
        assert job["lease"]["left_seconds"] > 0
        assert job["lease"]["worker"] in {worker["worker"] for worker in found["workers"]}
    assert {"proofs_per_hour", "seconds_per_proof"} < set(found["throughput"])
    closed.unlink()
    pool.wait_for_proofs(BATCH)
    pool.stop()
    shown = prover_status(network.directory)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "runs a prover pool, so nothing is proved there" in " ".join(shown.stderr.split())


def test_the_command_says_why_no_worker_gets_to_work(
    make_pool: MakePool, ray_head: RayInstance, folder: Path
) -> None:
    pool = make_pool(index=2)
    pool.configure(make_prover=no_prover)
    network = create_dev_network(folder / "no-prover", 3, PortPlan(None, None))
    network.token_file.write_bytes(ray_head.token_file.read_bytes())
    save_run(network, ray_head)
    pool.start()
    pool.submit(BATCH, [segment(1)])
    wait_until(lambda: pool.call("status")["last_failed_worker"], "the end of the first worker")
    shown = prover_status(network.directory)
    assert "no worker gets to work" in shown.stderr
    assert "this machine has no prover" in " ".join(shown.stderr.split())
    pool.stop()


def prover_status(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "braid", "prover", "status", "--dir", directory]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
