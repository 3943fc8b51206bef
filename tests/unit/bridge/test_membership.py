"""Changes of the validator set: proposed, voted for, decided, and where they take over."""

from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    GENESIS,
    KEYS,
    VALIDATORS,
    ZK,
    LedgerWorld,
    build_block,
    equivocation,
    index,
    quarantine_vote,
)

from bridge.errors import (
    AlreadyConvicted,
    AlreadyProposed,
    BlockRejected,
    ChangeDecided,
    DuplicateVote,
    InvalidOperatorVote,
    InvalidSetChange,
    UnknownChange,
    WrongEpoch,
    WrongNextMembers,
    WrongNotice,
)
from bridge.membership import (
    MAX_NOTICE_BLOCKS,
    MIN_NOTICE_BLOCKS,
    ValidatorSets,
    expected_next_members,
)
from bridge.rules import apply_block
from bridge.state import BridgeState
from ledger.block import SealedBlock
from ledger.codec import decode, encode
from ledger.crossing import OperatorVote, operator_vote_message
from ledger.keys import ValidatorKeys
from ledger.membership import (
    Replacement,
    SetChangeProposal,
    SetChangeVote,
    ValidatorSetChange,
    change_digest,
    members_digest,
)
from ledger.types import ZERO_DIGEST, Digest, Ed25519Signature, Epoch, Height, ValidatorIndex
from ledger.validators import ValidatorSet

NEW_KEYS = ValidatorKeys(bytes([50]) * 32)
NEWCOMER = NEW_KEYS.newcomer(VALIDATORS.digest, "new", "new.example:4000")
FIRST_HEIGHT = 20
UNSIGNED = Ed25519Signature(bytes(64))


def change(first_height: int = FIRST_HEIGHT, place: int = 3, epoch: int = 7) -> ValidatorSetChange:
    replaced = (Replacement(index(place), NEWCOMER),)
    return ValidatorSetChange(Epoch(epoch), Height(first_height), (), replaced, ())


def addition(first_height: int = FIRST_HEIGHT) -> ValidatorSetChange:
    return ValidatorSetChange(Epoch(7), Height(first_height), (), (), (NEWCOMER,))


def signed(vote: OperatorVote) -> OperatorVote:
    message = operator_vote_message(VALIDATORS.digest, vote)
    return replace(vote, signature=KEYS[vote.signer].consensus.sign(message))


def proposal(signer: int, proposed: ValidatorSetChange) -> OperatorVote:
    return signed(SetChangeProposal(proposed, index(signer), UNSIGNED))


def vote(signer: int, wanted: ValidatorSetChange, epoch: int = 7) -> OperatorVote:
    return signed(SetChangeVote(Epoch(epoch), change_digest(wanted), index(signer), UNSIGNED))


def decide(world: LedgerWorld, wanted: ValidatorSetChange) -> None:
    """Propose a change and vote for it: it is decided in the ledger's next block."""
    world.push(ZK, operator_votes=(proposal(0, wanted), vote(1, wanted), vote(2, wanted)))


def push_until(world: LedgerWorld, height: int) -> None:
    while world.state.height < height:
        world.push(FAST)


def last_block(world: LedgerWorld, **overrides: object) -> SealedBlock:
    """The last block of the epoch, as an honest leader builds it."""
    named = expected_next_members(world.state, Height(world.state.height + 1))
    return build_block(world.state, FAST, **({"next_members": named} | overrides))


def end_epoch(world: LedgerWorld, wanted: ValidatorSetChange) -> None:
    decide(world, wanted)
    push_until(world, wanted.first_height - 2)
    world.push_sealed(last_block(world))


def push_in_next_epoch(
    state: BridgeState, validators: ValidatorSet, **parts: object
) -> BridgeState:
    view = state.view + 1
    leader = ValidatorIndex((validators.epoch + view) % validators.count)
    sealed = build_block(state, FAST, epoch=validators.epoch, proposer=leader, **parts)
    return apply_block(state, sealed, validators, leader)[0]


@pytest.fixture
def world() -> LedgerWorld:
    return LedgerWorld()


# VOTES


def test_a_quorum_decides(world):
    wanted = change()
    world.push(ZK, operator_votes=(proposal(0, wanted), vote(1, wanted)))
    assert world.state.membership.decided == ()
    assert [entry.votes for entry in world.state.membership.open_changes] == [(0, 1)]
    world.push(ZK, operator_votes=(vote(2, wanted),))
    assert world.state.membership.decided == (wanted,)
    assert world.state.membership.open_changes == ()


def test_the_first_change_with_a_quorum_wins_and_the_others_are_void(world):
    first, second = change(), addition()
    world.push(ZK, operator_votes=(proposal(0, first), proposal(1, second), vote(1, first)))
    world.push(ZK, operator_votes=(vote(2, second), vote(3, second)))
    assert world.state.membership.decided == (second,)
    with pytest.raises(ChangeDecided):
        world.push(ZK, operator_votes=(vote(2, first),))
    with pytest.raises(ChangeDecided):
        world.push(ZK, operator_votes=(proposal(3, change(FIRST_HEIGHT + 5)),))


def test_a_validator_has_one_open_change(world):
    world.push(ZK, operator_votes=(proposal(0, change()),))
    with pytest.raises(AlreadyProposed):
        world.push(ZK, operator_votes=(proposal(0, addition()),))
    with pytest.raises(AlreadyProposed):
        world.push(ZK, operator_votes=(proposal(1, change()),))
    world.push(ZK, operator_votes=(proposal(1, addition()),))


@pytest.mark.parametrize("notice", [MIN_NOTICE_BLOCKS - 1, MAX_NOTICE_BLOCKS + 1, 0, -1])
def test_a_change_too_soon_or_too_late_is_refused(world, notice):
    push_until(world, 2)
    with pytest.raises(WrongNotice):
        world.push(ZK, operator_votes=(proposal(0, change(3 + notice)),))


@pytest.mark.parametrize("notice", [MIN_NOTICE_BLOCKS, MAX_NOTICE_BLOCKS])
def test_a_change_in_time_is_taken(world, notice):
    push_until(world, 2)
    world.push(ZK, operator_votes=(proposal(0, change(3 + notice)),))
    assert len(world.state.membership.open_changes) == 1


def test_a_vote_counts_once(world):
    wanted = change()
    world.push(ZK, operator_votes=(proposal(0, wanted), vote(1, wanted)))
    for again in (0, 1):
        with pytest.raises(DuplicateVote):
            world.push(ZK, operator_votes=(vote(again, wanted),))


def test_a_vote_for_what_nobody_proposed_is_refused(world):
    with pytest.raises(UnknownChange):
        world.push(ZK, operator_votes=(vote(1, change()),))


@pytest.mark.parametrize(
    "forged",
    [
        replace(proposal(0, change()), signer=index(1)),
        proposal(0, change(epoch=8)),
        replace(proposal(0, change()), signer=index(4)),
    ],
)
def test_a_proposal_of_another_signer_or_epoch_is_refused(world, forged):
    with pytest.raises(InvalidOperatorVote):
        world.push(ZK, operator_votes=(forged,))


@pytest.mark.parametrize("epoch", [6, 8])
def test_a_vote_of_another_epoch_is_refused(world, epoch):
    world.push(ZK, operator_votes=(proposal(0, change()),))
    with pytest.raises(InvalidOperatorVote):
        world.push(ZK, operator_votes=(vote(1, change(), epoch=epoch),))


def test_a_change_that_breaks_a_bound_is_refused(world):
    too_small = ValidatorSetChange(Epoch(7), Height(FIRST_HEIGHT), (index(0),), (), ())
    with pytest.raises(InvalidSetChange, match="3 validators after it"):
        world.push(ZK, operator_votes=(proposal(0, too_small),))


def test_an_open_change_lapses_when_no_vote_can_decide_any_more(world):
    wanted = change()
    world.push(ZK, operator_votes=(proposal(0, wanted), vote(1, wanted)))
    push_until(world, FIRST_HEIGHT - 3)
    assert world.state.membership.open_changes != ()
    push_until(world, FIRST_HEIGHT - 2)
    assert world.state.membership.open_changes == ()
    with pytest.raises(UnknownChange):
        world.push(ZK, operator_votes=(vote(2, wanted),))
    push_until(world, FIRST_HEIGHT + 1)
    assert world.state.membership.epoch == 7


def test_a_vote_in_the_last_block_but_one_still_decides(world):
    wanted = change()
    world.push(ZK, operator_votes=(proposal(0, wanted), vote(1, wanted)))
    push_until(world, FIRST_HEIGHT - 3)
    world.push(ZK, operator_votes=(vote(2, wanted),))
    world.push_sealed(last_block(world))
    assert world.state.membership.epoch == 8


# THE END OF AN EPOCH


def test_the_last_block_names_the_next_set_and_the_epoch_ends(world):
    end_epoch(world, change())
    (*_, last) = world.blocks
    membership = world.state.membership
    assert last.header.height == FIRST_HEIGHT - 1
    assert last.header.next_members == members_digest(Epoch(8), membership.members)
    assert membership.epoch == 8
    assert membership.members[3] == NEWCOMER.member
    assert membership.members[:3] == VALIDATORS.members[:3]
    assert membership.decided == ()


@pytest.mark.parametrize("named", [ZERO_DIGEST, Digest(bytes([1]) * 32)])
def test_a_last_block_that_names_another_set_is_refused(world, named):
    decide(world, change())
    push_until(world, FIRST_HEIGHT - 2)
    with pytest.raises(WrongNextMembers):
        world.try_push(last_block(world, next_members=named))
    world.try_push(last_block(world))


def test_a_block_in_the_middle_of_an_epoch_names_none(world):
    decide(world, change())
    named = members_digest(Epoch(8), VALIDATORS.members)
    with pytest.raises(WrongNextMembers):
        world.try_push(last_block(world, next_members=named))


def test_nothing_of_the_old_epoch_extends_its_last_block(world):
    end_epoch(world, change())
    with pytest.raises(WrongEpoch):
        world.push(FAST)


def test_the_next_block_is_of_the_new_epoch_and_judged_by_its_set(world):
    end_epoch(world, change())
    validators = ValidatorSets(VALIDATORS).after(world.state)
    assert (validators.epoch, validators.members[3]) == (8, NEWCOMER.member)
    after = push_in_next_epoch(world.state, validators)
    assert after.height == FIRST_HEIGHT
    with pytest.raises(BlockRejected):
        push_in_next_epoch(world.state, VALIDATORS)


def test_the_coinbase_is_that_of_the_proposer_in_the_epoch_of_the_block(world):
    end_epoch(world, change(place=0))
    validators = ValidatorSets(VALIDATORS).after(world.state)
    view = world.state.view + 1
    while (8 + view) % 4 != 0:
        view += 1
    sealed = build_block(world.state, FAST, epoch=Epoch(8), view=view, proposer=index(0))
    _, work = apply_block(world.state, sealed, validators, index(0))
    assert work.coinbase == NEWCOMER.member.entry.coinbase


def test_a_vote_of_the_old_epoch_counts_in_no_other(world):
    wanted = change()
    world.push(ZK, operator_votes=(proposal(0, wanted), vote(1, wanted), vote(2, wanted)))
    push_until(world, FIRST_HEIGHT - 2)
    world.push_sealed(last_block(world))
    validators = ValidatorSets(VALIDATORS).after(world.state)
    for late in (quarantine_vote(0), proposal(0, change(FIRST_HEIGHT + 30, place=1))):
        with pytest.raises(InvalidOperatorVote):
            push_in_next_epoch(world.state, validators, operator_votes=(late,))


def test_the_state_survives_the_codec(world):
    world.push(ZK, operator_votes=(proposal(0, change()), proposal(1, addition())))
    for state in (world.state, _after_the_end()):
        assert decode(encode(state), BridgeState, limit_bytes=1 << 22) == state


def _after_the_end() -> BridgeState:
    world = LedgerWorld()
    end_epoch(world, addition())
    return world.state


# WHAT IS CARRIED OVER


def test_convictions_follow_the_key_and_not_the_number(world):
    removing = ValidatorSetChange(Epoch(7), Height(FIRST_HEIGHT), (index(0),), (), (NEWCOMER,))
    world.push(ZK, evidence=(equivocation(0), equivocation(2)))
    assert world.state.convicted == (0, 2)
    end_epoch(world, removing)
    assert world.state.convicted == (1,)
    assert world.state.membership.members[1] == VALIDATORS.members[2]


def test_evidence_of_the_old_epoch_is_refused_in_the_next(world):
    end_epoch(world, change())
    validators = ValidatorSets(VALIDATORS).after(world.state)
    with pytest.raises(BlockRejected) as caught:
        push_in_next_epoch(world.state, validators, evidence=(equivocation(1),))
    assert not isinstance(caught.value, AlreadyConvicted)


def test_quarantine_votes_of_those_who_stay_are_carried_over(world):
    world.push(ZK, operator_votes=(quarantine_vote(0), quarantine_vote(3)))
    end_epoch(world, change(place=3))
    assert world.state.quarantine.votes == (0,)
    assert not world.state.quarantine.is_active


def test_carried_votes_that_are_a_quorum_of_a_smaller_set_begin_the_quarantine():
    """With five validators a quorum is four; with four it is three."""
    world = LedgerWorld()
    end_epoch(world, addition())
    five = ValidatorSets(VALIDATORS).after(world.state)
    keys = (*KEYS, NEW_KEYS)
    votes = []
    for signer in range(3):
        unsigned = replace(quarantine_vote(signer), epoch=Epoch(8))
        message = operator_vote_message(five.digest, unsigned)
        votes.append(replace(unsigned, signature=keys[signer].consensus.sign(message)))
    smaller = ValidatorSetChange(Epoch(8), Height(60), (index(4),), (), ())
    for signer in range(4):
        kind = (
            SetChangeProposal(smaller, index(signer), UNSIGNED)
            if signer == 0
            else SetChangeVote(Epoch(8), change_digest(smaller), index(signer), UNSIGNED)
        )
        message = operator_vote_message(five.digest, kind)
        votes.append(replace(kind, signature=keys[signer].consensus.sign(message)))
    state = push_in_next_epoch(world.state, five, operator_votes=tuple(votes))
    assert not state.quarantine.is_active
    while state.height < 58:
        state = push_in_next_epoch(state, five)
    named = expected_next_members(state, Height(59))
    state = push_in_next_epoch(state, five, next_members=named)
    assert state.membership.epoch == 9
    assert state.quarantine.is_active
    assert state.quarantine.since_height == 59


def test_the_genesis_is_the_set_of_the_first_epoch(world):
    assert world.state.membership.epoch == GENESIS.epoch
    assert ValidatorSets(VALIDATORS).after(world.state) is VALIDATORS
