"""What the validator's parts do about epochs that are over, or not yet here."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from block_world import GENESIS, KEYS, VALIDATORS, block_on, empty_tree, leader_of

from actors.messages import HistoryQuery, HistoryWindow
from actors.snapshots.messages import SnapshotQuery
from actors.snapshots.shelf import SnapshotShelf
from actors.transport.interface import Channel
from actors.validator.archive import Archive
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.epoch_guide import EpochGuide
from actors.validator.history_server import HistoryServer
from actors.validator.operator_votes import StoredVotes
from actors.validator.operators import OperatorDesk
from actors.validator.payloads import _is_about
from actors.validator.snapshots import plan_recent
from actors.validator.vote_journal import VoteJournal
from bridge.errors import UnknownChange, WrongEpoch
from bridge.membership import MIN_NOTICE_BLOCKS, expected_next_members
from bridge.state import BridgeState, Membership, OpenChange, initial_state
from consensus.effects import CheckPayload, Persist
from ledger.block import SealedBlock
from ledger.codec import decode, encode
from ledger.crossing import QuarantineVote
from ledger.epochs import follow_epochs
from ledger.errors import OutOfBounds
from ledger.keys import ValidatorKeys
from ledger.membership import Replacement, ValidatorSetChange, change_digest
from ledger.signers import pack_signers
from ledger.types import (
    NO_VALIDATOR,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    Height,
    ValidatorIndex,
    View,
)
from ledger.votes import Finalization, Finalize, Nullify, Proposal, Round, signed_message
from storage.journal import Journal
from storage.store import Store

NEW_KEYS = ValidatorKeys(bytes([60]) * 32)
NEWCOMER = NEW_KEYS.newcomer(VALIDATORS.digest, "new", "new.example:4000")
NEXT = Epoch(GENESIS.epoch + 1)


def change(first_height: int) -> ValidatorSetChange:
    replaced = (Replacement(ValidatorIndex(3), NEWCOMER),)
    return ValidatorSetChange(GENESIS.epoch, Height(first_height), (), replaced, ())


def tree_before_the_end(height: int = 1) -> BlockTree:
    """A tree whose root decides that the block above it is the last of the epoch."""
    state = initial_state(GENESIS)
    decided = replace(state.membership, decided=(change(height + 1),))
    state = replace(state, membership=decided)
    return BlockTree(VALIDATORS, state.digest, state, dict.fromkeys(ChainRole, state.digest))


def last_block(tree: BlockTree, view: int = 1) -> SealedBlock:
    named = expected_next_members(tree.root_state, Height(tree.root_state.height + 1))
    return block_on(tree, tree.root, view, next_members=named)


def finalization(block: TreeBlock, view: int) -> Finalization:
    proposal = Proposal(GENESIS.epoch, View(view), View(0), block.digest)
    message = signed_message(Finalize, VALIDATORS.digest, proposal)
    signers = [ValidatorIndex(index) for index in range(3)]
    signatures = tuple(KEYS[index].consensus.sign(message) for index in signers)
    return Finalization(proposal, pack_signers(signers), signatures)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "ledger") as opened:
        yield opened


@pytest.fixture
def archive(store: Store) -> Archive:
    """It ends with the last block of the first epoch, final by a later view's certificate."""
    archive = Archive(store, GENESIS, VALIDATORS)
    tree = tree_before_the_end()
    block = tree.check(last_block(tree), leader_of(View(1)))
    tree.add(block)
    final, _ = tree.finalize(block.digest)
    archive.append(final, finalization(block, view=4))
    return archive


class Wire:
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, Channel, bytes]] = []

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        self.sent.append((peer, channel, payload))


# THE LAST BLOCK


def test_nothing_of_the_epoch_extends_its_last_block() -> None:
    tree = tree_before_the_end()
    block = tree.check(last_block(tree), leader_of(View(1)))
    tree.add(block)
    for epoch in (GENESIS.epoch, NEXT):
        with pytest.raises(WrongEpoch):
            tree.check(block_on(tree, block.digest, 2, epoch=epoch), leader_of(View(2)))


@pytest.mark.parametrize(("is_last", "is_right"), [(True, True), (False, False)])
def test_only_the_last_payload_is_right_on_top_of_itself(is_last: bool, is_right: bool) -> None:
    tree = tree_before_the_end() if is_last else empty_tree()
    sealed = last_block(tree) if is_last else block_on(tree, tree.root, 1)
    again = Proposal(GENESIS.epoch, View(2), View(1), sealed.digest)
    assert _is_about(CheckPayload(again, sealed.digest), sealed) is is_right
    on_another = CheckPayload(again, Digest(bytes(32)))
    assert not _is_about(on_another, sealed)


def test_the_archive_proves_the_next_set_from_the_genesis(archive: Archive) -> None:
    found = follow_epochs(GENESIS, archive.epoch_changes())
    assert found.epoch == NEXT
    assert found.members[3] == NEWCOMER.member
    assert archive.epoch_change(GENESIS.epoch) is not None
    assert archive.epoch_change(NEXT) is None


def test_a_certificate_of_one_epoch_covers_no_block_of_another(archive: Archive) -> None:
    assert archive.certificate_from(GENESIS.epoch, 1) is not None
    assert archive.certificate_from(GENESIS.epoch, 5) is None
    assert archive.certificate_from(NEXT, 1) is None


# LEADING PEERS OVER


def test_who_speaks_in_an_epoch_that_is_over_is_told_what_ended_it(archive: Archive) -> None:
    wire = Wire()
    guide = EpochGuide(archive, wire, 0.1)
    guide.answer(ValidatorIndex(2), GENESIS.epoch, 5.0)
    ((peer, channel, payload),) = wire.sent
    found = decode(payload, Finalization, limit_bytes=len(payload))
    assert (peer, channel) == (2, Channel.CONSENSUS)
    VALIDATORS.verify_certificate(found)


def test_one_peer_is_not_told_all_the_time(archive: Archive) -> None:
    wire = Wire()
    guide = EpochGuide(archive, wire, 0.1)
    for now in (5.0, 5.05, 5.09, 5.2):
        guide.answer(ValidatorIndex(2), GENESIS.epoch, now)
    guide.answer(ValidatorIndex(1), GENESIS.epoch, 5.2)
    assert [peer for peer, _, _ in wire.sent] == [2, 2, 1]


def test_nothing_is_said_of_an_epoch_that_goes_on(archive: Archive) -> None:
    wire = Wire()
    EpochGuide(archive, wire, 0.1).answer(ValidatorIndex(2), NEXT, 5.0)
    assert wire.sent == []


@pytest.mark.parametrize(("epoch", "newest"), [(GENESIS.epoch, 1), (NEXT, 2)])
def test_a_peer_is_offered_blocks_up_to_the_end_of_its_epoch(
    archive: Archive, epoch: Epoch, newest: int
) -> None:
    archive.height = Height(2)
    wire = Wire()
    server = HistoryServer(archive, empty_tree(), wire, [ValidatorIndex(2)])
    server.answer(ValidatorIndex(2), HistoryQuery(epoch))
    ((_, _, payload),) = wire.sent
    window = decode(payload, HistoryWindow, limit_bytes=len(payload))
    assert window.newest_height == newest


class Asked:
    """A server of snapshots that counts its questions."""

    def __init__(self) -> None:
        self.questions = 0

    def answer(self, peer: ValidatorIndex, request: object) -> int:
        self.questions += 1
        return 1


@pytest.mark.parametrize(("epoch", "asked"), [(GENESIS.epoch, 0), (NEXT, 1)])
def test_a_peer_of_an_epoch_that_is_over_is_offered_no_snapshot(
    archive: Archive, epoch: Epoch, asked: int
) -> None:
    """It could not check what the next set vouches for, and would take it for a lie."""
    snapshots = Asked()
    server = HistoryServer(archive, empty_tree(), Wire(), [ValidatorIndex(2)], snapshots)
    server.answer(ValidatorIndex(2), HistoryQuery(epoch))
    server.answer(ValidatorIndex(2), SnapshotQuery(()))
    assert snapshots.questions == asked


def test_a_set_vouches_for_snapshots_of_its_own_epoch_only(
    archive: Archive, tmp_path: Path
) -> None:
    """The last block of the epoch before leads to its state, and is not of it."""
    assert archive.first_height_of(GENESIS.epoch) == 1
    assert archive.first_height_of(NEXT) == 2
    shelf = SnapshotShelf(tmp_path / "snapshots", 1)
    plan_recent(shelf, archive, archive.first_height_of(NEXT))
    assert not shelf.is_planned(Height(1))


# JOURNAL


def test_a_journal_gives_back_what_was_said_in_one_epoch(tmp_path: Path) -> None:
    def nullify(epoch: int) -> Nullify:
        subject = Round(Epoch(epoch), View(7))
        return Nullify(subject, ValidatorIndex(0), Ed25519Signature(bytes(64)))

    journal = VoteJournal(Journal(tmp_path))
    journal.persist([Persist(nullify(0), must_sync=True), Persist(nullify(1), must_sync=True)])
    journal.close()
    again = VoteJournal(Journal(tmp_path))
    assert again.records_of(Epoch(0)) == (nullify(0),)
    assert again.records_of(Epoch(1)) == (nullify(1),)
    assert again.records_of(Epoch(2)) == ()
    again.close()


# OPERATORS' VOTES


def desk_in(store: Store, epoch: int, index: int = 1) -> OperatorDesk:
    votes = StoredVotes(store)
    return OperatorDesk(ValidatorIndex(index), KEYS[1], Epoch(epoch), VALIDATORS.digest, votes)


def in_epoch(state: BridgeState, epoch: int) -> BridgeState:
    membership = Membership(Epoch(epoch), state.membership.members, (), ())
    return replace(state, membership=membership)


def test_a_vote_on_a_quarantine_is_signed_again_in_the_next_epoch(store: Store) -> None:
    state = initial_state(GENESIS)
    desk_in(store, GENESIS.epoch).vote_quarantine(state, "odd")
    (vote,) = desk_in(store, NEXT, index=0).votes()
    assert isinstance(vote, QuarantineVote)
    assert (vote.epoch, vote.signer, vote.reason) == (NEXT, 0, "odd")
    assert desk_in(store, NEXT, index=0).votes() == [vote]


def test_who_is_removed_votes_no_more(store: Store) -> None:
    state = initial_state(GENESIS)
    desk_in(store, GENESIS.epoch).vote_quarantine(state, "odd")
    assert desk_in(store, NEXT, index=NO_VALIDATOR).votes() == []


def test_a_proposal_and_a_vote_wait_until_they_are_on_the_ledger(store: Store) -> None:
    state = initial_state(GENESIS)
    wanted = change(MIN_NOTICE_BLOCKS + 5)
    desk = desk_in(store, GENESIS.epoch)
    desk.propose_change(state, wanted, VALIDATORS)
    desk.settle(state)
    assert len(desk.votes()) == len(desk_in(store, GENESIS.epoch).votes()) == 1
    opened = OpenChange(wanted, ValidatorIndex(1), (ValidatorIndex(1),))
    on_ledger = replace(state, membership=replace(state.membership, open_changes=(opened,)))
    desk.settle(on_ledger)
    assert desk.votes() == []

    of_other = replace(opened, proposer=ValidatorIndex(0), votes=(ValidatorIndex(0),))
    open_now = replace(state, membership=replace(state.membership, open_changes=(of_other,)))
    desk.vote_change(open_now, change_digest(wanted), VALIDATORS)
    desk.settle(open_now)
    assert len(desk.votes()) == 1
    desk.settle(on_ledger)
    assert desk.votes() == []


def test_a_proposal_that_has_missed_its_time_is_forgotten(store: Store) -> None:
    state = initial_state(GENESIS)
    desk = desk_in(store, GENESIS.epoch)
    desk.propose_change(state, change(MIN_NOTICE_BLOCKS + 2), VALIDATORS)
    desk.settle(replace(state, height=Height(1)))
    assert len(desk.votes()) == 1
    desk.settle(replace(state, height=Height(2)))
    assert desk.votes() == []


def test_votes_on_the_set_of_an_epoch_that_is_over_are_forgotten(store: Store) -> None:
    state = initial_state(GENESIS)
    desk = desk_in(store, GENESIS.epoch)
    desk.propose_change(state, change(MIN_NOTICE_BLOCKS + 5), VALIDATORS)
    desk.settle(in_epoch(state, NEXT))
    assert desk.votes() == []
    desk.propose_change(state, change(MIN_NOTICE_BLOCKS + 5), VALIDATORS)
    assert desk_in(store, NEXT).votes() == []


def test_what_the_ledger_would_not_take_is_not_kept(store: Store) -> None:
    desk = desk_in(store, GENESIS.epoch)
    with pytest.raises(UnknownChange):
        desk.vote_change(initial_state(GENESIS), Digest(bytes(32)), VALIDATORS)
    assert desk.votes() == []


def test_nothing_can_be_encoded_in_the_name_of_no_validator() -> None:
    vote = QuarantineVote(NEXT, 0, "why", NO_VALIDATOR, Ed25519Signature(bytes(64)))
    with pytest.raises(OutOfBounds):
        encode(vote)
