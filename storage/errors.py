"""Errors of the storage package.

::

    StorageError
    ├── StorageLockedError      another process (or object) has this directory open
    ├── StorageClosedError      used after close()
    ├── StorageFullError        no space left, or the file size limit is reached
    ├── StorageFailedError      the operating system could not read or write
    ├── JournalCorruptError     synced records are damaged; never repaired silently
    └── RecordSizeError         a record to append is empty or too long
"""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """Base of all storage errors."""


class StorageLockedError(StorageError):
    """The directory is in use. Stop the other process; do not delete the lock file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use by another process: stop it first")
        self.path = path


class StorageClosedError(StorageError):
    """The journal or store is closed, or failed and must be opened again."""


class StorageFullError(StorageError):
    """Nothing was appended. Free space and try again."""

    def __init__(self, path: Path, cause: OSError) -> None:
        super().__init__(f"no space to write {path}: {cause.strerror}; free space and retry")
        self.path = path


class StorageFailedError(StorageError):
    """The operating system or the database reported a failure."""


class JournalCorruptError(StorageError):
    """Damage where a crash cannot have caused it: in records that had been synced."""

    def __init__(self, path: Path, offset_bytes: int, problem: str) -> None:
        super().__init__(f"{path} is corrupt at byte {offset_bytes}: {problem}")
        self.path = path
        self.offset_bytes = offset_bytes
        self.problem = problem


class RecordSizeError(StorageError):
    """A record is empty or exceeds the limit."""

    def __init__(self, got_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"a record has 1 to {limit_bytes} bytes, this one has {got_bytes}")
        self.got_bytes = got_bytes
        self.limit_bytes = limit_bytes
