"""What a backup holds, and whether it still does."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from cluster.errors import BackupRefused
from cluster.files import write_file

FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024
CHUNK_BYTES: Final = 1024 * 1024

Advance = Callable[[int], None]
"""Told how many more bytes were read."""


def unwatched(_: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class BackedUpFile:
    """One file: its size and SHA-256."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Attributes
    ----------
    genesis
        Digest of the network's genesis, hex.
    final_height
        Of the ledger in it; the chains may be a few blocks behind, and are fed the rest.
    files
        By their paths in the backup.
    """

    protocol_version: int
    genesis: str
    node: int
    final_height: int
    created_unix_ms: int
    has_keys: bool
    files: dict[str, BackedUpFile]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """For ``manifest.json``."""
        return {
            "format": FORMAT_VERSION,
            "protocol_version": self.protocol_version,
            "genesis": self.genesis,
            "node": self.node,
            "final_height": self.final_height,
            "created_unix_ms": self.created_unix_ms,
            "has_keys": self.has_keys,
            "files": {
                path: {"bytes": file.size_bytes, "sha256": file.sha256}
                for path, file in self.files.items()
            },
        }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make a folder a backup: the last thing that is written to it."""
    write_file(folder / MANIFEST, json.dumps(manifest.to_json(), indent=2).encode())


def read_manifest(folder: Path) -> Manifest:
    """What a folder says that it holds.

    Raises
    ------
    BackupRefused
        If it is not a backup, of another format, or its manifest is damaged.
    """
    file = folder / MANIFEST
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BackupRefused(
            f"{folder} is no whole backup: {MANIFEST} cannot be read ({error.strerror})"
        ) from error
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BackupRefused(f"{file} has more than {MAX_MANIFEST_BYTES} bytes")
    try:
        return _manifest_of(orjson.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BackupRefused(f"{file} is damaged: {reason}") from error


def verify_files(folder: Path, manifest: Manifest, advance: Advance = unwatched) -> None:
    """Compare every file with the manifest.

    Raises
    ------
    BackupRefused
        If one is missing, too many, or has other bytes.
    """
    found = set(files_below(folder)) - {MANIFEST}
    missing, extra = manifest.files.keys() - found, found - manifest.files.keys()
    if missing or extra:
        name = min(missing or extra)
        problem = "is missing" if missing else "is not in the manifest"
        raise BackupRefused(f"{folder / name} {problem}: take another backup")
    for name, expected in manifest.files.items():
        got = describe_file(folder / name, advance)
        if got != expected:
            raise BackupRefused(
                f"{folder / name} has changed: {got.size_bytes} bytes with SHA-256 {got.sha256}, "
                f"expected {expected.size_bytes} with {expected.sha256}; take another backup"
            )


def files_below(folder: Path) -> Iterator[str]:
    """Paths of all files in a folder, relative to it.

    Raises
    ------
    BackupRefused
        If there is anything else than files and folders, such as a link.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BackupRefused(f"{path} is neither a file nor a folder")
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def describe_file(file: Path, advance: Advance = unwatched) -> BackedUpFile:
    """Size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            advance(len(chunk))
    return BackedUpFile(size, digest.hexdigest())


def _manifest_of(found: dict[str, Any]) -> Manifest:
    if found["format"] != FORMAT_VERSION:
        raise ValueError(f"format {found['format']}, expected {FORMAT_VERSION}")
    return Manifest(
        protocol_version=int(found["protocol_version"]),
        genesis=_hex(found["genesis"]),
        node=int(found["node"]),
        final_height=int(found["final_height"]),
        created_unix_ms=int(found["created_unix_ms"]),
        has_keys=bool(found["has_keys"]),
        files={
            _inside(path): BackedUpFile(int(file["bytes"]), _hex(file["sha256"]))
            for path, file in found["files"].items()
        },
    )


def _hex(value: Any) -> str:
    text = str(value)
    if len(bytes.fromhex(text)) != 32:
        raise ValueError(f"{text!r} is not 32 bytes in hex")
    return text


def _inside(path: str) -> str:
    """A path that does not lead out of the folder."""
    parts = PurePosixPath(path).parts
    is_inside = bool(parts) and not path.startswith("/") and ".." not in parts
    if not is_inside or PurePosixPath(path).as_posix() != path:
        raise ValueError(f"the path {path!r} leads out of the backup")
    return path
