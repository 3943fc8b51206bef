"""`braid prover status` and `braid prover retry`: a network's prover pools."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayActorError
from rich.markup import escape

from actors.config import ACTOR_NAMESPACE, NodeConfig
from actors.prover.pool.options import pool_name
from cluster.errors import NoProverPool
from cluster.launcher import connection
from cluster.network import load_network
from cluster.output import print_json, print_table, say
from cluster.run_record import hosted_nodes, load_ray

ANSWER_SECONDS: Final = 10.0
MEBIBYTE: Final = 1 << 20
SHORT_DIGITS: Final = 8


def status(directory: Path, as_json: bool) -> None:
    """Show every prover pool of a network.

    Raises
    ------
    NoProverPool
        No node has one.
    """
    pools = [{"node": node, **answer} for node, answer in _ask_all(directory, "status")]
    if as_json:
        print_json({"pools": pools})
        return
    for pool in pools:
        _show(pool)


def retry(directory: Path, as_json: bool) -> None:
    """Have every prover pool of a network try again what it has given up.

    Raises
    ------
    NoProverPool
        No node has one.
    """
    pools = [{"node": node, **answer} for node, answer in _ask_all(directory, "retry_failed")]
    if as_json:
        print_json({"pools": pools})
        return
    for pool in pools:
        if "error" in pool:
            _show(pool)
        else:
            say(f"node {pool['node']}: {pool['retry_failed']} segment(s) are tried again")


def _ask_all(directory: Path, method: str) -> list[tuple[int, dict[str, Any]]]:
    """Answers of all pools by node."""
    network = load_network(directory)
    with connection(load_ray(network)):
        found = [(int(config.index), _ask(config, method)) for config in hosted_nodes(network)]
    answers = [(index, answer) for index, answer in found if answer is not None]
    if not answers:
        raise NoProverPool(
            f"no node of {network.directory} runs a prover pool, so nothing is proved there; "
            "`braid prove` proves blocks by hand"
        )
    return answers


def _ask(config: NodeConfig, method: str) -> dict[str, Any] | None:
    """A pool's answer, under the method's name unless it has names; None without a pool."""
    try:
        pool = ray.get_actor(pool_name(config), namespace=ACTOR_NAMESPACE)
    except ValueError:
        return None
    try:
        answer: Any = ray.get(getattr(pool, method).remote(), timeout=ANSWER_SECONDS)
    except (GetTimeoutError, RayActorError) as error:
        return {"error": str(error).splitlines()[0]}
    return answer if isinstance(answer, dict) else {method: answer}


def _show(pool: dict[str, Any]) -> None:
    if "error" in pool:
        say(f"[red]node {pool['node']}: the pool does not answer:[/] {escape(pool['error'])}")
        return
    print_table(
        f"node {pool['node']}: jobs",
        ("job", "blocks", "stage", "age", "worker", "lease", "phase", "failed", "lost"),
        (_job_row(job) for job in pool["jobs"]),
    )
    print_table(
        f"node {pool['node']}: workers",
        ("worker", "state", "job", "proved", "device", "memory", "silent", "age"),
        (_worker_row(worker) for worker in pool["workers"]),
    )
    figures = pool["throughput"]
    say(
        f"{pool['depth']} of at most {pool['depth_limit']} jobs open in {pool['batches']} "
        f"batch(es), {_acceptance(pool)}; oldest {_duration(pool['oldest_age_seconds'])}"
    )
    say(
        f"[dim]{figures['proofs_since_start']} proofs since the pool started, "
        f"{figures['proofs_per_hour']} an hour, {_duration(figures['seconds_per_proof'])} each, "
        f"{figures['cycles_per_worker_second'] or '–'} cycles/s for a worker[/]"
    )
    failed = pool["last_failed_worker"]
    if failed is not None:
        ago = _duration(failed["seconds_ago"])
        say(f"[red]no worker gets to work; the last one ended {ago} ago:[/]")
        say(escape(failed["reason"]))
    for job in pool["jobs"]:
        if job["reason"]:
            where = f"blocks {_blocks(job)}"
            say(f"[dim]{where}: {escape(job['reason'])}[/]")


def _acceptance(pool: dict[str, Any]) -> str:
    if pool["is_draining"]:
        return "draining"
    return "accepting" if pool["is_accepting"] else "taking no new batch"


def _job_row(job: dict[str, Any]) -> tuple[Any, ...]:
    lease = job["lease"]
    has_lease = lease is not None
    return (
        job["job"][:SHORT_DIGITS],
        _blocks(job),
        job["stage"],
        _duration(job["age_seconds"]),
        lease["worker"].rsplit("/", 1)[-1] if has_lease else None,
        _duration(lease["left_seconds"]) if has_lease else None,
        f"{lease['phase']} {lease['fraction']:.0%}" if has_lease and lease["phase"] else None,
        job["failures"],
        job["losses"],
    )


def _worker_row(worker: dict[str, Any]) -> tuple[Any, ...]:
    memory_bytes = worker["memory_bytes"]
    return (
        worker["worker"].rsplit("/", 1)[-1],
        worker["state"],
        None if worker["job"] is None else worker["job"][:SHORT_DIGITS],
        worker["proved"],
        worker["device"] or None,
        f"{memory_bytes // MEBIBYTE:,} MiB" if memory_bytes else None,
        _duration(worker["silent_seconds"]),
        _duration(worker["age_seconds"]),
    )


def _blocks(job: dict[str, Any]) -> str:
    return f"{job['first_block']}–{job['last_block']}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.0f} s"
