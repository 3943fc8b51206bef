"""A chain's part of a snapshot, into the executor's store.

Until the last batch the store says that it is being filled; whoever is killed before finds that
and begins again.
"""

from pathlib import Path

from actors.executor.chain_store import ChainStore
from actors.executor.records import ProgressRecord
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.records import StoreChunk
from ledger.types import ChainRole
from storage.store import Space, WriteBatch

SNAPSHOT_SPACES = (Space.ACCOUNTS, Space.SLOTS, Space.CODES)
"""What a state consists of, in the order of a snapshot."""


def import_snapshot(store: ChainStore, role: ChainRole, directory: Path) -> None:
    """Replace everything in a store by the state of a snapshot, which was verified.

    Raises
    ------
    SnapshotDamaged
        If the snapshot is not whole; the store is empty then.
    """
    files = SnapshotFiles(directory)
    head = files.head(role)
    store.begin_import()
    for chunk in files.entries(role):
        store.commit(_batch(chunk))
    progress = ProgressRecord(
        head.number, head.digest, head.header_rlps[-1], head.next_message_nonce
    )
    store.end_import(progress, head.header_rlps)


def _batch(chunk: StoreChunk) -> WriteBatch:
    batch = WriteBatch()
    for pair in chunk.pairs:
        batch.put(SNAPSHOT_SPACES[pair.space], pair.key, pair.value)
    return batch
