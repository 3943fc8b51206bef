"""Whatever a crash leaves, the journal yields a prefix of what was appended, never garbage."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import JournalCorruptError
from storage.journal import Journal

BATCHES = st.lists(
    st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=3), min_size=1, max_size=6
)
CHILD = """
import sys
from pathlib import Path
from storage.journal import Journal

journal = Journal(Path(sys.argv[1]), segment_bytes=4000)
while True:
    first = journal.next_sequence
    journal.append([b"%d" % (first + i) * (1 + (first + i) % 50) for i in range(3)])
    journal.sync()
    print(journal.next_sequence, flush=True)
"""


def write(directory: Path, batches: list[list[bytes]]) -> tuple[Path, list[bytes]]:
    with Journal(directory) as journal:
        for batch in batches:
            journal.append(batch)
            journal.sync()
    (segment,) = directory.glob("*.journal")
    return segment, [record for batch in batches for record in batch]


def reopen(directory: Path) -> list[bytes]:
    with Journal(directory) as journal:
        return [record.payload for record in journal.replay()]


@settings(max_examples=150, deadline=None)
@given(BATCHES, st.floats(0, 1))
def test_any_truncation_yields_a_prefix(batches, fraction):
    with tempfile.TemporaryDirectory() as name:
        segment, records = write(Path(name), batches)
        os.truncate(segment, int(segment.stat().st_size * fraction))
        found = reopen(Path(name))
        assert found == records[: len(found)]
        assert reopen(Path(name)) == found


@settings(max_examples=300, deadline=None)
@given(BATCHES, st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_any_changed_byte_yields_a_prefix_or_is_named_as_corruption(batches, fraction, change):
    with tempfile.TemporaryDirectory() as name:
        segment, records = write(Path(name), batches)
        data = bytearray(segment.read_bytes())
        data[int(len(data) * fraction)] ^= change
        segment.write_bytes(data)
        try:
            found = reopen(Path(name))
        except JournalCorruptError:
            return
        assert found == records[: len(found)]
        assert len(found) >= len(records) - len(batches[-1]), "a synced batch vanished silently"


@settings(max_examples=100, deadline=None)
@given(BATCHES, st.binary(min_size=1, max_size=200))
def test_any_garbage_after_the_end_is_cut_off(batches, garbage):
    with tempfile.TemporaryDirectory() as name:
        segment, records = write(Path(name), batches)
        with segment.open("ab") as file:
            file.write(garbage)
        assert reopen(Path(name)) == records


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_process_loses_nothing_that_it_had_synced(tmp_path, seed):
    choice = random.Random(seed)
    acknowledged = 0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(choice.randrange(1, 300)):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split("\n")[:-1])])
        process.wait()
        process.stdout.close()
        with Journal(tmp_path, segment_bytes=4000) as journal:
            found = [record.payload for record in journal.replay()]
        assert len(found) >= acknowledged
        assert found == [b"%d" % number * (1 + number % 50) for number in range(len(found))]
