"""What disks do to a validator: torn writes, and no space."""

from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.processes import is_gone, limit_file_size, newest_segment
from cluster.chaos.scenario import Finding, Scenario
from storage.journal_format import encode_record, scan_records

VICTIM: Final = 2
GARBAGE_BYTES: Final = 700
FULL_RESTARTS: Final = 2
SPARE_BYTES: Final = 512
"""Room that is left on the full disk: less than what a view writes."""


def torn_journal(arena: Arena) -> Finding:
    """Kill a validator, leave half a record and garbage at the journal's end, start it again."""
    head = arena.head()
    arena.stop_validator(VICTIM)
    segment = newest_segment(arena.node(VICTIM).config.journal_directory)
    torn_bytes = tear(segment, arena.random)
    arena.fault(f"{torn_bytes} bytes of a torn write at the end of node {VICTIM}'s journal")
    arena.wait_for_growth(5, *(node for node in range(arena.count) if node != VICTIM))
    began = arena.heal(f"node {VICTIM} starts again")
    arena.start_validator(VICTIM)
    voted = arena.wait_until_voting([VICTIM], above=head)
    return Finding(recovery_seconds=voted - began)


def full_disk(arena: Arena) -> Finding:
    """Let a validator's files grow no more, over some restarts, then make room."""
    for _ in range(FULL_RESTARTS):
        process = arena.process(VICTIM, "validator")
        segment = newest_segment(arena.node(VICTIM).config.journal_directory)
        limit_file_size(process, segment.stat().st_size + SPARE_BYTES)
        arena.fault(f"node {VICTIM}'s journal cannot grow")
        ended = partial(is_gone, process)
        arena.wait_until(ended, "the end of the validator that cannot write")
    # A new process has new limits: there is room again.
    head = arena.head()
    began = arena.heal(f"node {VICTIM}'s disk has room again")
    voted = arena.wait_until_voting([VICTIM], above=head)
    return Finding(recovery_seconds=voted - began)


def tear(segment: Path, random: Random) -> int:
    """Append what a crash in the middle of a write leaves; gives how many bytes.

    It is the first half of the record that would come next, and then blocks that the file
    system had given to the file and not written yet. Nothing that was written before is cut:
    what was synced cannot be lost by a crash.
    """
    data = segment.read_bytes()
    first_sequence = int(segment.stem)
    records = list(scan_records(data, first_sequence))
    if not records:
        raise InvariantBroken(f"{segment} holds no record")
    last = records[-1]
    following = encode_record(
        last.record.sequence + 1, last.record.sequence + 1, last.record.payload
    )
    torn = following[: len(following) // 2] + random.randbytes(GARBAGE_BYTES)
    with segment.open("ab") as file:
        file.write(torn)
    return len(torn)


SCENARIOS = (
    Scenario(
        "torn-journal",
        "a torn write at the journal's end costs no vote that was sent",
        "kill -9 of a validator, half a record and garbage at the end of its journal",
        torn_journal,
    ),
    Scenario(
        "full-disk",
        "a validator whose disk is full says nothing it has not written, and comes back",
        "the files of a validator can grow no more, over two restarts",
        full_disk,
    ),
)
