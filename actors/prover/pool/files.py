"""Files under their digests: written whole and synced, or not at all; checked when read."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from actors.prover.pool.errors import FileDamaged
from proving.jobs import FileDigest
from storage.file_lock import sync_directory

_UNFINISHED = ".part"


class FileShelf:
    """A directory of files, each named by the SHA-256 of its content.

    Methods may be called from several threads.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._pins: Counter[FileDigest] = Counter()

    def put(self, content: bytes) -> FileDigest:
        """Write a file, and wait for the disk; nothing happens if it is there.

        Raises
        ------
        OSError
            The disk is full or broken; nothing is left of the file.
        """
        digest = digest_of(content)
        path = self._path(digest)
        if path.exists():
            return digest
        unfinished = path.with_name(f"{path.name}.{os.urandom(4).hex()}{_UNFINISHED}")
        try:
            with unfinished.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        sync_directory(self._directory)
        return digest

    def get(self, digest: FileDigest) -> bytes:
        """Read a file.

        Raises
        ------
        FileDamaged
            It is missing, or its content is another one.
        """
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise FileDamaged(path, "is missing") from error
        if digest_of(content) != digest:
            raise FileDamaged(path, "holds something else")
        return content

    def drop(self, digests: Collection[FileDigest]) -> None:
        """Remove files, but not those that are pinned."""
        for digest in digests:
            if digest not in self._pins:
                self._path(digest).unlink(missing_ok=True)

    def sweep(self, needed: Collection[FileDigest]) -> int:
        """Remove everything else, and give how much it was."""
        names = {digest.hex() for digest in needed}
        unneeded = [path for path in self._directory.iterdir() if path.name not in names]
        for path in unneeded:
            path.unlink()
        return len(unneeded)

    @contextlib.contextmanager
    def pinned(self, digests: Collection[FileDigest]) -> Iterator[None]:
        """Keep files that are being written while others are dropped."""
        self._pins.update(digests)
        try:
            yield
        finally:
            self._pins.subtract(digests)
            self._pins += Counter()

    def _path(self, digest: FileDigest) -> Path:
        return self._directory / digest.hex()


def digest_of(content: bytes) -> FileDigest:
    """Under which a file is kept."""
    return FileDigest(hashlib.sha256(content).digest())
