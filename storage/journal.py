"""The append-only journal: votes go in here, and to the disk, before they leave the node.

Usage: ``append`` what one loop turn produced, ``sync`` once, then send. After a crash,
``replay`` yields a prefix of what was appended that includes all that was synced.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from storage.errors import (
    JournalCorruptError,
    RecordSizeError,
    StorageClosedError,
    StorageFailedError,
    StorageFullError,
)
from storage.file_lock import DirectoryLock, sync_directory
from storage.journal_format import (
    MAXIMUM_RECORD_BYTES,
    SEGMENT_HEADER_BYTES,
    JournalRecord,
    encode_record,
    encode_segment_header,
    find_proof_of_sync,
    is_segment_header,
    scan_records,
)

DEFAULT_SEGMENT_BYTES = 32 * 1024 * 1024
SEGMENT_SUFFIX = ".journal"
_FULL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What opening found.

    Parameters
    ----------
    records
        Valid records.
    truncated_bytes
        Length of the torn tail that was cut off; 0 after a clean stop.
    """

    records: int
    truncated_bytes: int


class Journal:
    """A directory of segments of CRC-framed records, open in one process at a time.

    ``append`` and ``sync`` may run in different threads: records appended during a sync
    belong to the next one.

    Parameters
    ----------
    directory
        Created if missing, parents included.
    segment_bytes
        A segment that has grown beyond this is followed by a new one.

    Raises
    ------
    StorageLockedError
        Another process has the journal open.
    JournalCorruptError
        Records that had been synced are damaged.
    """

    def __init__(self, directory: Path, *, segment_bytes: int = DEFAULT_SEGMENT_BYTES) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._write_lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._problem: str | None = None
        self._descriptor = -1
        self._segments: list[int] = []
        self._size_bytes = 0
        self._next_sequence = 0
        self._synced_below = 0
        self._recovery = RecoveryReport(0, 0)
        self._directory_lock = DirectoryLock(directory)
        try:
            self._recover()
        except BaseException:
            self._directory_lock.release()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def recovery(self) -> RecoveryReport:
        """What opening found."""
        return self._recovery

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next record to append."""
        return self._next_sequence

    @property
    def first_sequence(self) -> int:
        """Sequence number of the oldest record that is kept (or of the next, if none is)."""
        return self._segments[0]

    def append(self, records: Sequence[bytes]) -> int:
        """Write records to the file, without waiting for the disk.

        Returns
        -------
        int
            Sequence number of the first of them.

        Raises
        ------
        RecordSizeError
            A record is empty or longer than ``MAXIMUM_RECORD_BYTES``; none is written.
        StorageFullError
            No space; none is written and the journal stays usable.
        StorageClosedError
            The journal is closed, or an earlier failure closed it.
        """
        for record in records:
            if not 1 <= len(record) <= MAXIMUM_RECORD_BYTES:
                raise RecordSizeError(len(record), MAXIMUM_RECORD_BYTES)
        if self._size_bytes >= self._segment_bytes:
            self._rotate()
        with self._write_lock:
            self._require_usable()
            first = self._next_sequence
            data = b"".join(
                encode_record(first + position, self._synced_below, record)
                for position, record in enumerate(records)
            )
            self._write(data)
            self._size_bytes += len(data)
            self._next_sequence = first + len(records)
            return first

    def sync(self) -> None:
        """Wait until everything appended before this call is on the disk.

        Raises
        ------
        StorageFailedError
            The disk reported a failure: what is durable is unknown, so the journal closes
            itself, and only opening it again tells.
        StorageClosedError
            The journal is closed.
        """
        with self._sync_lock:
            with self._write_lock:
                self._require_usable()
                reached = self._next_sequence
                if reached == self._synced_below:
                    return
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._problem = f"sync failed: {error}"
                raise StorageFailedError(f"cannot sync {self._directory}: {error}") from error
            with self._write_lock:
                self._synced_below = reached

    def replay(self) -> Iterator[JournalRecord]:
        """Yield the records that are in the journal, oldest first."""
        for first_sequence in tuple(self._segments):
            data = self._segment_path(first_sequence).read_bytes()
            for scanned in scan_records(data, first_sequence):
                yield scanned.record

    def prune(self, keep_from: int) -> None:
        """Delete whole segments whose records all precede ``keep_from``."""
        with self._write_lock:
            self._require_usable()
            removable = 0
            while removable + 1 < len(self._segments) and (
                self._segments[removable + 1] <= keep_from
            ):
                removable += 1
            for first_sequence in self._segments[:removable]:
                self._segment_path(first_sequence).unlink()
            if removable:
                del self._segments[:removable]
                sync_directory(self._directory)

    def close(self) -> None:
        """Sync, close and unlock. Safe to call twice."""
        if self._descriptor < 0:
            return
        try:
            if self._problem is None:
                self.sync()
        finally:
            with self._write_lock:
                os.close(self._descriptor)
                self._descriptor = -1
                self._problem = self._problem or "the journal is closed"
                self._directory_lock.release()

    # RECOVERY

    def _recover(self) -> None:
        self._segments = self._list_segments()
        self._next_sequence = self._segments[0] if self._segments else 0
        records = truncated_bytes = 0
        for position, first_sequence in enumerate(self._segments):
            path = self._segment_path(first_sequence)
            data = path.read_bytes()
            is_last = position == len(self._segments) - 1
            if first_sequence != self._next_sequence:
                raise JournalCorruptError(
                    path, 0, f"starts at record {first_sequence}, expected {self._next_sequence}"
                )
            end_offset = 0
            if is_segment_header(data, first_sequence):
                end_offset = SEGMENT_HEADER_BYTES
                for scanned in scan_records(data, first_sequence):
                    end_offset = scanned.end_offset
                    self._next_sequence += 1
                    records += 1
            if end_offset == len(data) and data:
                continue
            # The header was synced before the first record was written.
            is_header_damaged = end_offset == 0 and len(data) > SEGMENT_HEADER_BYTES
            proof = find_proof_of_sync(data, end_offset, self._next_sequence)
            if not is_last or is_header_damaged or proof is not None:
                raise JournalCorruptError(
                    path, end_offset, f"record {self._next_sequence} is damaged, later data exists"
                )
            truncated_bytes = len(data) - end_offset
            self._truncate(path, end_offset)
        self._recovery = RecoveryReport(records, truncated_bytes)
        if self._segments:
            self._open_last_segment()
        else:
            self._create_segment()

    def _list_segments(self) -> list[int]:
        names = [path.name for path in self._directory.glob(f"*{SEGMENT_SUFFIX}")]
        return sorted(int(name.removesuffix(SEGMENT_SUFFIX)) for name in names)

    def _segment_path(self, first_sequence: int) -> Path:
        return self._directory / f"{first_sequence:020d}{SEGMENT_SUFFIX}"

    def _truncate(self, path: Path, end_offset: int) -> None:
        """Cut a torn tail; a segment without a whole header starts over."""
        with path.open("r+b") as file:
            file.truncate(end_offset)
            if end_offset == 0:
                file.write(encode_segment_header(self._next_sequence))
            file.flush()
            os.fsync(file.fileno())

    def _open_last_segment(self) -> None:
        path = self._segment_path(self._segments[-1])
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size_bytes = os.fstat(self._descriptor).st_size
        # What an earlier process wrote may sit in the page cache only.
        os.fsync(self._descriptor)
        sync_directory(self._directory)
        self._synced_below = self._next_sequence

    # SEGMENTS

    def _create_segment(self) -> None:
        """Start a segment at ``_next_sequence``; everything before it is synced."""
        first_sequence = self._next_sequence
        path = self._segment_path(first_sequence)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        header = encode_segment_header(first_sequence)
        try:
            if os.write(descriptor, header) != len(header):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            sync_directory(self._directory)
        except OSError as error:
            os.close(descriptor)
            path.unlink()
            raise self._translate(error) from error
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self._size_bytes = len(header)
        self._synced_below = first_sequence
        self._segments.append(first_sequence)

    def _rotate(self) -> None:
        self.sync()
        with self._sync_lock, self._write_lock:
            self._require_usable()
            is_synced = self._synced_below == self._next_sequence
            if self._size_bytes >= self._segment_bytes and is_synced:
                self._create_segment()

    # WRITING

    def _require_usable(self) -> None:
        if self._problem is not None:
            raise StorageClosedError(f"{self._directory}: {self._problem}")

    def _write(self, data: bytes) -> None:
        """Write all of ``data`` or nothing."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            self._undo_partial_write()
            raise self._translate(error) from error

    def _undo_partial_write(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._size_bytes)
        except OSError as error:
            self._problem = f"a partial write could not be undone: {error}"

    def _translate(self, error: OSError) -> StorageFullError | StorageFailedError:
        if error.errno in _FULL_ERRORS:
            return StorageFullError(self._directory, error)
        return StorageFailedError(f"cannot write {self._directory}: {error}")
