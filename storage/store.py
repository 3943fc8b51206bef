"""The block store: RocksDB column families behind a small typed surface.

Values are bytes; whoever writes a space knows its encoding. A batch is atomic: after a
crash all of it is there or nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType

import rocksdict

from storage.errors import StorageClosedError, StorageFailedError
from storage.file_lock import DirectoryLock
from storage.keys import prefix_end

MEBIBYTE = 1024 * 1024


class Space(StrEnum):
    """A key space (column family); ``keys.py`` has the key functions of each."""

    BLOCKS = "blocks"
    FINALIZED = "finalized"
    CERTIFICATES = "certificates"
    HEADERS = "headers"
    RECEIPTS = "receipts"
    TRANSACTIONS = "transactions"
    ACCOUNTS = "accounts"
    SLOTS = "slots"
    CODES = "codes"
    META = "meta"


class WriteBatch:
    """Changes to commit together, applied in the order of the calls."""

    def __init__(self) -> None:
        self._operations: list[tuple[Space, bytes, bytes | None, bytes | None]] = []

    def __len__(self) -> int:
        return len(self._operations)

    def put(self, space: Space, key: bytes, value: bytes) -> None:
        """Set a key."""
        self._operations.append((space, key, value, None))

    def delete(self, space: Space, key: bytes) -> None:
        """Remove a key; nothing happens where it is absent."""
        self._operations.append((space, key, None, None))

    def delete_range(self, space: Space, start: bytes, end: bytes) -> None:
        """Remove every key from ``start`` up to but not including ``end``."""
        self._operations.append((space, start, None, end))

    def apply_to(self, batch: rocksdict.WriteBatch, families: dict[Space, object]) -> None:
        """Copy the changes into the database's own batch."""
        for space, key, value, end in self._operations:
            family = families[space]
            if value is not None:
                batch.put(key, value, family)
            elif end is not None:
                batch.delete_range(key, end, family)
            else:
                batch.delete(key, family)


class Store:
    """One node's database, open in one process at a time for writing.

    Parameters
    ----------
    path
        Directory; created if missing, parents included.
    is_read_only
        Look at what was committed so far, also while another process writes.

    Raises
    ------
    StorageLockedError
        Another process has it open.
    StorageFailedError
        The database cannot be opened.
    """

    def __init__(self, path: Path, *, is_read_only: bool = False) -> None:
        self._path = path
        self._lock: DirectoryLock | None = None
        if not is_read_only:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = DirectoryLock(path)
        try:
            self._database = _open_database(path, is_read_only)
        except BaseException:
            self._release_lock()
            raise
        self._columns = {space: self._database.get_column_family(space) for space in Space}
        self._families: dict[Space, object] = {
            space: self._database.get_column_family_handle(space) for space in Space
        }
        self._synced = rocksdict.WriteOptions()
        self._synced.sync = True
        self._unsynced = rocksdict.WriteOptions()
        self._is_open = True

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, space: Space, key: bytes) -> bytes | None:
        """Return a value, or None where the key is absent."""
        value: bytes | None = self._column(space).get(key)
        return value

    def get_many(self, space: Space, keys: list[bytes]) -> list[bytes | None]:
        """Return the values of many keys, None for absent ones, in their order."""
        values: list[bytes | None] = self._column(space).get(keys)
        return values

    def put(self, space: Space, key: bytes, value: bytes, *, sync: bool = False) -> None:
        """Set one key; see :meth:`commit`."""
        batch = WriteBatch()
        batch.put(space, key, value)
        self.commit(batch, sync=sync)

    def commit(self, batch: WriteBatch, *, sync: bool = False) -> None:
        """Apply a batch atomically.

        Parameters
        ----------
        sync
            Wait for the disk. Otherwise the batch survives a killed process, but a power
            failure may lose it together with everything after it.

        Raises
        ------
        StorageFailedError
            The database refused (disk full, IO error); nothing was applied. It then
            refuses everything until it is opened again.
        """
        self._require_open()
        native = rocksdict.WriteBatch(raw_mode=True)
        batch.apply_to(native, self._families)
        try:
            self._database.write(native, self._synced if sync else self._unsynced)
        except Exception as error:  # rocksdict raises Exception itself
            raise StorageFailedError(f"cannot write to {self._path}: {error}") from error

    def iterate(
        self,
        space: Space,
        prefix: bytes = b"",
        *,
        start: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys with a prefix, and their values, in order, as of this call.

        Parameters
        ----------
        start
            First key to consider, inclusive (the last one, when reversed).
        reverse
            Descending order.
        """
        # rocksdict encodes iterator bounds as typed keys even in raw mode: check prefixes here.
        cursor = self._column(space).iter()
        if reverse:
            _seek_last(cursor, prefix, start)
        else:
            cursor.seek(prefix if start is None else max(start, prefix))
        return _walk(cursor, prefix, reverse)

    def first(self, space: Space, prefix: bytes = b"") -> tuple[bytes, bytes] | None:
        """Return the lowest key with a prefix and its value."""
        return next(self.iterate(space, prefix), None)

    def last(self, space: Space, prefix: bytes = b"") -> tuple[bytes, bytes] | None:
        """Return the highest key with a prefix and its value."""
        return next(self.iterate(space, prefix, reverse=True), None)

    def checkpoint(self, path: Path) -> None:
        """Put the content as of now into a directory, which opens as a store of its own.

        Cheap: the files are shared until either side rewrites them. The directory appears
        complete or not at all.

        Raises
        ------
        StorageFailedError
            The directory is there already, or cannot be written.
        """
        self._require_open()
        unfinished = path.with_name(f"{path.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True)
            rocksdict.Checkpoint(self._database).create_checkpoint(str(unfinished / "rocksdb"))
            unfinished.rename(path)
        except Exception as error:  # rocksdict raises Exception itself
            raise StorageFailedError(f"cannot copy {self._path} to {path}: {error}") from error

    def close(self) -> None:
        """Flush, close and unlock; iterations must be over. Safe to call twice.

        Raises
        ------
        StorageFailedError
            What was not synced could not be flushed; the store is closed all the same.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._columns.clear()
        self._families.clear()
        try:
            if self._lock is not None:
                self._database.flush_wal(True)
            self._database.close()
        except Exception as error:  # rocksdict raises Exception itself
            raise StorageFailedError(f"cannot flush {self._path}: {error}") from error
        finally:
            del self._database  # where flushing failed, dropping the object closes it
            self._release_lock()

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _column(self, space: Space) -> rocksdict.Rdict:
        self._require_open()
        return self._columns[space]

    def _require_open(self) -> None:
        if not self._is_open:
            raise StorageClosedError(f"{self._path} is closed")


def _seek_last(cursor: rocksdict.RdictIter, prefix: bytes, start: bytes | None) -> None:
    """Move to the last key with ``prefix`` that is not after ``start``."""
    end = prefix_end(prefix)
    if start is not None and (end is None or start < end):
        cursor.seek_for_prev(start)
    elif end is None:
        cursor.seek_to_last()
    else:
        cursor.seek_for_prev(end)
        if cursor.valid() and cursor.key() == end:
            cursor.prev()


def _walk(
    cursor: rocksdict.RdictIter, prefix: bytes, reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    while cursor.valid():
        key: bytes = cursor.key()
        if not key.startswith(prefix):
            return
        yield key, cursor.value()
        if reverse:
            cursor.prev()
        else:
            cursor.next()


def _open_database(path: Path, is_read_only: bool) -> rocksdict.Rdict:
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(not is_read_only)
    options.create_missing_column_families(not is_read_only)
    # Four nodes share a development machine: few background threads, modest buffers.
    options.set_max_background_jobs(2)
    options.set_write_buffer_size(16 * MEBIBYTE)
    options.set_max_total_wal_size(64 * MEBIBYTE)
    options.set_keep_log_file_num(4)
    families = {str(space): options for space in Space}
    access = rocksdict.AccessType.read_only() if is_read_only else rocksdict.AccessType.read_write()
    try:
        return rocksdict.Rdict(str(path / "rocksdb"), options, families, access)
    except Exception as error:  # rocksdict raises Exception itself
        raise StorageFailedError(f"cannot open {path}: {error}") from error
