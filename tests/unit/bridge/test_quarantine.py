"""Quarantine by votes, what it stops, and how the fast chain comes back."""

from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    ZK,
    LedgerWorld,
    build_block,
    certify,
    checkpoint_of,
    delivered,
    index,
    messages,
    quarantine_vote,
    resume_vote,
    root,
)

from bridge.digests import replay_digest
from bridge.errors import (
    AlreadyQuarantined,
    DuplicateVote,
    FastChainQuarantined,
    InvalidOperatorVote,
    NotQuarantined,
    TooManyResumeVotes,
    UnknownResumePoint,
    WrongLedgerDigest,
    WrongSequence,
)
from bridge.rules import has_work
from bridge.state import GENESIS_STATE_ROOT
from bridge.work import (
    ChainWork,
    SetQuarantine,
    SkipOutboundNonces,
    amend_for_replay,
)
from ledger.types import BlockNumber, ChainRole

GOOD = root("good state")


@pytest.fixture
def ledger() -> LedgerWorld:
    """Six fast blocks; block 2 sent messages 0 and 1, certified and delivered."""
    world = LedgerWorld()
    for _ in range(6):
        world.push(FAST)
    world.push(ZK, checkpoints=(world.certified(FAST, 2, count=2, state_root=GOOD),))
    return world


def test_a_quorum_of_votes_cuts_the_fast_chain_off(ledger: LedgerWorld) -> None:
    ledger.push(FAST, operator_votes=(quarantine_vote(0), quarantine_vote(1)))
    assert not ledger.state.quarantine.is_active
    work = ledger.push(ZK, operator_votes=(quarantine_vote(3, reason="caps"),))
    quarantine = ledger.state.quarantine
    assert (quarantine.is_active, quarantine.reason) == (True, "caps")
    assert quarantine.since_height == ledger.state.height
    assert work.quarantine == (SetQuarantine(True, BlockNumber(2)),)


def test_the_zk_chain_is_told_by_its_next_block(ledger: LedgerWorld) -> None:
    assert ledger.quarantine(role=FAST).quarantine == ()
    assert has_work(ledger.state, ZK)
    assert ledger.push(ZK).quarantine == (SetQuarantine(True, BlockNumber(2)),)
    assert ledger.push(ZK).quarantine == ()


def test_a_vote_counts_once(ledger: LedgerWorld) -> None:
    ledger.push(ZK, operator_votes=(quarantine_vote(0),))
    for again in (quarantine_vote(0), quarantine_vote(0, reason="other words")):
        with pytest.raises(DuplicateVote):
            ledger.try_push(build_block(ledger.state, ZK, operator_votes=(again,)))


def test_a_vote_needs_its_signers_signature(ledger: LedgerWorld) -> None:
    forged = replace(quarantine_vote(0), signer=index(1))
    with pytest.raises(InvalidOperatorVote):
        ledger.try_push(build_block(ledger.state, ZK, operator_votes=(forged,)))
    beyond = replace(quarantine_vote(0), signer=index(9))
    with pytest.raises(InvalidOperatorVote):
        ledger.try_push(build_block(ledger.state, ZK, operator_votes=(beyond,)))


def test_a_resume_vote_needs_its_signers_signature(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    forged = replace(resume_vote(0, 2, GOOD), signer=index(1))
    with pytest.raises(InvalidOperatorVote):
        ledger.try_push(build_block(ledger.state, ZK, operator_votes=(forged,)))
    ledger.push(ZK, operator_votes=(resume_vote(0, 2, GOOD),))


def test_a_vote_is_about_the_next_quarantine_only(ledger: LedgerWorld) -> None:
    with pytest.raises(WrongSequence):
        ledger.try_push(
            build_block(ledger.state, ZK, operator_votes=(quarantine_vote(0, sequence=1),))
        )
    with pytest.raises(NotQuarantined):
        ledger.try_push(build_block(ledger.state, ZK, operator_votes=(resume_vote(0, 2, GOOD),)))
    ledger.quarantine()
    with pytest.raises(AlreadyQuarantined):
        ledger.try_push(build_block(ledger.state, ZK, operator_votes=(quarantine_vote(3),)))


def test_votes_for_a_past_quarantine_do_not_start_another(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    ledger.resume(2, GOOD)
    for stale in (quarantine_vote(0), resume_vote(0, 2, GOOD)):
        with pytest.raises(WrongSequence):
            ledger.try_push(build_block(ledger.state, ZK, operator_votes=(stale,)))
    ledger.quarantine(sequence=1)
    assert ledger.state.quarantine.is_active


@pytest.mark.parametrize("role", [ZK, FAST])
def test_no_fast_checkpoint_counts_in_quarantine(ledger: LedgerWorld, role: ChainRole) -> None:
    certified = ledger.certified(FAST, 3)
    ledger.quarantine()
    with pytest.raises(FastChainQuarantined):
        ledger.try_push(build_block(ledger.state, role, checkpoints=(certified,)))
    ledger.push(role, checkpoints=(ledger.certified(ZK, 1),))


def test_the_block_that_completes_a_quarantine_certifies_nothing_of_the_fast_chain(
    ledger: LedgerWorld,
) -> None:
    votes = tuple(quarantine_vote(signer) for signer in range(3))
    certified = ledger.certified(FAST, 3)
    ledger.try_push(build_block(ledger.state, ZK, (certified,), operator_votes=votes[:2]))
    with pytest.raises(FastChainQuarantined):
        ledger.try_push(build_block(ledger.state, ZK, (certified,), operator_votes=votes))


def test_nothing_is_delivered_either_way_but_blocks_are_ordered(ledger: LedgerWorld) -> None:
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 3, count=2),))
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 1, count=0),))
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 4, count=1),))
    before = len(delivered(ledger.works, ZK))
    ledger.quarantine(role=FAST)
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 2, count=3),))
    number = ledger.state.fast.number
    assert ledger.push(FAST).numbered_items() == ()
    assert ledger.state.fast.number == number + 1
    assert not has_work(ledger.state, FAST)
    assert len(delivered(ledger.works, ZK)) == before
    assert len(ledger.state.fast.pending) == 3


def test_messages_into_the_fast_chain_arrive_after_the_resume(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 1, count=3),))
    ledger.push(FAST)
    ledger.resume(2, GOOD)
    ledger.push(FAST)
    assert [entry.nonce for entry in delivered(ledger.works, FAST)] == [0, 1, 2]


def test_a_resume_needs_a_quorum_for_one_checkpoint(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 4, state_root=root("later")),))
    ledger.quarantine()
    split = (resume_vote(0, 2, GOOD), resume_vote(1, 2, GOOD), resume_vote(2, 4, root("later")))
    ledger.push(ZK, operator_votes=split)
    assert ledger.state.quarantine.is_active
    work = ledger.push(ZK, operator_votes=(resume_vote(2, 2, GOOD),))
    assert not ledger.state.quarantine.is_active
    assert work.quarantine == (SetQuarantine(False, BlockNumber(2)),)
    assert work.replay is not None
    assert (work.replay.checkpoint_number, work.replay.checkpoint_state_root) == (2, GOOD)


def test_a_resume_names_a_certified_checkpoint(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    for number, state_root in ((2, root("another")), (3, GOOD), (99, GOOD), (0, GOOD)):
        with pytest.raises(UnknownResumePoint):
            ledger.try_push(
                build_block(ledger.state, ZK, operator_votes=(resume_vote(0, number, state_root),))
            )
    ledger.resume(0, GENESIS_STATE_ROOT)
    assert ledger.state.fast.certified.number == 0


def test_a_validator_may_support_a_few_checkpoints_once_each() -> None:
    ledger = LedgerWorld()
    for number in range(1, 7):
        ledger.push(FAST)
        ledger.push(ZK, checkpoints=(ledger.certified(FAST, number),))
    ledger.quarantine()
    for number in range(1, 5):
        vote = resume_vote(0, number, root(f"state 1 {number}"))
        ledger.push(ZK, operator_votes=(vote,))
        with pytest.raises(DuplicateVote):
            ledger.try_push(build_block(ledger.state, ZK, operator_votes=(vote,)))
    with pytest.raises(TooManyResumeVotes):
        ledger.push(ZK, operator_votes=(resume_vote(0, 5, root("state 1 5")),))


def test_queued_messages_of_the_good_checkpoint_stay_and_later_ones_go(
    ledger: LedgerWorld,
) -> None:
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 3, count=2, state_root=GOOD),))
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 4, count=2),))
    ledger.quarantine(role=FAST)
    ledger.resume(3, GOOD, role=FAST)
    assert [entry.nonce for entry in ledger.state.zk.pending] == [2, 3]
    assert ledger.state.fast.next_message_nonce == 4
    ledger.push(ZK)
    assert [entry.nonce for entry in delivered(ledger.works, ZK)] == [0, 1, 2, 3]


def test_the_replays_outbox_starts_above_what_was_delivered(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 3, count=2),))
    ledger.quarantine()
    replay = ledger.resume(2, GOOD).replay
    assert replay is not None
    assert replay.next_message_nonce == 4
    sent = messages(FAST, 4, 1)
    ledger.push(ZK, checkpoints=(certify(checkpoint_of(ledger.state, FAST, 3, sent), sent),))
    assert [entry.nonce for entry in delivered(ledger.works, ZK)] == list(range(5))


def test_an_old_certificate_of_the_lying_execution_does_not_count_after_the_resume(
    ledger: LedgerWorld,
) -> None:
    """A quorum signed it, but of an execution that the ledger has since ordered anew."""
    lie = ledger.certified(FAST, 5, state_root=root("forged"))
    ledger.quarantine()
    ledger.resume(2, GOOD)
    with pytest.raises(WrongLedgerDigest):
        ledger.try_push(build_block(ledger.state, ZK, checkpoints=(lie,)))
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 5),))
    assert ledger.state.fast.certified.number == 5


def test_blocks_before_the_resume_point_keep_their_digests(ledger: LedgerWorld) -> None:
    before = ledger.state.fast.digests
    ledger.quarantine()
    ledger.resume(2, GOOD)
    after, anchor = ledger.state.fast.digests, ledger.state.digest
    for number in range(1, 7):
        bare = before.find(BlockNumber(number))
        assert bare is not None
        expected = bare if number <= 2 else replay_digest(anchor, bare)
        assert after.find(BlockNumber(number)) == expected


def fast_works(ledger: LedgerWorld) -> list[ChainWork]:
    return [work for work in ledger.works if work.role is FAST]


def test_the_first_replayed_block_skips_the_taken_nonces(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 1, count=2),))
    ledger.push(FAST)
    ledger.quarantine()
    replay = ledger.resume(2, GOOD).replay
    assert replay is not None
    amended = [amend_for_replay(work, replay) for work in fast_works(ledger)]
    skips = [work.number for work in amended if work.skip is not None]
    assert skips == [3]
    assert amended[2].numbered_items()[0][1] == SkipOutboundNonces(2)
    nonces = [nonce for work in amended for nonce, _ in work.numbered_items()]
    assert len(set(nonces)) == len(nonces)
    ledger.push(FAST, checkpoints=(ledger.certified(ZK, 2, count=1),))
    assert ledger.works[-1].first_system_nonce not in nonces


def test_a_deeper_replay_covers_an_earlier_one(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 4, state_root=GOOD),))
    ledger.quarantine()
    first = ledger.resume(4, GOOD).replay
    ledger.quarantine(sequence=1)
    second = ledger.resume(2, GOOD, sequence=1).replay
    assert first is not None
    assert second is not None
    works = [amend_for_replay(work, first) for work in fast_works(ledger)]
    works = [amend_for_replay(work, second) for work in works]
    assert [work.number for work in works if work.skip is not None] == [3]


def test_a_shallower_replay_keeps_what_an_earlier_one_did(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    first = ledger.resume(2, GOOD).replay
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 4, state_root=GOOD),))
    ledger.quarantine(sequence=1)
    second = ledger.resume(4, GOOD, sequence=1).replay
    assert first is not None
    assert second is not None
    works = [amend_for_replay(work, first) for work in fast_works(ledger)]
    works = [amend_for_replay(work, second) for work in works]
    assert [work.number for work in works if work.skip is not None] == [3, 5]


def test_a_fast_block_that_ends_the_quarantine_may_itself_be_the_first_replayed_one() -> None:
    ledger = LedgerWorld()
    ledger.push(FAST)
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 1, state_root=GOOD),))
    ledger.quarantine()
    work = ledger.resume(1, GOOD, role=FAST)
    assert work.number == 2
    assert work.skip is not None
    assert work.replay is not None
    assert work.replay.checkpoint_number == 1


def test_changes_that_the_zk_chain_never_saw_collapse(ledger: LedgerWorld) -> None:
    for sequence in range(3):
        ledger.quarantine(sequence, role=FAST)
        ledger.resume(2, GOOD, sequence, role=FAST)
    assert ledger.push(ZK).quarantine == (
        SetQuarantine(True, BlockNumber(2)),
        SetQuarantine(False, BlockNumber(2)),
    )
    ledger.quarantine(3, role=FAST)
    ledger.resume(2, GOOD, 3, role=FAST)
    ledger.quarantine(4, role=FAST)
    assert ledger.push(ZK).quarantine == (SetQuarantine(True, BlockNumber(2)),)
