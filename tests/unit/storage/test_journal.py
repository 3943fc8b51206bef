"""The journal: append, sync, replay, rotate, prune, lock, and what full disks do."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.errors import (
    JournalCorruptError,
    RecordSizeError,
    StorageClosedError,
    StorageFullError,
    StorageLockedError,
)
from storage.journal import Journal, RecoveryReport
from storage.journal_format import MAXIMUM_RECORD_BYTES


def payloads(journal: Journal) -> list[bytes]:
    return [record.payload for record in journal.replay()]


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def test_what_was_appended_is_replayed_in_order(tmp_path):
    with Journal(tmp_path) as journal:
        assert journal.append([b"one", b"two"]) == 0
        assert journal.append([b"three"]) == 2
        journal.sync()
        assert payloads(journal) == [b"one", b"two", b"three"]
    with Journal(tmp_path) as journal:
        assert payloads(journal) == [b"one", b"two", b"three"]
        assert [record.sequence for record in journal.replay()] == [0, 1, 2]
        assert journal.recovery == RecoveryReport(records=3, truncated_bytes=0)
        assert journal.append([b"four"]) == 3


def test_a_new_journal_is_empty(tmp_path):
    with Journal(tmp_path / "deep" / "down") as journal:
        assert (payloads(journal), journal.next_sequence) == ([], 0)


@pytest.mark.parametrize("record", [b"", bytes(MAXIMUM_RECORD_BYTES + 1)])
def test_empty_and_oversized_records_are_rejected_with_their_whole_batch(tmp_path, record):
    with Journal(tmp_path) as journal:
        with pytest.raises(RecordSizeError):
            journal.append([b"fine", record])
        assert payloads(journal) == []


def test_the_longest_record_is_accepted(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append([bytes(MAXIMUM_RECORD_BYTES)])
        assert payloads(journal) == [bytes(MAXIMUM_RECORD_BYTES)]


def test_a_torn_last_record_is_cut_off_and_reported(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append([b"kept"])
        journal.sync()
        journal.append([b"torn by the crash"])
    (segment,) = segments(tmp_path)
    os.truncate(segment, segment.stat().st_size - 3)
    with Journal(tmp_path) as journal:
        assert payloads(journal) == [b"kept"]
        assert journal.recovery.truncated_bytes > 0
        assert journal.append([b"again"]) == 1
    with Journal(tmp_path) as journal:
        assert payloads(journal) == [b"kept", b"again"]
        assert journal.recovery.truncated_bytes == 0


def test_zeros_after_the_end_are_a_torn_tail(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append([b"kept"])
    (segment,) = segments(tmp_path)
    with segment.open("ab") as file:
        file.write(bytes(4096))
    with Journal(tmp_path) as journal:
        assert payloads(journal) == [b"kept"]
        assert journal.recovery.truncated_bytes == 4096


def test_damage_in_a_synced_record_is_an_error(tmp_path):
    with Journal(tmp_path) as journal:
        for record in (b"first", b"second", b"third"):
            journal.append([record])
            journal.sync()
    (segment,) = segments(tmp_path)
    flip(segment, segment.read_bytes().index(b"second"))
    with pytest.raises(JournalCorruptError) as caught:
        Journal(tmp_path)
    assert caught.value.path == segment
    assert "record 1" in caught.value.problem


def test_an_unsynced_batch_torn_in_its_middle_is_no_error(tmp_path):
    """Pages of one write may reach the disk in any order."""
    with Journal(tmp_path) as journal:
        journal.append([b"synced"])
        journal.sync()
        journal.append([b"page one", b"page two"])
    (segment,) = segments(tmp_path)
    flip(segment, segment.read_bytes().index(b"page one"))
    with Journal(tmp_path) as journal:
        assert payloads(journal) == [b"synced"]


def test_a_damaged_segment_header_is_an_error(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append([b"x"])
    flip(segments(tmp_path)[0], 3)
    with pytest.raises(JournalCorruptError):
        Journal(tmp_path)


def test_a_segment_whose_creation_was_torn_starts_over(tmp_path):
    with Journal(tmp_path, segment_bytes=100) as journal:
        journal.append([bytes(200)])
        journal.append([b"in the second segment"])
    os.truncate(segments(tmp_path)[1], 5)
    with Journal(tmp_path, segment_bytes=100) as journal:
        assert payloads(journal) == [bytes(200)]
        assert journal.append([b"again"]) == 1
    with Journal(tmp_path) as journal:
        assert payloads(journal) == [bytes(200), b"again"]


def test_segments_rotate_and_replay_spans_them(tmp_path):
    records = [b"record %03d" % number for number in range(100)]
    with Journal(tmp_path, segment_bytes=500) as journal:
        for record in records:
            journal.append([record])
    assert len(segments(tmp_path)) > 3
    with Journal(tmp_path, segment_bytes=500) as journal:
        assert payloads(journal) == records


def test_a_missing_segment_is_an_error(tmp_path):
    with Journal(tmp_path, segment_bytes=100) as journal:
        for number in range(10):
            journal.append([b"%064d" % number])
    segments(tmp_path)[1].unlink()
    with pytest.raises(JournalCorruptError, match="expected"):
        Journal(tmp_path, segment_bytes=100)


def test_a_short_segment_before_another_is_an_error(tmp_path):
    with Journal(tmp_path, segment_bytes=100) as journal:
        for number in range(10):
            journal.append([b"%064d" % number])
    first = segments(tmp_path)[0]
    os.truncate(first, first.stat().st_size - 1)
    with pytest.raises(JournalCorruptError):
        Journal(tmp_path, segment_bytes=100)


def test_pruning_keeps_what_is_asked_for_and_numbers_go_on(tmp_path):
    with Journal(tmp_path, segment_bytes=200) as journal:
        for number in range(50):
            journal.append([b"%064d" % number])
        journal.prune(30)
        kept = [record.sequence for record in journal.replay()]
        assert kept == list(range(journal.first_sequence, 50))
        assert 25 <= journal.first_sequence <= 30
    with Journal(tmp_path, segment_bytes=200) as journal:
        assert [record.sequence for record in journal.replay()] == kept
        assert journal.append([b"x"]) == 50


def test_pruning_everything_keeps_the_last_segment(tmp_path):
    with Journal(tmp_path, segment_bytes=100) as journal:
        for number in range(9):
            journal.append([b"%064d" % number])
        journal.prune(10**9)
        assert len(segments(tmp_path)) == 1
        assert journal.next_sequence == 9


def test_two_openers_are_one_too_many(tmp_path):
    with Journal(tmp_path), pytest.raises(StorageLockedError, match="in use"):
        Journal(tmp_path)
    Journal(tmp_path).close()


def test_another_process_cannot_open_it_either(tmp_path):
    code = (
        "from pathlib import Path; from storage.journal import Journal; "
        f"Journal(Path({str(tmp_path)!r}))"
    )
    with Journal(tmp_path):
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "StorageLockedError" in ended.stderr
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_using_a_closed_journal_is_rejected(tmp_path):
    journal = Journal(tmp_path)
    journal.close()
    journal.close()
    for use in (lambda: journal.append([b"x"]), journal.sync, lambda: journal.prune(1)):
        with pytest.raises(StorageClosedError):
            use()


@pytest.fixture
def file_size_limit():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_a_typed_error_and_loses_nothing(tmp_path, file_size_limit):
    with Journal(tmp_path) as journal:
        journal.append([b"before"])
        file_size_limit(3000)
        with pytest.raises(StorageFullError, match="free space"):
            journal.append([bytes(1000), bytes(5000)])
        journal.append([b"small enough"])
        file_size_limit(1_000_000)
        journal.append([b"after"])
        journal.sync()
        expected = [b"before", b"small enough", b"after"]
        assert payloads(journal) == expected
    with Journal(tmp_path) as journal:
        assert payloads(journal) == expected
        assert journal.recovery.truncated_bytes == 0


def test_a_full_disk_at_rotation_is_a_typed_error_and_loses_nothing(tmp_path, file_size_limit):
    with Journal(tmp_path, segment_bytes=100) as journal:
        journal.append([bytes(200)])
        file_size_limit(5)
        with pytest.raises(StorageFullError):
            journal.append([b"x"])
        file_size_limit(1_000_000)
        assert journal.append([b"x"]) == 1
        assert payloads(journal) == [bytes(200), b"x"]


def test_appending_goes_on_while_another_thread_syncs(tmp_path):
    with Journal(tmp_path, segment_bytes=20_000) as journal:
        stop = threading.Event()

        def keep_syncing() -> None:
            while not stop.is_set():
                journal.sync()

        thread = threading.Thread(target=keep_syncing)
        thread.start()
        for number in range(2000):
            journal.append([b"%020d" % number])
        stop.set()
        thread.join()
        assert [int(payload) for payload in payloads(journal)] == list(range(2000))
