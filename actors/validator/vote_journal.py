"""The validator's journal: its votes and certificates, and the payloads that it voted for.

A record is one kind byte and the canonical encoding. A payload is written, without
waiting for the disk, before the vote for it: the sync of the vote covers both, so a
voted payload is never lost. Records of views that are final and stored elsewhere are pruned.

A journal without an own vote does not say that there was none: it may have been lost. So the
journal of new keys begins with the promise to vote from the first view on.
"""

from pathlib import Path
from typing import Final

from actors.validator.errors import JournalDamaged
from consensus.effects import Persist
from consensus.epochs import epoch_of_record
from consensus.messages import Record, VotesFrom, open_record, view_of
from ledger.block import SealedBlock, open_block
from ledger.codec import encode
from ledger.errors import CodecError
from ledger.types import Epoch, View
from ledger.votes import Round
from storage.journal import Journal

_RECORD: Final = b"\x01"
_PAYLOAD: Final = b"\x02"


def found_journal(directory: Path, epoch: Epoch) -> None:
    """Begin the journal of a validator whose keys have signed nothing yet, in any place.

    Only who has just made the keys knows that. Without this a validator asks the others before
    it votes, and a network in which all ask never begins.

    Raises
    ------
    StorageError
        If it cannot be written, or is in use.
    """
    with Journal(directory) as journal:
        if journal.next_sequence == 0:
            journal.append([_RECORD + encode(VotesFrom(Round(epoch, View(1))))])


class VoteJournal:
    """What :class:`~storage.journal.Journal` holds, decoded.

    Parameters
    ----------
    journal
        Open journal of this validator.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._positions: dict[int, int] = {}
        """First sequence number of each view's records, for pruning."""
        records: list[Record] = []
        payloads: list[SealedBlock] = []
        for entry in journal.replay():
            kind, content = entry.payload[:1], entry.payload[1:]
            try:
                if kind == _RECORD:
                    record = open_record(content)
                    records.append(record)
                    self._note(view_of(record), entry.sequence)
                elif kind == _PAYLOAD:
                    payload = open_block(content)
                    payloads.append(payload)
                    self._note(payload.header.view, entry.sequence)
                else:
                    raise JournalDamaged(f"record {entry.sequence} has the unknown kind {kind!r}")
            except CodecError as error:
                raise JournalDamaged(f"record {entry.sequence} is no record: {error}") from error
        self.records = tuple(records)
        self.payloads = tuple(payloads)

    def records_of(self, epoch: Epoch) -> tuple[Record, ...]:
        """The records of one epoch: what another one has said binds nobody in it."""
        return tuple(record for record in self.records if epoch_of_record(record) == epoch)

    def promise(self, epoch: Epoch, first_view: View) -> None:
        """Note, and sync, that nothing was said yet in an epoch that begins with this view."""
        record = VotesFrom(Round(epoch, first_view))
        self.persist([Persist(record, must_sync=True)])

    def persist(self, effects: list[Persist]) -> None:
        """Append the records of one turn, and sync if one of them asks for it."""
        if not effects:
            return
        sequence = self._journal.append([_RECORD + encode(effect.record) for effect in effects])
        for effect in effects:
            self._note(view_of(effect.record), sequence)
        if any(effect.must_sync for effect in effects):
            self._journal.sync()

    def add_payload(self, sealed: SealedBlock) -> None:
        """Append a payload; the next synced vote takes it to the disk."""
        sequence = self._journal.append([_PAYLOAD + sealed.encoded])
        self._note(sealed.header.view, sequence)

    def prune(self, first_kept_view: int) -> None:
        """Forget records of earlier views, as far as whole segments allow."""
        kept = [position for view, position in self._positions.items() if view >= first_kept_view]
        if kept:
            self._journal.prune(min(kept))
        self._positions = {
            view: position for view, position in self._positions.items() if view >= first_kept_view
        }

    def close(self) -> None:
        """Sync and close."""
        self._journal.close()

    def _note(self, view: int, sequence: int) -> None:
        self._positions.setdefault(view, sequence)
