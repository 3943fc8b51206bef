"""Caps tighten with each alarm on the ledger, and relax after clean blocks."""

import pytest
from bridge_world import FAST, GENESIS, ZK, LedgerWorld, quarantine_vote, resume_vote, root

from bridge.rules import has_work
from bridge.state import GENESIS_STATE_ROOT, BridgeState, initial_state
from bridge.tightening import CLEAN_BLOCKS_TO_RELAX, MAX_CAP_HALVINGS
from bridge.work import SetCapHalvings, SetQuarantine
from ledger.codec import decode, encode
from ledger.types import BlockNumber, ChainRole

GOOD = root("good state")


@pytest.fixture
def ledger() -> LedgerWorld:
    """Six fast blocks, the second one certified."""
    world = LedgerWorld()
    for _ in range(6):
        world.push(FAST)
    world.push(ZK, checkpoints=(world.certified(FAST, 2, state_root=GOOD),))
    return world


def vote(ledger: LedgerWorld, signer: int, sequence: int = 0) -> None:
    """One validator's vote, on a fast block."""
    ledger.push(FAST, operator_votes=(quarantine_vote(signer, sequence),))


def certify_clean(ledger: LedgerWorld, blocks: int) -> None:
    """Order so many fast blocks, and certify the last of them."""
    for _ in range(blocks):
        ledger.push(FAST)
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, ledger.state.fast.number),))


def test_what_f_validators_say_tightens_nothing(ledger: LedgerWorld) -> None:
    vote(ledger, 0)
    assert ledger.state.caps.halvings == 0
    assert not has_work(ledger.state, ZK)


def test_one_vote_more_than_f_halves_the_caps_before_any_quarantine(ledger: LedgerWorld) -> None:
    vote(ledger, 0)
    vote(ledger, 1)
    assert not ledger.state.quarantine.is_active
    assert ledger.state.caps.halvings == 1
    assert has_work(ledger.state, ZK)
    assert ledger.push(ZK).cap_halvings == SetCapHalvings(1)


def test_the_quarantine_halves_them_again(ledger: LedgerWorld) -> None:
    for signer in range(3):
        vote(ledger, signer)
    assert ledger.state.caps.halvings == 2
    work = ledger.push(ZK)
    assert [item for _, item in work.numbered_items()] == [
        SetQuarantine(True, BlockNumber(2)),
        SetCapHalvings(2),
    ]


def test_the_zk_chain_is_told_once_and_the_fast_chain_never(ledger: LedgerWorld) -> None:
    ledger.quarantine(role=FAST)
    assert ledger.push(FAST).cap_halvings is None
    assert ledger.push(ZK).cap_halvings == SetCapHalvings(2)
    assert ledger.push(ZK).cap_halvings is None
    assert not has_work(ledger.state, ZK)


def test_caps_are_tight_before_the_block_delivers_anything(ledger: LedgerWorld) -> None:
    votes = (quarantine_vote(0), quarantine_vote(1))
    sent = ledger.certified(FAST, 3, count=2)
    work = ledger.push(ZK, checkpoints=(sent,), operator_votes=votes)
    items = [item for _, item in work.numbered_items()]
    assert items[0] == SetCapHalvings(1)
    assert len(work.deliveries) == 2
    assert work.next_system_nonce == work.first_system_nonce + 3


def test_the_votes_of_one_quarantine_count_twice_at_most(ledger: LedgerWorld) -> None:
    ledger.push(FAST, operator_votes=tuple(quarantine_vote(signer) for signer in range(3)))
    assert ledger.state.caps.halvings == 2
    ledger.resume(2, GOOD)
    assert ledger.state.caps.halvings == 2
    ledger.quarantine(sequence=1)
    assert ledger.state.caps.halvings == 4


def test_caps_have_a_floor(ledger: LedgerWorld) -> None:
    for sequence in range(4):
        ledger.quarantine(sequence)
        ledger.resume(2, GOOD, sequence)
    assert ledger.state.caps.halvings == MAX_CAP_HALVINGS


def test_clean_blocks_relax_one_halving_at_a_time(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    ledger.resume(2, GOOD)
    certify_clean(ledger, CLEAN_BLOCKS_TO_RELAX)
    assert ledger.state.caps.halvings == 1
    assert ledger.works[-1].cap_halvings == SetCapHalvings(1)
    certify_clean(ledger, CLEAN_BLOCKS_TO_RELAX)
    assert ledger.state.caps.halvings == 0
    certify_clean(ledger, 1)
    assert ledger.state.caps.halvings == 0


def test_a_block_too_few_relaxes_nothing(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    ledger.resume(2, GOOD)
    certify_clean(ledger, CLEAN_BLOCKS_TO_RELAX - 1)
    assert ledger.state.caps.halvings == 2
    certify_clean(ledger, 1)
    assert ledger.state.caps.halvings == 1


def test_blocks_that_a_replay_certifies_anew_are_not_clean_ones(ledger: LedgerWorld) -> None:
    ledger.quarantine()
    for _ in range(CLEAN_BLOCKS_TO_RELAX):
        ledger.push(FAST)  # Ordered in the quarantine.
    ledger.resume(0, GENESIS_STATE_ROOT)
    certify_clean(ledger, 1)
    assert ledger.state.fast.certified.number > CLEAN_BLOCKS_TO_RELAX
    assert ledger.state.caps.halvings == 2


def test_another_alarm_starts_the_count_over(ledger: LedgerWorld) -> None:
    ledger.push(FAST, operator_votes=(quarantine_vote(0), quarantine_vote(1)))
    certify_clean(ledger, CLEAN_BLOCKS_TO_RELAX - 10)
    vote(ledger, 2)
    ledger.resume(ledger.state.fast.certified.number, ledger.state.fast.certified.state_root)
    assert ledger.state.caps.halvings == 2
    certify_clean(ledger, 100)
    assert ledger.state.caps.halvings == 2


@pytest.mark.parametrize("role", [FAST, ZK])
def test_every_replica_derives_the_same_caps_from_the_blocks_alone(
    ledger: LedgerWorld, role: ChainRole
) -> None:
    ledger.quarantine(role=role)
    ledger.push(role, operator_votes=(resume_vote(0, 2, GOOD),))
    replica = LedgerWorld(initial_state(GENESIS))
    for sealed in ledger.blocks:
        replica.push_sealed(sealed)
    assert replica.state == ledger.state
    assert decode(encode(ledger.state), BridgeState, limit_bytes=1 << 20) == ledger.state
