"""Makes the chunks of a snapshot from copies of the executors' stores.

It runs beside the node that votes, so it rests after each chunk for as long as the chunk took.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from actors.executor.chain_store import ChainStore
from actors.executor.importing import SNAPSHOT_SPACES
from actors.snapshots.errors import SnapshotDamaged
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.records import (
    HEADERS_BEFORE_HEAD,
    PAIR_BYTES,
    ChainHead,
    LedgerSnapshot,
    StoreChunk,
    StoredPair,
)
from execution.engine import WasmEngine
from execution.types import ChainSpec
from ledger.codec import encode
from ledger.snapshot import MAX_CHUNK_BYTES, SnapshotManifest, SnapshotPart, chunk_digest
from ledger.types import ChainRole, Digest
from storage.keys import chain_prefix
from storage.store import Store

MAX_PAIRS: Final = 8_192
_CHUNK_OVERHEAD_BYTES: Final = 16


class SnapshotBuilder:
    """Makes one snapshot.

    Parameters
    ----------
    target
        Where it goes; a folder beside it holds it until it is complete.
    is_restful
        Whether to rest between chunks.
    """

    def __init__(self, target: Path, *, is_restful: bool = True) -> None:
        self._target = target
        self._unfinished = target.with_name(f"{target.name}.part")
        self._files = SnapshotFiles(self._unfinished)
        self._is_restful = is_restful
        self._count = 0
        self._began = time.monotonic()

    def build(
        self, ledger: LedgerSnapshot, chains: dict[ChainRole, tuple[ChainSpec, Path]]
    ) -> SnapshotManifest:
        """Write all chunks and the manifest.

        Parameters
        ----------
        chains
            Constants of each chain, and the copy of its executor's store.

        Raises
        ------
        SnapshotDamaged
            If a copy lacks what belongs to its newest block.
        """
        shutil.rmtree(self._unfinished, ignore_errors=True)
        manifest = SnapshotManifest(
            height=ledger.state.height,
            digest=ledger.state.digest,
            ledger=self._write(_cut(encode(ledger))),
            zk=self._write_chain(*chains[ChainRole.ZK]),
            fast=self._write_chain(*chains[ChainRole.FAST]),
        )
        self._files.write_manifest(manifest)
        shutil.rmtree(self._target, ignore_errors=True)
        self._unfinished.rename(self._target)
        return manifest

    def _write_chain(self, spec: ChainSpec, path: Path) -> SnapshotPart:
        with Store(path, is_read_only=True) as store:
            head = chain_head(ChainStore(store, spec.chain_id), spec)
            chunks = map(encode, store_chunks(store, spec.chain_id))
            return self._write([encode(head)], chunks)

    def _write(self, *parts: Iterable[bytes]) -> SnapshotPart:
        digests: list[Digest] = []
        for part in parts:
            for data in part:
                self._files.write_chunk(self._count, data)
                digests.append(chunk_digest(data))
                self._count += 1
                self._rest()
        return SnapshotPart(tuple(digests))

    def _rest(self) -> None:
        took_seconds = time.monotonic() - self._began
        if self._is_restful:
            time.sleep(min(took_seconds, 1.0))
        self._began = time.monotonic()


def chain_head(store: ChainStore, spec: ChainSpec) -> ChainHead:
    """Where a copy of an executor's store stands.

    Raises
    ------
    SnapshotDamaged
        If it lacks its newest block, or a header before it.
    """
    progress = store.progress()
    if progress is None:
        raise SnapshotDamaged("a copy of a store has no block")
    numbers = range(max(0, progress.number - HEADERS_BEFORE_HEAD), progress.number)
    headers = [_header(store, spec, number) for number in numbers]
    return ChainHead(
        number=progress.number,
        digest=progress.digest,
        next_message_nonce=progress.next_message_nonce,
        header_rlps=(*headers, progress.header_rlp),
    )


def _header(store: ChainStore, spec: ChainSpec, number: int) -> bytes:
    header = WasmEngine(spec).head_header_rlp if number == 0 else store.header_rlp(number)
    if header is None:
        raise SnapshotDamaged(f"a copy of a store lacks block {number}")
    return header


def store_chunks(store: Store, chain_id: int) -> Iterator[StoreChunk]:
    """A state in chunks that depend on nothing but the state."""
    pairs: list[StoredPair] = []
    size = _CHUNK_OVERHEAD_BYTES
    for pair in _pairs(store, chain_id):
        pair_bytes = PAIR_BYTES + len(pair.value)
        is_full = size + pair_bytes > MAX_CHUNK_BYTES or len(pairs) == MAX_PAIRS
        if pairs and is_full:
            yield StoreChunk(tuple(pairs))
            pairs, size = [], _CHUNK_OVERHEAD_BYTES
        pairs.append(pair)
        size += pair_bytes
    if pairs:
        yield StoreChunk(tuple(pairs))


def _pairs(store: Store, chain_id: int) -> Iterator[StoredPair]:
    for index, space in enumerate(SNAPSHOT_SPACES):
        for key, value in store.iterate(space, chain_prefix(chain_id)):
            yield StoredPair(index, key, value)


def _cut(raw: bytes) -> list[bytes]:
    return [raw[start : start + MAX_CHUNK_BYTES] for start in range(0, len(raw), MAX_CHUNK_BYTES)]
