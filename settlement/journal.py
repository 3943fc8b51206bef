"""The settlement journal: what this node has decided and signed, on disk before it acts.

Only what still matters counts after a restart: open batches, the tip that they stand on,
and nonces whose transactions are not settled. Segments before the oldest such record are
deleted.
"""

from pathlib import Path
from typing import cast

from ledger.codec import decode, encode
from ledger.errors import CodecError
from settlement.errors import JournalUnreadable
from settlement.records import (
    MAX_RECORD_BYTES,
    RECORD_TYPES,
    BatchCut,
    NonceDisplaced,
    Record,
    TipMoved,
    TransactionSettled,
    TransactionSigned,
)
from storage.journal import Journal

SEGMENT_BYTES = 8 * 1024 * 1024


class SettlementJournal:
    """One node's journal, open in one process at a time.

    Attributes
    ----------
    batches
        Open batches, oldest first.
    tip
        The last batch that is known to be final; ``None`` for the genesis.
    signed
        Transactions that are not settled, by nonce, the oldest of a nonce first.
    next_nonce
        One more than the highest nonce that was ever signed.

    Raises
    ------
    JournalUnreadable
        A record is none of ours.
    StorageLockedError, JournalCorruptError
    """

    def __init__(self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._journal = Journal(directory, segment_bytes=segment_bytes)
        self.batches: tuple[BatchCut, ...] = ()
        self.tip: TipMoved | None = None
        self.signed: dict[int, tuple[TransactionSigned, ...]] = {}
        self.next_nonce = 0
        self._batch_places: dict[bytes, int] = {}
        self._nonce_places: dict[int, int] = {}
        self._tip_place: int | None = None
        try:
            for entry in self._journal.replay():
                self._apply(_decode(entry.payload, entry.sequence), entry.sequence)
        except BaseException:
            self._journal.close()
            raise

    def append(self, record: Record) -> None:
        """Write a record; it is on the disk when this returns.

        Raises
        ------
        StorageError
            One of its subclasses: then nothing may be done that relies on the record.
        """
        sequence = self._journal.append([encode(record)])
        self._journal.sync()
        self._apply(record, sequence)
        if isinstance(record, TipMoved):
            self._prune()

    def close(self) -> None:
        """Close and unlock."""
        self._journal.close()

    def _apply(self, record: Record, sequence: int) -> None:
        if isinstance(record, BatchCut):
            self.batches = (*self.batches, record)
            self._batch_places[record.batch_id] = sequence
        elif isinstance(record, TipMoved):
            self._move_tip(record, sequence)
        elif isinstance(record, TransactionSigned):
            self.signed[record.nonce] = (*self.signed.get(record.nonce, ()), record)
            self._nonce_places.setdefault(record.nonce, sequence)
            self.next_nonce = max(self.next_nonce, record.nonce + 1)
        elif isinstance(record, (TransactionSettled, NonceDisplaced)):
            self.signed.pop(record.nonce, None)
            self._nonce_places.pop(record.nonce, None)

    def _move_tip(self, record: TipMoved, sequence: int) -> None:
        ids = [batch.batch_id for batch in self.batches]
        done = ids.index(record.batch_id) + 1 if record.batch_id in ids else 0
        kept = self.batches[done:] if record.is_ours else ()
        self.batches = kept
        self._batch_places = {batch.batch_id: self._batch_places[batch.batch_id] for batch in kept}
        self.tip, self._tip_place = record, sequence

    def _prune(self) -> None:
        places = [*self._batch_places.values(), *self._nonce_places.values()]
        if self._tip_place is not None:
            places.append(self._tip_place)
        self._journal.prune(min(places, default=self._journal.next_sequence))


def _decode(payload: bytes, sequence: int) -> Record:
    try:
        record = decode(payload, *RECORD_TYPES, limit_bytes=MAX_RECORD_BYTES)
    except CodecError as error:
        raise JournalUnreadable(f"settlement journal, record {sequence}: {error}") from error
    return cast(Record, record)
