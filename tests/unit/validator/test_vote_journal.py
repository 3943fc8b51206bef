"""The validator's journal keeps what it promised and forgets what is final."""

from pathlib import Path

import pytest

from actors.validator.errors import JournalDamaged
from actors.validator.vote_journal import VoteJournal
from cluster.dev_genesis import dev_genesis
from consensus.effects import Persist
from ledger.block import BlockBody, BlockHeader, LedgerBlock, SealedBlock, body_digest, seal
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlockNumber,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.votes import Notarize, Proposal
from storage.journal import Journal

GENESIS = dev_genesis([ValidatorKeys(bytes([1]) * 32)], TimestampMs(1))


def vote(view: int) -> Notarize:
    proposal = Proposal(Epoch(0), View(view), View(view - 1), Digest(bytes(32)))
    return Notarize(proposal, ValidatorIndex(0), Ed25519Signature(bytes(64)))


def payload(view: int, size_bytes: int = 10) -> SealedBlock:
    body = BlockBody((bytes(size_bytes),), (), (), (), ())
    header = BlockHeader(
        epoch=Epoch(0),
        view=View(view),
        height=Height(view),
        parent=Digest(bytes(32)),
        chain=ChainRole.FAST,
        chain_block_number=BlockNumber(view),
        timestamp_ms=TimestampMs(1),
        proposer=ValidatorIndex(0),
        body=body_digest(body),
    )
    return seal(LedgerBlock(header, body))


def test_votes_and_payloads_come_back_in_order(tmp_path: Path) -> None:
    journal = VoteJournal(Journal(tmp_path))
    block = payload(1)
    journal.add_payload(block)
    journal.persist([Persist(vote(1), must_sync=True), Persist(vote(2), must_sync=True)])
    journal.close()
    again = VoteJournal(Journal(tmp_path))
    assert again.records == (vote(1), vote(2))
    assert [found.digest for found in again.payloads] == [block.digest]
    again.close()


def test_pruning_keeps_every_record_of_the_views_that_are_kept(tmp_path: Path) -> None:
    journal = VoteJournal(Journal(tmp_path, segment_bytes=2_000))
    for view in range(1, 101):
        journal.add_payload(payload(view, 200))
        journal.persist([Persist(vote(view), must_sync=True)])
    size_before = sum(path.stat().st_size for path in tmp_path.iterdir())
    journal.prune(90)
    journal.close()
    again = VoteJournal(Journal(tmp_path))
    kept = {record.proposal.view for record in again.records if isinstance(record, Notarize)}
    assert kept >= set(range(90, 101))
    assert min(kept) > 50
    assert {block.header.view for block in again.payloads} >= set(range(90, 101))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < size_before / 4
    again.close()


def test_what_was_pruned_stays_prunable_after_a_restart(tmp_path: Path) -> None:
    journal = VoteJournal(Journal(tmp_path, segment_bytes=2_000))
    for view in range(1, 51):
        journal.persist([Persist(vote(view), must_sync=True)])
    journal.close()
    again = VoteJournal(Journal(tmp_path, segment_bytes=2_000))
    again.prune(45)
    again.close()
    last = VoteJournal(Journal(tmp_path))
    assert len(last.records) < 30
    last.close()


@pytest.mark.parametrize("record", [b"\x07abc", b"\x01abc", b"\x02abc"])
def test_a_record_of_another_program_is_damage(tmp_path: Path, record: bytes) -> None:
    journal = Journal(tmp_path)
    journal.append([record])
    with pytest.raises(JournalDamaged):
        VoteJournal(journal)
    journal.close()
