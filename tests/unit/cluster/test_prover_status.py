"""`braid prover status` for people."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.errors import BadDirectory
from cluster.output import console
from cluster.prover import pools

JOB: dict[str, Any] = {
    "job": "ab" * 32,
    "first_block": 7,
    "last_block": 9,
    "stage": "leased",
    "age_seconds": 3725.0,
    "failures": 1,
    "losses": 2,
    "reason": "out of [bold] memory",
    "lease": {
        "worker": "node-0/prover-worker-1-cafe",
        "left_seconds": 61.0,
        "phase": "quotient",
        "fraction": 0.5,
    },
}
WORKER: dict[str, Any] = {
    "worker": "node-0/prover-worker-1-cafe",
    "state": "proving",
    "job": "ab" * 32,
    "proved": 3,
    "device": "cpu",
    "memory_bytes": 3 << 30,
    "silent_seconds": 0.4,
    "age_seconds": 59.0,
}
STARTING = WORKER | {
    "worker": "node-0/prover-worker-2-beef",
    "state": "starting",
    "job": None,
    "device": None,
    "memory_bytes": None,
    "silent_seconds": None,
}
POOL: dict[str, Any] = {
    "node": 0,
    "is_accepting": True,
    "is_draining": False,
    "depth": 2,
    "depth_limit": 64,
    "batches": 1,
    "oldest_age_seconds": 3725.0,
    "throughput": {
        "proofs_since_start": 3,
        "proofs_per_hour": 12.5,
        "seconds_per_proof": 40.2,
        "cycles_per_worker_second": 68_000,
    },
    "workers": [WORKER, STARTING],
    "last_failed_worker": None,
    "jobs": [JOB, JOB | {"stage": "waiting", "lease": None, "reason": ""}],
}
FIGURES = {
    "proofs_since_start": 0,
    "proofs_per_hour": 0.0,
    "seconds_per_proof": None,
    "cycles_per_worker_second": None,
}
EMPTY = POOL | {
    "is_accepting": False,
    "jobs": [],
    "workers": [],
    "oldest_age_seconds": None,
    "throughput": FIGURES,
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    def show(pool: dict[str, Any]) -> str:
        monkeypatch.setattr(console, "width", 160)
        pools._show(pool)
        return capfd.readouterr().err

    return show


def test_jobs_leases_and_workers_are_shown(shown: Any) -> None:
    text = shown(POOL)
    for words in ("abababab", "7–9", "1 h 2 min", "1 min 1 s", "quotient 50%", "3,072 MiB"):
        assert words in text
    assert "out of [bold] memory" in text
    assert "2 of at most 64 jobs open in 1 batch(es), accepting; oldest 1 h 2 min" in text
    assert "12.5 an hour, 40 s each, 68000 cycles/s" in text


def test_a_pool_without_anything_to_do_is_shown(shown: Any) -> None:
    text = shown(EMPTY)
    assert "taking no new batch; oldest –" in text


def test_why_no_worker_gets_to_work_is_shown(shown: Any) -> None:
    failed = {"reason": "no [cuda] driver", "seconds_ago": 61.0}
    text = shown(EMPTY | {"last_failed_worker": failed})
    assert "the last one ended 1 min 1 s ago" in text
    assert "no [cuda] driver" in text


def test_a_pool_that_does_not_answer_is_named(shown: Any) -> None:
    assert "node 1: the pool does not answer: it [is] dead" in shown(
        {"node": 1, "error": "it [is] dead"}
    )


def test_a_directory_without_a_network_has_no_status(tmp_path: Any) -> None:
    with pytest.raises(BadDirectory, match="holds no network"):
        pools.status(tmp_path, as_json=True)
