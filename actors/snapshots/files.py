"""A snapshot on disk: the same folder where it was made, where it is fetched, and where it is used.

::

    manifest        what it consists of
    proof           its block and certificates
    chunks/000000   each under its place in the manifest; complete or absent
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from actors.snapshots.errors import SnapshotDamaged
from actors.snapshots.messages import SnapshotProof
from actors.snapshots.records import ChainHead, LedgerSnapshot, StoreChunk
from ledger.codec import decode, encode
from ledger.errors import CodecError
from ledger.snapshot import SnapshotManifest, SnapshotPart, chunk_digest
from ledger.types import ChainRole

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
MAX_PROOF_BYTES: Final = 4 * 1024 * 1024
MAX_LEDGER_BYTES: Final = 1024 * 1024 * 1024
MAX_CHUNK_RECORD_BYTES: Final = 2 * 1024 * 1024
"""A chunk on disk is bounded by its digest; a head of 257 long headers has 1 MiB."""


T = TypeVar("T")


class SnapshotFiles:
    """One snapshot's folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    # WRITING

    def write_manifest(self, manifest: SnapshotManifest) -> None:
        """Store the manifest."""
        self._write("manifest", encode(manifest))

    def write_proof(self, proof: SnapshotProof) -> None:
        """Store block and certificates."""
        self._write("proof", encode(proof))

    def write_chunk(self, index: int, data: bytes) -> None:
        """Store a chunk."""
        self._write(_chunk_name(index), data)

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        for path in sorted(self.directory.rglob("*")):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _write(self, name: str, data: bytes) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.part")
        unfinished.write_bytes(data)
        unfinished.rename(path)

    # READING

    def manifest(self) -> SnapshotManifest | None:
        """The manifest, if it is here."""
        raw = self._read("manifest")
        return None if raw is None else _open(raw, SnapshotManifest, MAX_MANIFEST_BYTES)

    def proof(self) -> SnapshotProof | None:
        """Block and certificates, if they are here."""
        raw = self._read("proof")
        return None if raw is None else _open(raw, SnapshotProof, MAX_PROOF_BYTES)

    def chunk(self, index: int) -> bytes | None:
        """A chunk as it was written, if it is here."""
        return self._read(_chunk_name(index))

    def missing(self, manifest: SnapshotManifest) -> list[int]:
        """Places of the chunks that are not here, or damaged."""
        return [
            index
            for index, digest in enumerate(manifest.chunks)
            if (data := self.chunk(index)) is None or chunk_digest(data) != digest
        ]

    def ledger(self) -> LedgerSnapshot:
        """The ledger's part."""
        manifest = self._require_manifest()
        raw = b"".join(self._chunks(0, manifest.ledger))
        return _open(raw, LedgerSnapshot, MAX_LEDGER_BYTES)

    def head(self, role: ChainRole) -> ChainHead:
        """Where a chain's part was taken."""
        first = next(self._chunks(*self._part(role)), None)
        if first is None:
            raise SnapshotDamaged(f"the {role.name} chain's part is empty")
        return _open(first, ChainHead, MAX_CHUNK_RECORD_BYTES)

    def entries(self, role: ChainRole) -> Iterator[StoreChunk]:
        """A chain's state, chunk by chunk."""
        for position, raw in enumerate(self._chunks(*self._part(role))):
            if position > 0:
                yield _open(raw, StoreChunk, MAX_CHUNK_RECORD_BYTES)

    def _part(self, role: ChainRole) -> tuple[int, SnapshotPart]:
        manifest = self._require_manifest()
        if role is ChainRole.ZK:
            return len(manifest.ledger.chunks), manifest.zk
        return len(manifest.ledger.chunks) + len(manifest.zk.chunks), manifest.fast

    def _chunks(self, first: int, part: SnapshotPart) -> Iterator[bytes]:
        for index, digest in enumerate(part.chunks, start=first):
            data = self.chunk(index)
            if data is None or chunk_digest(data) != digest:
                raise SnapshotDamaged(f"chunk {index} in {self.directory} is missing or damaged")
            yield data

    def _require_manifest(self) -> SnapshotManifest:
        manifest = self.manifest()
        if manifest is None:
            raise SnapshotDamaged(f"{self.directory} has no manifest")
        return manifest

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.directory / name).read_bytes()
        except FileNotFoundError:
            return None


def _chunk_name(index: int) -> str:
    return f"chunks/{index:06d}"


def _open(raw: bytes, kind: type[T], limit_bytes: int) -> T:
    try:
        return decode(raw, kind, limit_bytes=limit_bytes)
    except CodecError as error:
        raise SnapshotDamaged(f"no {kind.__name__}: {error}") from error
