"""Files under their digests, options, and figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.prover.pool.errors import FileDamaged, UnusableOptions
from actors.prover.pool.files import FileShelf, digest_of
from actors.prover.pool.options import PoolOptions, WorkerOptions
from actors.prover.pool.programs import stf_programs
from actors.prover.pool.report import HOUR_MS, Throughput
from proving.errors import UnknownParameters
from proving.jobs import JobId, QueueConfig
from tests.support.pool_world import program

A_JOB = JobId(bytes(32))


@pytest.fixture
def shelf(tmp_path: Path) -> FileShelf:
    return FileShelf(tmp_path / "files")


def test_a_file_is_found_under_its_digest(shelf: FileShelf) -> None:
    digest = shelf.put(b"content")
    assert shelf.put(b"content") == digest == digest_of(b"content")
    assert shelf.get(digest) == b"content"


def test_a_file_that_is_missing_or_changed_is_named(shelf: FileShelf, tmp_path: Path) -> None:
    with pytest.raises(FileDamaged, match="is missing"):
        shelf.get(digest_of(b"content"))
    digest = shelf.put(b"content")
    (tmp_path / "files" / digest.hex()).write_bytes(b"contents")
    with pytest.raises(FileDamaged, match="something else"):
        shelf.get(digest)


def test_a_file_that_cannot_be_written_leaves_nothing(
    shelf: FileShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        shelf.put(b"content")
    assert list((tmp_path / "files").iterdir()) == []


def test_a_pinned_file_is_not_dropped(shelf: FileShelf) -> None:
    digest = shelf.put(b"content")
    with shelf.pinned([digest]), shelf.pinned([digest]):
        shelf.drop([digest])
    assert shelf.get(digest) == b"content"
    shelf.drop([digest])
    with pytest.raises(FileDamaged):
        shelf.get(digest)


def test_a_sweep_leaves_what_is_needed(shelf: FileShelf, tmp_path: Path) -> None:
    needed, _ = shelf.put(b"needed"), shelf.put(b"not needed")
    (tmp_path / "files" / "half.part").write_bytes(b"half")
    assert shelf.sweep([needed]) == 2
    assert shelf.get(needed) == b"needed"


@pytest.mark.parametrize(
    "options",
    [
        {"programs": ()},
        {"maximum_workers": 0},
        {"minimum_workers": 3, "maximum_workers": 2},
        {"minimum_workers": -1},
        {"queue": QueueConfig(lease_ms=9_000), "worker": WorkerOptions(heartbeat_seconds=5)},
    ],
)
def test_options_that_no_pool_can_run_with_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UnusableOptions):
        PoolOptions(**({"programs": (program(),)} | options))  # type: ignore[arg-type]


def test_the_guest_is_proved_under_the_set_that_is_asked_for() -> None:
    assert PoolOptions().programs[0].parameters.name == "fast"
    names = [entry.parameters.name for entry in stf_programs("settlement")]
    assert names == ["settlement", "fast"]
    with pytest.raises(UnknownParameters):
        stf_programs("quick")


def test_throughput_is_that_of_the_last_hour() -> None:
    throughput = Throughput(started_ms=0)
    for at_ms in (1_000, HOUR_MS, 2 * HOUR_MS - 1_000):
        throughput.handed_in(A_JOB, cycles=300, seconds=3.0)
        throughput.proven(A_JOB, at_ms)
    assert throughput.figures(2 * HOUR_MS) == {
        "proofs_since_start": 3,
        "proofs_per_hour": 2.0,
        "seconds_per_proof": 3.0,
        "cycles_per_worker_second": 100,
    }


def test_a_pool_without_proofs_has_no_figures_of_them() -> None:
    figures = Throughput(started_ms=0).figures(10)
    assert figures["seconds_per_proof"] is None
    assert figures["cycles_per_worker_second"] is None
