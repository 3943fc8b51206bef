"""Checkpoints on the ledger and the work that follows from them."""

from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    GENESIS,
    ZK,
    LedgerWorld,
    build_block,
    certify,
    checkpoint_of,
    delivered,
    message,
    messages,
    root,
)

from bridge.checkpoints import needs_checkpoint
from bridge.errors import (
    CheckpointAhead,
    CheckpointNotNewer,
    MessageOutOfOrder,
    QueueFull,
    UnknownChain,
    WrongLedgerDigest,
    WrongNextNonce,
    WrongOutboxRoot,
)
from bridge.rules import has_work
from bridge.state import MAX_PENDING_ZK_ROOTS, MAX_QUEUED_MESSAGES
from bridge.work import (
    MAX_DELIVERIES_PER_BLOCK,
    MAX_DELIVERY_GAS_PER_BLOCK,
    MAX_MESSAGE_GAS,
    MAX_ZK_DELIVERY_CYCLES_PER_BLOCK,
    RecordZkRoot,
    count_deliverable,
    delivery_cycles,
    delivery_gas,
)
from ledger.crossing import CertifiedCheckpoint
from ledger.merkle import EMPTY_ROOT
from ledger.types import BlockNumber, ChainId, ChainRole


@pytest.fixture
def ledger() -> LedgerWorld:
    world = LedgerWorld()
    for _ in range(3):
        world.push(FAST)
        world.push(ZK)
    return world


def reject(
    ledger: LedgerWorld,
    certified: CertifiedCheckpoint,
    error: type[Exception],
    role: ChainRole = ZK,
) -> None:
    with pytest.raises(error):
        ledger.try_push(build_block(ledger.state, role, checkpoints=(certified,)))


def changed(certified: CertifiedCheckpoint, **fields: object) -> CertifiedCheckpoint:
    checkpoint = replace(certified.certificate.checkpoint, **fields)  # type: ignore[arg-type]  # any field
    return replace(certified, certificate=replace(certified.certificate, checkpoint=checkpoint))


def test_messages_of_a_checkpoint_are_delivered_by_the_block_that_carries_it(
    ledger: LedgerWorld,
) -> None:
    certified = ledger.certified(FAST, 2, count=3)
    work = ledger.push(ZK, checkpoints=(certified,))
    assert tuple(item.message for item in work.deliveries) == certified.messages
    assert not has_work(ledger.state, ZK)
    assert ledger.push(ZK).deliveries == ()


def test_messages_wait_for_a_block_of_the_other_chain(ledger: LedgerWorld) -> None:
    certified = ledger.certified(ZK, 2, count=2)
    assert ledger.push(ZK, checkpoints=(certified,)).deliveries == ()
    assert has_work(ledger.state, FAST)
    work = ledger.push(FAST)
    assert tuple(item.message for item in work.deliveries) == certified.messages


def test_zk_roots_reach_the_fast_chain_in_order(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 1),))
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 3),))
    work = ledger.push(FAST)
    assert work.zk_roots == (
        RecordZkRoot(BlockNumber(1), root("state 0 1")),
        RecordZkRoot(BlockNumber(3), root("state 0 3")),
    )
    assert ledger.push(FAST).zk_roots == ()


def test_only_the_newest_zk_roots_are_kept() -> None:
    world = LedgerWorld()
    for number in range(1, 41):
        world.push(ZK)
        world.push(ZK, checkpoints=(world.certified(ZK, number),))
    kept = [entry.number for entry in world.state.pending_zk_roots]
    assert kept == list(range(41 - MAX_PENDING_ZK_ROOTS, 41))


def test_roots_of_the_fast_chain_are_told_to_nobody(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 1),))
    assert ledger.state.pending_zk_roots == ()


def test_system_nonces_count_each_chains_items(ledger: LedgerWorld) -> None:
    ledger.push(FAST, checkpoints=(ledger.certified(ZK, 1, count=2),))
    assert [nonce for nonce, _ in ledger.works[-1].numbered_items()] == [0, 1, 2]
    work = ledger.push(FAST, checkpoints=(ledger.certified(ZK, 2, count=1),))
    assert [nonce for nonce, _ in work.numbered_items()] == [3, 4]
    assert ledger.state.zk.next_system_nonce == 0


def test_both_chains_checkpoints_travel_in_one_block(ledger: LedgerWorld) -> None:
    both = (
        ledger.certified(FAST, 1, count=1),
        ledger.certified(ZK, 1, count=1),
        ledger.certified(ZK, 2),
    )
    # The second ZK checkpoint starts where the first one ends.
    both = (*both[:2], changed(both[2], next_message_nonce=1))
    ledger.push(ZK, checkpoints=both)
    assert (ledger.state.fast.certified.number, ledger.state.zk.certified.number) == (1, 2)


def test_a_quiet_block_may_be_passed_over(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 3, count=1),))
    assert ledger.state.fast.certified.number == 3


def test_a_block_with_messages_may_not_be_passed_over(ledger: LedgerWorld) -> None:
    """Block 1 sent message 0 and block 2 message 1: block 2 cannot come first."""
    sent = messages(FAST, 1, 1)
    reject(ledger, certify(checkpoint_of(ledger.state, FAST, 2, sent), sent), MessageOutOfOrder)
    # Nor can block 3, which sent nothing itself, but knows that two were sent.
    quiet = certify(replace(checkpoint_of(ledger.state, FAST, 3), next_message_nonce=2))
    reject(ledger, quiet, WrongNextNonce)


def test_checkpoints_of_a_chain_only_go_forward(ledger: LedgerWorld) -> None:
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 2),))
    reject(ledger, ledger.certified(FAST, 2), CheckpointNotNewer)
    reject(ledger, ledger.certified(FAST, 1), CheckpointNotNewer)
    ledger.push(ZK, checkpoints=(ledger.certified(FAST, 3),))


def test_a_checkpoint_of_a_block_that_is_not_ordered_is_rejected(ledger: LedgerWorld) -> None:
    reject(ledger, ledger.certified(FAST, 4), CheckpointAhead)
    # Not even a block's own.
    reject(ledger, ledger.certified(FAST, 4), CheckpointAhead, role=FAST)


def test_a_checkpoint_of_another_ledgers_block_is_rejected(ledger: LedgerWorld) -> None:
    certified = ledger.certified(FAST, 2)
    reject(ledger, changed(certified, ledger_digest=root("elsewhere")), WrongLedgerDigest)


def test_a_checkpoint_of_an_unknown_chain_is_rejected(ledger: LedgerWorld) -> None:
    reject(ledger, changed(ledger.certified(FAST, 2), chain_id=ChainId(1)), UnknownChain)


def test_a_checkpoint_under_the_other_chains_id_is_rejected(ledger: LedgerWorld) -> None:
    zk_id = GENESIS.chain(ZK).chain_id
    reject(ledger, changed(ledger.certified(FAST, 2), chain_id=zk_id), WrongLedgerDigest)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda sent: sent[:-1],
        lambda sent: (),
        lambda sent: (*sent, message(FAST, 3)),
        lambda sent: (sent[0], sent[0], sent[2]),
        lambda sent: (sent[1], sent[0], sent[2]),
        lambda sent: (*sent[:2], replace(sent[2], value_wei=10**18)),
        lambda sent: (*sent[:2], replace(sent[2], data=b"more")),
        lambda sent: (*sent[:2], replace(sent[2], source_chain_id=ChainId(7001))),
        lambda sent: (*sent[:2], replace(sent[2], nonce=7)),
    ],
)
def test_messages_that_are_not_the_outbox_are_rejected(ledger: LedgerWorld, tamper) -> None:  # type: ignore[no-untyped-def]  # lambdas
    certified = ledger.certified(FAST, 2, count=3)
    with pytest.raises((MessageOutOfOrder, WrongNextNonce, WrongOutboxRoot)):
        ledger.try_push(
            build_block(
                ledger.state,
                ZK,
                checkpoints=(replace(certified, messages=tamper(certified.messages)),),
            )
        )
    ledger.push(ZK, checkpoints=(certified,))


def test_an_empty_outbox_has_the_root_of_the_empty_tree(ledger: LedgerWorld) -> None:
    certified = ledger.certified(FAST, 2)
    assert certified.certificate.checkpoint.outbox_root == EMPTY_ROOT
    reject(ledger, changed(certified, outbox_root=root("x")), WrongOutboxRoot)


def test_at_most_so_many_messages_are_delivered_per_block(ledger: LedgerWorld) -> None:
    light = tuple(message(ZK, nonce, gas_limit=0) for nonce in range(MAX_DELIVERIES_PER_BLOCK + 10))
    ledger.push(ZK)
    certified = certify(checkpoint_of(ledger.state, ZK, 1, light), light)
    budget = MAX_DELIVERY_GAS_PER_BLOCK // delivery_gas(light[0])
    per_block = min(MAX_DELIVERIES_PER_BLOCK, budget)
    assert len(ledger.push(FAST, checkpoints=(certified,)).deliveries) == per_block
    while has_work(ledger.state, FAST):
        ledger.push(FAST)
    assert delivered(ledger.works, FAST) == list(light)


def test_deliveries_keep_within_the_gas_bound() -> None:
    heavy = tuple(message(ZK, nonce, gas_limit=MAX_MESSAGE_GAS) for nonce in range(100))
    count = count_deliverable(FAST, heavy)
    assert sum(delivery_gas(entry) for entry in heavy[:count]) <= MAX_DELIVERY_GAS_PER_BLOCK
    assert sum(delivery_gas(entry) for entry in heavy[: count + 1]) > MAX_DELIVERY_GAS_PER_BLOCK


@pytest.mark.parametrize("gas_limit", [0, 50_000, 400_000])
def test_what_a_zk_block_delivers_can_be_proved_in_one_proof(
    ledger: LedgerWorld, gas_limit: int
) -> None:
    sent = tuple(message(FAST, nonce, gas_limit=gas_limit) for nonce in range(40))
    ledger.push(ZK, checkpoints=(certify(checkpoint_of(ledger.state, FAST, 2, sent), sent),))
    while has_work(ledger.state, ZK):
        ledger.push(ZK)
    for work in ledger.works:
        cycles = sum(delivery_cycles(entry.message) for entry in work.deliveries)
        assert cycles <= MAX_ZK_DELIVERY_CYCLES_PER_BLOCK
    assert delivered(ledger.works, ZK) == list(sent)


def test_the_heaviest_message_is_delivered_alone() -> None:
    heavy = tuple(message(FAST, nonce, gas_limit=MAX_MESSAGE_GAS) for nonce in range(2))
    assert 2 * delivery_cycles(heavy[0]) > MAX_ZK_DELIVERY_CYCLES_PER_BLOCK
    assert count_deliverable(ZK, heavy) == 1


@pytest.mark.parametrize("role", list(ChainRole))
def test_an_absurd_gas_limit_never_blocks_the_queue(role: ChainRole) -> None:
    absurd = message(role.other, 0, gas_limit=(1 << 63) - 1)
    assert count_deliverable(role, (absurd, message(role.other, 1))) == 2


def test_a_checkpoint_waits_when_the_queue_is_full(ledger: LedgerWorld) -> None:
    sent = messages(ZK, 0, 1024)
    ledger.push(ZK, checkpoints=(certify(checkpoint_of(ledger.state, ZK, 1, sent), sent),))
    fast = ledger.state.fast
    queue = tuple(message(ZK, nonce) for nonce in range(MAX_QUEUED_MESSAGES - 2))
    ledger.state = replace(
        ledger.state,
        fast=replace(fast, pending=queue),
        zk=replace(ledger.state.zk, next_message_nonce=len(queue)),
    )
    reject(ledger, ledger.certified(ZK, 2, count=3), QueueFull)
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 2, count=2),))


def test_a_full_queue_does_not_stop_the_zk_chain_in_a_quarantine(ledger: LedgerWorld) -> None:
    ledger.push(ZK)
    fast = ledger.state.fast
    queue = tuple(message(ZK, nonce) for nonce in range(MAX_QUEUED_MESSAGES))
    ledger.state = replace(
        ledger.state,
        fast=replace(fast, pending=queue),
        zk=replace(ledger.state.zk, next_message_nonce=len(queue)),
    )
    reject(ledger, ledger.certified(ZK, 1, count=1), QueueFull)
    ledger.quarantine()
    ledger.push(ZK, checkpoints=(ledger.certified(ZK, 1, count=1),))


def test_blocks_are_attested_at_intervals_and_when_they_sent_messages() -> None:
    chain = GENESIS.chain(FAST)
    needed = [number for number in range(1, 10) if needs_checkpoint(chain, BlockNumber(number), 0)]
    assert needed == [4, 8]
    assert needs_checkpoint(chain, BlockNumber(5), 1)
