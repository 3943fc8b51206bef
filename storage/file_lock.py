"""An exclusive lock on a directory, held as long as the process or the object lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from storage.errors import StorageLockedError


class DirectoryLock:
    """Holds ``<directory>/LOCK.braid`` locked; the kernel lets go when the process dies.

    Raises
    ------
    StorageLockedError
        Another process, or another object of this one, holds it.
    """

    def __init__(self, directory: Path) -> None:
        self._descriptor = os.open(
            directory / "LOCK.braid", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise StorageLockedError(directory) from None

    def release(self) -> None:
        """Let others open the directory. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def sync_directory(directory: Path) -> None:
    """Make created, renamed and removed names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
