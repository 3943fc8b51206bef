"""Header rules and the order of a block's parts."""

from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    GENESIS,
    START_MS,
    VALIDATORS,
    ZK,
    LedgerWorld,
    build_block,
    equivocation,
    index,
    leader_of,
    notarize,
    verify_all_certificates,
)

from bridge.errors import (
    AlreadyConvicted,
    BlockTooLarge,
    ChainTooFarAhead,
    InvalidEvidence,
    TimestampAhead,
    TimestampBeforeParent,
    ViewNotAfterParent,
    WrongBody,
    WrongChainNumber,
    WrongEpoch,
    WrongHeight,
    WrongParent,
    WrongProposer,
)
from bridge.rules import MAX_BLOCKS_WITHOUT_CHECKPOINT, apply_block, check_drift, has_room
from bridge.state import BridgeState, initial_state
from bridge.work import MAX_ZK_TRANSACTION_BYTES_PER_BLOCK, MAX_ZK_TRANSACTIONS_PER_BLOCK
from ledger.block import MAX_BLOCK_BYTES, open_block
from ledger.codec import decode, encode
from ledger.errors import QuorumNotReached
from ledger.evidence import ConflictingNotarize
from ledger.genesis import genesis_digest
from ledger.types import ZERO_DIGEST


@pytest.fixture
def ledger() -> LedgerWorld:
    world = LedgerWorld()
    world.push(FAST)
    world.push(ZK)
    return world


def test_the_first_block_stands_on_the_genesis() -> None:
    state = initial_state(GENESIS)
    assert state.digest == genesis_digest(GENESIS)
    world = LedgerWorld()
    world.push(FAST)
    assert (world.state.height, world.state.fast.number, world.state.zk.number) == (1, 1, 0)
    assert world.state.digest == world.blocks[0].digest


def test_chains_interleave_with_their_own_numbers(ledger: LedgerWorld) -> None:
    ledger.push(FAST)
    assert (ledger.state.height, ledger.state.fast.number, ledger.state.zk.number) == (3, 2, 1)


def test_a_block_that_arrived_as_bytes_is_judged_like_our_own(ledger: LedgerWorld) -> None:
    sealed = build_block(ledger.state, FAST, transactions=(b"\x02raw",))
    ledger.try_push(open_block(sealed.encoded))


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("epoch", 8, WrongEpoch),
        ("height", 2, WrongHeight),
        ("height", 4, WrongHeight),
        ("parent", ZERO_DIGEST, WrongParent),
        ("view", 2, ViewNotAfterParent),
        ("view", 0, ViewNotAfterParent),
        ("chain", ZK, None),
        ("chain_block_number", 1, WrongChainNumber),
        ("chain_block_number", 3, WrongChainNumber),
        ("timestamp_ms", START_MS, TimestampBeforeParent),
        ("body", ZERO_DIGEST, WrongBody),
    ],
)
def test_a_header_with_one_wrong_field_is_rejected(
    ledger: LedgerWorld, field: str, value: object, error: type[Exception] | None
) -> None:
    sealed = build_block(ledger.state, FAST, **{field: value})
    leader = sealed.header.proposer
    if error is None:
        # Both chains are at number 1: the same header is also a valid ZK block.
        apply_block(ledger.state, sealed, VALIDATORS, leader)
        return
    with pytest.raises(error):
        apply_block(ledger.state, sealed, VALIDATORS, leader)


def test_only_the_leader_of_the_view_proposes(ledger: LedgerWorld) -> None:
    sealed = build_block(ledger.state, FAST)
    leader = leader_of(sealed.header.view)
    apply_block(ledger.state, sealed, VALIDATORS, leader)
    with pytest.raises(WrongProposer):
        apply_block(ledger.state, sealed, VALIDATORS, index((leader + 1) % 4))


def test_a_block_may_have_its_parents_time_but_no_earlier(ledger: LedgerWorld) -> None:
    now = ledger.state.timestamp_ms
    ledger.try_push(build_block(ledger.state, FAST, timestamp_ms=now))
    with pytest.raises(TimestampBeforeParent):
        ledger.try_push(build_block(ledger.state, FAST, timestamp_ms=now - 1))


def test_a_block_may_be_ahead_of_the_clock_by_the_drift_but_no_more(ledger: LedgerWorld) -> None:
    header = build_block(ledger.state, FAST).header
    check_drift(header, now_ms=header.timestamp_ms - 1000, max_drift_ms=1000)
    check_drift(header, now_ms=header.timestamp_ms + 10**9, max_drift_ms=1000)
    with pytest.raises(TimestampAhead):
        check_drift(header, now_ms=header.timestamp_ms - 1001, max_drift_ms=1000)


def test_a_block_longer_than_the_limit_is_rejected(ledger: LedgerWorld) -> None:
    fitting = tuple(bytes(128 * 1024 - 100) for _ in range(16))
    ledger.try_push(build_block(ledger.state, FAST, transactions=fitting))
    sealed = build_block(ledger.state, FAST, transactions=(*fitting, bytes(4096)))
    assert len(sealed.encoded) > MAX_BLOCK_BYTES
    with pytest.raises(BlockTooLarge):
        ledger.try_push(sealed)


@pytest.mark.parametrize(
    ("fits", "is_too_much"),
    [
        ((b"x",) * MAX_ZK_TRANSACTIONS_PER_BLOCK, (b"x",)),
        ((bytes(MAX_ZK_TRANSACTION_BYTES_PER_BLOCK),), (b"x",)),
    ],
)
def test_a_block_of_the_zk_chain_lists_no_more_than_a_proof_can_read(
    ledger: LedgerWorld, fits: tuple[bytes, ...], is_too_much: tuple[bytes, ...]
) -> None:
    ledger.try_push(build_block(ledger.state, ZK, transactions=fits))
    with pytest.raises(BlockTooLarge, match="of the ZK chain"):
        ledger.try_push(build_block(ledger.state, ZK, transactions=fits + is_too_much))
    ledger.try_push(build_block(ledger.state, FAST, transactions=fits + is_too_much))


def test_swapping_the_body_under_a_header_is_noticed(ledger: LedgerWorld) -> None:
    sealed = build_block(ledger.state, FAST)
    other = build_block(ledger.state, FAST, transactions=(b"other",))
    with pytest.raises(WrongBody):
        ledger.try_push(replace(sealed, block=replace(sealed.block, body=other.body)))


def test_evidence_convicts_once(ledger: LedgerWorld) -> None:
    ledger.push(FAST, evidence=(equivocation(3),))
    assert ledger.state.convicted == (3,)
    with pytest.raises(AlreadyConvicted):
        ledger.try_push(build_block(ledger.state, FAST, evidence=(equivocation(3, view=9),)))
    ledger.push(FAST, evidence=(equivocation(1),))
    assert ledger.state.convicted == (1, 3)


def test_evidence_twice_in_one_block_is_rejected(ledger: LedgerWorld) -> None:
    with pytest.raises(AlreadyConvicted):
        ledger.try_push(build_block(ledger.state, FAST, evidence=(equivocation(3),) * 2))


def test_evidence_that_its_culprit_did_not_sign_is_rejected(ledger: LedgerWorld) -> None:
    first, second = notarize(0, 5, b"\x01" * 32), notarize(1, 5, b"\x02" * 32)
    framed = ConflictingNotarize(first, replace(second, signer=index(0)))
    with pytest.raises(InvalidEvidence):
        ledger.try_push(build_block(ledger.state, FAST, evidence=(framed,)))


def test_votes_that_do_not_contradict_each_other_are_no_evidence(ledger: LedgerWorld) -> None:
    same = ConflictingNotarize(notarize(0, 5, b"\x01" * 32), notarize(0, 5, b"\x01" * 32))
    with pytest.raises(InvalidEvidence):
        ledger.try_push(build_block(ledger.state, FAST, evidence=(same,)))


def test_certificates_are_listed_for_the_caller_to_verify(ledger: LedgerWorld) -> None:
    good = ledger.certified(FAST, 1)
    verify_all_certificates(build_block(ledger.state, ZK, checkpoints=(good,)))
    few = replace(good, certificate=replace(good.certificate, signers=b"\x03"))
    sealed = build_block(ledger.state, ZK, checkpoints=(few,))
    with pytest.raises(QuorumNotReached):
        verify_all_certificates(sealed)


def test_a_chain_waits_for_a_checkpoint_when_it_is_too_far_ahead() -> None:
    world = LedgerWorld()
    for _ in range(MAX_BLOCKS_WITHOUT_CHECKPOINT):
        world.push(FAST)
    assert not has_room(world.state, FAST)
    with pytest.raises(ChainTooFarAhead):
        world.push(FAST)
    world.push(ZK)
    # The checkpoint in the block itself makes the room for it.
    world.push(FAST, checkpoints=(world.certified(FAST, 4),))
    assert world.state.fast.number == MAX_BLOCKS_WITHOUT_CHECKPOINT + 1


def test_a_state_survives_its_snapshot(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 1, count=300),))
    ledger.quarantine()
    restored = decode(encode(ledger.state), BridgeState, limit_bytes=1 << 24)
    assert restored == ledger.state
    assert restored.zk.pending
