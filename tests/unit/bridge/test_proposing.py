"""What a leader includes, and the chain that it proposes a block of."""

from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    TIMING,
    VALIDATORS,
    ZK,
    LedgerWorld,
    build_block,
    certify,
    checkpoint_of,
    equivocation,
    message,
    messages,
    quarantine_vote,
    root,
)

from bridge.proposing import choose_chain, select_parts
from bridge.rules import MAX_BLOCKS_WITHOUT_CHECKPOINT
from bridge.state import BridgeState, RetainedCheckpoint
from ledger.codec import encode
from ledger.types import BlockNumber


@pytest.fixture
def ledger() -> LedgerWorld:
    world = LedgerWorld()
    world.push(ZK)
    for _ in range(20):
        world.push(FAST)
    return world


def test_what_is_selected_makes_a_valid_block(ledger: LedgerWorld) -> None:
    first = ledger.certified(FAST, 1, count=2)
    sent = messages(FAST, 2, 1)
    second = certify(checkpoint_of(ledger.state, FAST, 3, sent), sent)
    parts = select_parts(
        ledger.state,
        VALIDATORS,
        checkpoints=(first, second),
        evidence=(equivocation(2), equivocation(2), equivocation(1)),
        operator_votes=(quarantine_vote(0), quarantine_vote(0), quarantine_vote(1)),
    )
    assert parts.checkpoints == (first, second)
    assert parts.evidence == (equivocation(2), equivocation(1))
    assert parts.operator_votes == (quarantine_vote(0), quarantine_vote(1))
    ledger.try_push(
        build_block(ledger.state, ZK, parts.checkpoints, parts.evidence, parts.operator_votes)
    )


def test_what_would_spoil_the_block_is_left_out(ledger: LedgerWorld) -> None:
    good = ledger.certified(FAST, 2)
    stale_digest = replace(
        good,
        certificate=replace(
            good.certificate,
            checkpoint=replace(good.certificate.checkpoint, ledger_digest=root("fork")),
        ),
    )
    votes = (replace(quarantine_vote(0), reason="changed"), quarantine_vote(1, sequence=4))
    parts = select_parts(
        ledger.state, VALIDATORS, checkpoints=(stale_digest, good, good), operator_votes=votes
    )
    assert parts.checkpoints == (good,)
    assert parts.operator_votes == ()


def test_a_completed_quarantine_leaves_fast_checkpoints_out(ledger: LedgerWorld) -> None:
    zk, fast = ledger.certified(ZK, 1), ledger.certified(FAST, 1)
    votes = tuple(quarantine_vote(signer) for signer in range(3))
    parts = select_parts(ledger.state, VALIDATORS, checkpoints=(fast, zk), operator_votes=votes)
    assert parts.checkpoints == (zk,)


def test_parts_keep_within_count_and_bytes(ledger: LedgerWorld) -> None:
    many = tuple(ledger.certified(FAST, number) for number in range(1, 19))
    assert len(select_parts(ledger.state, VALIDATORS, checkpoints=many).checkpoints) == 16
    limit = len(encode(many[0])) * 2
    parts = select_parts(ledger.state, VALIDATORS, checkpoints=many, limit_bytes=limit)
    assert len(parts.checkpoints) == 2
    assert parts.encoded_bytes <= limit


def choose(state: BridgeState, since_zk_ms: int, has_zk_transactions: bool = False) -> object:
    return choose_chain(state, TIMING, state.zk.timestamp_ms + since_zk_ms, has_zk_transactions)


def test_fast_blocks_are_the_rule(ledger: LedgerWorld) -> None:
    assert choose(ledger.state, 0) is FAST
    assert choose(ledger.state, TIMING.zk_idle_interval_ms - 1) is FAST


def test_zk_transactions_wait_for_the_zk_interval(ledger: LedgerWorld) -> None:
    assert choose(ledger.state, TIMING.zk_interval_ms - 1, has_zk_transactions=True) is FAST
    assert choose(ledger.state, TIMING.zk_interval_ms, has_zk_transactions=True) is ZK


def test_messages_for_the_zk_chain_ask_for_a_zk_block(ledger: LedgerWorld) -> None:
    certified = ledger.certified(FAST, 1, count=1)
    parts = select_parts(ledger.state, VALIDATORS, checkpoints=(certified,))
    assert choose(ledger.state, TIMING.zk_interval_ms) is FAST
    assert choose(parts.state, TIMING.zk_interval_ms) is ZK


def test_the_zk_chain_is_told_of_a_quarantine_soon(ledger: LedgerWorld) -> None:
    ledger.quarantine(role=FAST)
    assert choose(ledger.state, TIMING.zk_interval_ms) is ZK


def test_messages_held_by_a_quarantine_ask_for_nothing(ledger: LedgerWorld) -> None:
    queue = (message(FAST, 0),)
    ledger.quarantine()
    held = replace(ledger.state, zk=replace(ledger.state.zk, pending=queue))
    assert choose(held, TIMING.zk_interval_ms) is FAST


def test_an_idle_zk_chain_beats_slowly(ledger: LedgerWorld) -> None:
    assert choose(ledger.state, TIMING.zk_idle_interval_ms) is ZK


def with_distance(state: BridgeState, fast: int, zk: int) -> BridgeState:
    """The state as if the chains' last checkpoints were so many blocks back."""
    for role, distance in ((FAST, fast), (ZK, zk)):
        number = BlockNumber(distance + 10)
        certified = (RetainedCheckpoint(BlockNumber(10), root("state"), 0),)
        chain = replace(state.chain(role), number=number, checkpoints=certified)
        state = state.with_chain(role, chain)
    return state


def test_a_chain_without_room_gives_way_to_the_other(ledger: LedgerWorld) -> None:
    full = MAX_BLOCKS_WITHOUT_CHECKPOINT
    assert choose(with_distance(ledger.state, full, 0), 0) is ZK
    assert choose(with_distance(ledger.state, full - 1, 0), 0) is FAST
    assert choose(with_distance(ledger.state, 0, full), TIMING.zk_idle_interval_ms) is FAST
    assert choose(with_distance(ledger.state, full, full), 0) is None
