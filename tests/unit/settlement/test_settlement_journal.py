from pathlib import Path

import pytest

from ledger.crossing import Checkpoint, CheckpointCertificate
from ledger.types import BlockNumber, BlsSignature, ChainId, EvmHash
from settlement.errors import JournalUnreadable
from settlement.journal import SettlementJournal
from settlement.records import (
    BatchCut,
    NonceDisplaced,
    TipMoved,
    TransactionSettled,
    TransactionSigned,
)
from storage.errors import StorageLockedError
from storage.journal import Journal

ZERO = EvmHash(bytes(32))


def batch(first: int) -> BatchCut:
    checkpoint = Checkpoint(ChainId(1), BlockNumber(first + 1), ZERO, ZERO, ZERO, ZERO, ZERO, 0)
    return BatchCut(
        batch_id=EvmHash(bytes([first]) * 32),
        parent=ZERO,
        first_block=BlockNumber(first),
        certificate=CheckpointCertificate(checkpoint, b"\x07", BlsSignature(bytes(96))),
        chain_before=ZERO,
        chain_after=ZERO,
    )


def tip(first: int, *, is_ours: bool = True) -> TipMoved:
    return TipMoved(EvmHash(bytes([first]) * 32), BlockNumber(first + 1), ZERO, is_ours)


def signed(nonce: int, fee: int = 1, size: int = 100) -> TransactionSigned:
    return TransactionSigned(nonce, fee, 0, "a purpose", bytes([nonce]) * size)


def settled(nonce: int) -> TransactionSettled:
    return TransactionSettled(nonce, ZERO, BlockNumber(7), is_success=True)


def test_what_is_open_is_there_after_a_restart(tmp_path: Path) -> None:
    journal = SettlementJournal(tmp_path)
    for record in (batch(1), signed(0), signed(0, fee=2), batch(3), signed(1), settled(0)):
        journal.append(record)
    journal.close()
    again = SettlementJournal(tmp_path)
    assert again.batches == (batch(1), batch(3))
    assert again.signed == {1: (signed(1),)}
    assert (again.next_nonce, again.tip) == (2, None)
    again.close()


def test_a_final_batch_closes_itself_and_those_before(tmp_path: Path) -> None:
    journal = SettlementJournal(tmp_path)
    for first in (1, 3, 5):
        journal.append(batch(first))
    journal.append(tip(3))
    assert (journal.batches, journal.tip) == ((batch(5),), tip(3))
    journal.close()


def test_a_final_batch_of_somebody_else_voids_ours(tmp_path: Path) -> None:
    journal = SettlementJournal(tmp_path)
    for first in (1, 3):
        journal.append(batch(first))
    foreign = tip(9, is_ours=False)
    journal.append(foreign)
    assert (journal.batches, journal.tip) == ((), foreign)
    journal.close()


def test_a_displaced_nonce_is_never_given_again(tmp_path: Path) -> None:
    journal = SettlementJournal(tmp_path)
    journal.append(signed(4))
    journal.append(NonceDisplaced(4))
    journal.close()
    again = SettlementJournal(tmp_path)
    assert (again.signed, again.next_nonce) == ({}, 5)
    again.close()


def test_old_segments_go_and_what_matters_stays(tmp_path: Path) -> None:
    journal = SettlementJournal(tmp_path, segment_bytes=2_000)
    for first in range(1, 200, 2):
        journal.append(batch(first))
        journal.append(signed(first, size=1_000))
        journal.append(settled(first))
        # One batch is always ahead of the final one, so records of closed ones are deleted first.
        if first > 1:
            journal.append(tip(first - 2))
    assert len(list(tmp_path.glob("*.journal"))) < 6
    journal.close()
    again = SettlementJournal(tmp_path)
    assert (again.batches, again.tip, again.signed) == ((batch(199),), tip(197), {})
    again.close()


def test_records_of_others_are_refused_and_the_lock_is_given_back(tmp_path: Path) -> None:
    with Journal(tmp_path) as foreign:
        foreign.append([b"\x93\x01\x02\x03"])
    with pytest.raises(JournalUnreadable, match="record 0"):
        SettlementJournal(tmp_path)
    with Journal(tmp_path):
        pass


def test_two_processes_do_not_share_a_journal(tmp_path: Path) -> None:
    journal = SettlementJournal(tmp_path)
    with pytest.raises(StorageLockedError):
        SettlementJournal(tmp_path)
    journal.close()
