"""Own operator votes and evidence wait for a block, and leave when it is final."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from block_world import GENESIS, KEYS, VALIDATORS

from actors.validator.operator_votes import StoredVotes
from actors.validator.operators import OperatorDesk
from bridge.state import initial_state
from ledger.codec import decode, encode
from ledger.crossing import QuarantineVote
from ledger.evidence import ConflictingNotarize
from ledger.types import Digest, Ed25519Signature, ValidatorIndex, View
from ledger.votes import Notarize, Proposal
from storage.store import Store

STATE = initial_state(GENESIS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "ledger") as opened:
        yield opened


def open_desk(store: Store) -> OperatorDesk:
    votes = StoredVotes(store)
    return OperatorDesk(ValidatorIndex(1), KEYS[1], GENESIS.epoch, VALIDATORS.digest, votes)


@pytest.fixture
def desk(store: Store) -> OperatorDesk:
    return open_desk(store)


def test_a_vote_is_signed_and_waits_once_however_often_it_is_cast(desk: OperatorDesk) -> None:
    for _ in range(3):
        desk.vote_quarantine(STATE, "odd balances")
    (vote,) = desk.votes()
    VALIDATORS.verify_operator_vote(vote)


def test_of_two_quarantine_votes_with_different_reasons_only_the_first_is_cast(
    desk: OperatorDesk,
) -> None:
    desk.vote_quarantine(STATE, "odd balances")
    desk.vote_quarantine(STATE, "cap pressure")
    assert [vote.reason for vote in desk.votes() if isinstance(vote, QuarantineVote)] == [
        "odd balances"
    ]


def test_votes_are_on_the_disk_when_they_are_cast_and_wait_there_over_a_restart(
    desk: OperatorDesk, store: Store
) -> None:
    desk.vote_quarantine(STATE, "odd balances")
    again = open_desk(store)
    assert again.votes() == desk.votes()
    again.vote_quarantine(STATE, "another reason")
    assert again.votes() == desk.votes()


def test_a_settled_vote_is_not_there_after_a_restart(desk: OperatorDesk, store: Store) -> None:
    desk.vote_quarantine(STATE, "odd balances")
    over = replace(STATE, quarantine=replace(STATE.quarantine, sequence=1))
    desk.settle(over)
    desk.vote_quarantine(over, "again")
    assert [vote.sequence for vote in open_desk(store).votes()] == [1]


@pytest.mark.parametrize("reason", ["x" * 200, "\u20ac" * 64, ""])
def test_a_reason_of_any_length_and_script_fits_on_the_wire(
    desk: OperatorDesk, reason: str
) -> None:
    desk.vote_quarantine(STATE, reason)
    (vote,) = desk.votes()
    raw = encode(vote)
    assert decode(raw, QuarantineVote, limit_bytes=len(raw)) == vote
    assert isinstance(vote, QuarantineVote)
    assert reason.startswith(vote.reason)


def test_a_vote_that_is_counted_on_the_final_ledger_is_forgotten(desk: OperatorDesk) -> None:
    desk.vote_quarantine(STATE, "odd")
    desk.settle(STATE)
    assert len(desk.votes()) == 1
    counted = replace(STATE.quarantine, votes=(ValidatorIndex(1),))
    desk.settle(replace(STATE, quarantine=counted))
    assert desk.votes() == []


def test_evidence_is_kept_once_for_each_culprit_until_he_is_convicted(desk: OperatorDesk) -> None:
    def vote(payload: bytes) -> Notarize:
        proposal = Proposal(GENESIS.epoch, View(3), View(2), Digest(payload * 32))
        return Notarize(proposal, ValidatorIndex(2), Ed25519Signature(bytes(64)))

    for other in (b"\x02", b"\x03"):
        desk.add_evidence(ConflictingNotarize(vote(b"\x01"), vote(other)))
    assert len(desk.evidence()) == 1
    desk.settle(replace(STATE, convicted=(ValidatorIndex(2),)))
    assert desk.evidence() == []
