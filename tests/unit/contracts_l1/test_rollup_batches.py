"""A batch becomes final with a certificate and a proof of exactly what was posted; never else."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.outbox import message_leaf
from contracts.l1 import BatchStatus, checkpoint_tuple
from contracts.l1.batches import GENESIS_BATCH
from execution.block_data import extend_chain
from execution.statement import Accumulators, Statement
from execution.types import Address, Hash32
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import BlockNumber, ChainId, Digest, EvmHash
from tests.support.engine_chain import ETHER, MOST_TRANSACTION_GAS
from tests.support.rollup_world import (
    ALICE,
    BOB,
    FAST_CHAIN_ID,
    INCLUSION_SECONDS,
    MALLORY,
    POSTER,
    Batch,
    RollupWorld,
    prove_arguments,
)

OTHER_HASH = Hash32(keccak(b"another"))


def committed(world: RollupWorld) -> Batch:
    """A committed batch with one deposit."""
    world.deposit_eth(ALICE, ETHER)
    world.deliver()
    batch = world.batch()
    world.commit(batch)
    return batch


def refused_proof(world: RollupWorld, batch: Batch, *statements: Statement) -> str:
    """Prove a batch by statements that the verifier knows; what the Rollup says against it."""
    world.register(*statements)
    return world.rollup.refusal(MALLORY, "prove_batch", *prove_arguments(batch, *statements))


# ---- WHAT SETTLES ----


def test_a_batch_with_certificate_and_proof_becomes_final(world: RollupWorld) -> None:
    batch = committed(world)
    world.prove(batch)
    outcome = world.finalize(batch)

    assert world.rollup.view("final_state_root") == batch.checkpoint.state_root
    assert world.rollup.view("final_block_number") == batch.checkpoint.number
    assert world.rollup.view("final_block_hash") == batch.checkpoint.block_hash
    assert world.rollup.view("final_batch") == batch.id
    assert world.rollup.view("consumed_entries") == 1
    assert world.rollup.view("batch", batch.id)[0] == BatchStatus.FINAL
    assert world.rollup.events(outcome, "BatchFinalized") == [
        {
            "id": batch.id,
            "last_block": batch.checkpoint.number,
            "state_root": batch.checkpoint.state_root,
            "consumed": 1,
        }
    ]


def test_the_genesis_is_the_first_final_batch(world: RollupWorld) -> None:
    status, _, parent, end, *_ = world.rollup.view("batch", GENESIS_BATCH)
    assert (status, parent) == (BatchStatus.FINAL, GENESIS_BATCH)
    assert end[:3] == (
        0,
        world.settings.genesis_block_hash,
        world.settings.genesis_state_root,
    )


def test_batches_follow_each_other_and_are_proved_in_segments(world: RollupWorld) -> None:
    world.settle(committed_and_uncommitted(world))
    for _ in range(3):
        world.zk.block()
    second = world.batch(segment_ends=(3, 4))
    assert len(second.statements) == 3
    world.settle(second)
    assert world.rollup.view("final_block_number") == world.zk.head


def committed_and_uncommitted(world: RollupWorld) -> Batch:
    """A batch of two blocks, not committed."""
    world.deposit_eth(BOB, ETHER)
    world.deliver()
    world.zk.block()
    return world.batch()


def test_a_child_is_proved_before_its_parent_is_final(world: RollupWorld) -> None:
    first = committed(world)
    world.zk.block()
    second = world.batch()
    world.commit(second)
    world.prove(first)
    world.prove(second)
    assert "parent is not the last final" in world.rollup.refusal(
        POSTER, "finalize_batch", second.id, second.consumed
    )
    world.finalize(first)
    world.finalize(second)


def test_every_step_of_a_batch_fits_a_transaction_with_room(world: RollupWorld) -> None:
    batch = committed_and_uncommitted(world)
    gas = {
        "post": world.post(batch).gas_used,
        "commit": world.rollup.must(
            POSTER, "commit_batch", *world.commit_arguments(batch)
        ).gas_used,
        "prove": world.prove(batch).gas_used,
        "finalize": world.finalize(batch).gas_used,
    }
    assert max(gas.values()) < 1_000_000 < MOST_TRANSACTION_GAS, gas


# ---- THE STATEMENT ----


def test_a_wrong_state_root_is_refused(world: RollupWorld) -> None:
    batch = committed(world)
    (statement,) = batch.statements
    wrong = replace(statement, new_state_root=OTHER_HASH)
    assert refused_proof(world, batch, wrong) == "batches: another state root"


def test_a_wrong_block_hash_is_refused(world: RollupWorld) -> None:
    batch = committed(world)
    (statement,) = batch.statements
    wrong = replace(statement, last_block_hash=OTHER_HASH)
    assert refused_proof(world, batch, wrong) == "batches: another block hash"


def test_a_wrong_data_hash_is_refused(world: RollupWorld) -> None:
    batch = committed(world)
    (statement,) = batch.statements
    after = replace(statement.after, block_data=OTHER_HASH)
    wrong = replace(statement, after=after)
    assert refused_proof(world, batch, wrong) == "batches: another data chain"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain_id": FAST_CHAIN_ID}, "statement: another chain"),
        ({"l1_chain_id": 1}, "statement: another L1"),
        ({"is_base_fee_zero": False}, "statement: another base fee rule"),
        ({"first_block": 2}, "statement: another first block"),
        ({"first_block": 0}, "statement: another first block"),
        ({"last_block": 0}, "statement: no block"),
        ({"last_block": 2}, "batches: another last block"),
        ({"previous_state_root": OTHER_HASH}, "statement: another previous state root"),
        ({"previous_block_hash": OTHER_HASH}, "statement: another previous block hash"),
    ],
)
def test_a_statement_of_another_place_is_refused(
    world: RollupWorld, changes: dict[str, Any], reason: str
) -> None:
    batch = committed(world)
    (statement,) = batch.statements
    assert refused_proof(world, batch, replace(statement, **changes)) == reason


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        ("block_data", "statement: another previous data"),
        ("deposits", "statement: another previous deposit"),
        ("inbound", "statement: other previous messages"),
        ("certificates", "statement: other previous messages"),
        ("outbox", "statement: other previous messages"),
    ],
)
def test_every_hash_chain_goes_on_from_the_parent(
    world: RollupWorld, chain: str, reason: str
) -> None:
    batch = committed(world)
    (statement,) = batch.statements
    before = replace(statement.before, **{chain: OTHER_HASH})
    assert refused_proof(world, batch, replace(statement, before=before)) == reason


def test_a_true_certificate_without_a_proof_is_not_enough(world: RollupWorld) -> None:
    batch = committed(world)
    unverified = prove_arguments(batch)
    assert world.rollup.refusal(MALLORY, "prove_batch", *unverified) == (
        "batches: a statement is not verified"
    )
    assert "not proven" in world.rollup.refusal(MALLORY, "finalize_batch", batch.id, 1)


def test_no_statement_at_all_proves_nothing(world: RollupWorld) -> None:
    batch = committed(world)
    assert world.rollup.refusal(MALLORY, "prove_batch", batch.id, []) == "batches: no statement"


def test_a_proof_counts_once_and_for_its_batch_only(world: RollupWorld) -> None:
    first = committed(world)
    world.prove(first)
    assert world.rollup.refusal(POSTER, "prove_batch", *prove_arguments(first)) == (
        "batches: already proven"
    )
    world.finalize(first)
    world.zk.block()
    second = world.batch()
    world.commit(second)
    replayed = prove_arguments(second, *first.statements)
    assert world.rollup.refusal(POSTER, "prove_batch", *replayed) == (
        "statement: another first block"
    )
    twice = prove_arguments(second, *second.statements, *second.statements)
    world.register(*second.statements)
    assert world.rollup.refusal(POSTER, "prove_batch", *twice) == "statement: another first block"


def test_segments_are_all_there_and_in_order(world: RollupWorld) -> None:
    for _ in range(3):
        world.zk.block()
    batch = world.batch(segment_ends=(1, 2))
    world.commit(batch)
    first, second, third = batch.statements
    assert refused_proof(world, batch, first, third) == "statement: another first block"
    assert refused_proof(world, batch, second, first, third) == "statement: another first block"
    assert refused_proof(world, batch, first, second) == "batches: another last block"
    world.prove(batch)


@pytest.mark.parametrize("cut", [1, 32, 704])
def test_a_cut_statement_is_refused_even_if_verified(world: RollupWorld, cut: int) -> None:
    batch = committed(world)
    _, (encoded,) = prove_arguments(batch)
    for raw in (encoded[:-cut], encoded + bytes(cut)):
        assert world.l1.transact(POSTER, world.verifier, keccak(raw)).is_success
        reason = world.rollup.refusal(POSTER, "prove_batch", batch.id, [raw])
        assert reason in ("statement: too short", "statement: another length")


def test_a_statement_of_another_kind_is_refused(world: RollupWorld) -> None:
    batch = committed(world)
    _, (encoded,) = prove_arguments(batch)
    other = keccak(b"Braid batch statement 2") + encoded[32:]
    assert world.l1.transact(POSTER, world.verifier, keccak(other)).is_success
    assert world.rollup.refusal(POSTER, "prove_batch", batch.id, [other]) == (
        "statement: another domain"
    )


# ---- THE CERTIFICATE ----


def test_a_true_proof_without_a_certificate_is_not_enough(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.post(batch)
    world.register(*batch.statements)
    assert world.rollup.refusal(POSTER, "prove_batch", *prove_arguments(batch)) == (
        "batches: unknown batch"
    )
    certificate = world.certificate(batch.checkpoint, signers=(0, 1))
    fields = checkpoint_tuple(batch.checkpoint)
    commit = (batch.parent, fields, *certificate, batch.data_chain)
    assert world.rollup.refusal(POSTER, "commit_batch", *commit) == "registry: no quorum"


def test_a_certificate_of_another_genesis_is_refused(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.post(batch)
    other = Digest(keccak(b"another genesis"))
    certificate = world.certificate(batch.checkpoint, genesis=other)
    fields = checkpoint_tuple(batch.checkpoint)
    commit = (batch.parent, fields, *certificate, batch.data_chain)
    assert world.rollup.refusal(POSTER, "commit_batch", *commit) == (
        "registry: signature does not verify"
    )


def test_a_checkpoint_of_the_fast_chain_is_refused(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.post(batch)
    checkpoint = replace(batch.checkpoint, chain_id=ChainId(FAST_CHAIN_ID))
    commit = world.commit_arguments(replace(batch, checkpoint=checkpoint))
    assert world.rollup.refusal(POSTER, "commit_batch", *commit) == (
        "batches: checkpoint of another chain"
    )


def test_a_checkpoint_that_was_changed_after_signing_is_refused(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.post(batch)
    parent, _, signers, signature, chain = world.commit_arguments(batch)
    changed = replace(batch.checkpoint, state_root=EvmHash(OTHER_HASH))
    commit = (parent, checkpoint_tuple(changed), signers, signature, chain)
    assert world.rollup.refusal(POSTER, "commit_batch", *commit) == (
        "registry: signature does not verify"
    )


# ---- COMMITS ----


def test_a_batch_is_committed_once(world: RollupWorld) -> None:
    batch = committed(world)
    again = world.commit_arguments(batch)
    assert world.rollup.refusal(POSTER, "commit_batch", *again) == "batches: already committed"
    assert world.rollup.view("batch", batch.id)[0] == BatchStatus.COMMITTED


def test_an_unknown_parent_is_refused(world: RollupWorld) -> None:
    batch = committed(world)
    orphan = world.commit_arguments(replace(batch, parent=OTHER_HASH))
    assert world.rollup.refusal(POSTER, "commit_batch", *orphan) == "batches: unknown parent"


def test_data_that_was_not_posted_is_refused(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    commit = world.commit_arguments(batch)
    assert world.rollup.refusal(POSTER, "commit_batch", *commit) == (
        "batches: the data was not posted"
    )


def test_a_checkpoint_at_the_parents_block_or_before_is_refused(world: RollupWorld) -> None:
    batch = committed(world)
    for number in (0, 1):
        checkpoint = replace(batch.checkpoint, number=BlockNumber(number))
        child = replace(batch, parent=batch.id, checkpoint=checkpoint)
        assert world.rollup.refusal(POSTER, "commit_batch", *world.commit_arguments(child)) == (
            "batches: no block after the parent"
        )


def test_a_batch_cannot_be_proved_before_its_parent(world: RollupWorld) -> None:
    committed(world)
    world.zk.block()
    second = world.batch()
    world.commit(second)
    world.register(*second.statements)
    assert world.rollup.refusal(POSTER, "prove_batch", *prove_arguments(second)) == (
        "batches: the parent is not proven"
    )


def test_of_two_siblings_only_one_becomes_final(world: RollupWorld) -> None:
    world.zk.block()
    short = world.batch()
    world.last_id, world.last_block, world.end = GENESIS_BATCH, 0, Accumulators()
    world.zk.block()
    long = world.batch()
    for batch in (short, long):
        world.commit(batch)
        world.prove(batch)
    world.finalize(long)
    assert "parent is not the last final" in world.rollup.refusal(
        POSTER, "finalize_batch", short.id, 0
    )


def test_a_batch_becomes_final_once(world: RollupWorld) -> None:
    batch = committed(world)
    world.prove(batch)
    world.finalize(batch)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 1) == "batches: already final"


# ---- THE QUEUE ----


def with_deposits(world: RollupWorld, delivered: int) -> Batch:
    """A proven batch that delivers only some of three deposits."""
    for _ in range(3):
        world.deposit_eth(ALICE, ETHER)
    world.deliver(delivered)
    batch = world.batch()
    world.commit(batch)
    world.prove(batch)
    return batch


def test_a_skipped_deposit_cannot_become_final(world: RollupWorld) -> None:
    first, second = (world.deposit_eth(ALICE, value) for value in (ETHER, 2 * ETHER))
    skipping = [replace(second, nonce=0)]
    world.zk.block(messages=skipping)
    batch = world.batch()
    world.commit(batch)
    world.prove(batch)
    assert first.nonce == 0
    for consumed in (0, 1, 2):
        assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, consumed) == (
            "batches: other deposits than in the queue"
        )


def test_an_invented_deposit_cannot_become_final(world: RollupWorld) -> None:
    genuine = world.deposit_eth(ALICE, ETHER)
    for number, invented in enumerate(
        (replace(genuine, value_wei=2 * ETHER), replace(genuine, target=BOB.address, nonce=1))
    ):
        world.zk.block(messages=[invented])
        batch = world.batch()
        world.commit(batch)
        world.prove(batch)
        reason = world.rollup.refusal(POSTER, "finalize_batch", batch.id, 1)
        assert reason.startswith("batches: "), number
        assert not world.rollup.view("final_block_number")


def test_more_entries_than_there_are_cannot_be_consumed(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.commit(batch)
    world.prove(batch)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 1) == "queue: fewer entries"
    world.finalize(batch)


@pytest.mark.parametrize("claimed", [0, 1, 3])
def test_another_number_of_consumed_entries_is_refused(world: RollupWorld, claimed: int) -> None:
    batch = with_deposits(world, delivered=2)
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, claimed) == (
        "batches: other deposits than in the queue"
    )
    world.finalize(batch)


def test_a_batch_that_leaves_a_due_entry_out_cannot_become_final(world: RollupWorld) -> None:
    for _ in range(2):
        world.deposit_eth(ALICE, ETHER)
    world.deliver(1)
    batch = world.batch()
    world.l1.pass_time(INCLUSION_SECONDS)
    world.commit(batch)
    world.prove(batch)
    assert world.rollup.view("due_entries") == 2
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 1) == (
        "batches: a due entry is not consumed"
    )
    world.deliver()
    world.last_id, world.last_block, world.end = GENESIS_BATCH, 0, Accumulators()
    world.settle()


def test_an_entry_that_is_not_due_yet_may_wait(world: RollupWorld) -> None:
    batch = with_deposits(world, delivered=1)
    assert world.rollup.view("due_entries") == 0
    world.finalize(batch)


def test_what_was_consumed_stays_consumed(world: RollupWorld) -> None:
    batch = committed(world)
    world.prove(batch)
    world.finalize(batch)
    world.zk.block()
    second = world.batch()
    world.commit(second)
    world.prove(second)
    assert world.rollup.refusal(POSTER, "finalize_batch", second.id, 0) == (
        "batches: entries consumed twice"
    )
    world.finalize(second)


def test_the_queue_is_the_statements_chain(world: RollupWorld) -> None:
    for value in (1, 2, 3):
        world.deposit_eth(ALICE, value)
    world.deliver()
    (statement,) = world.batch().statements
    leaves = (Hash32(keccak(message_leaf(message))) for message in world.queue)
    assert world.rollup.view("queue_hash", 3) == statement.after.deposits
    assert statement.after.deposits == extend_chain(Hash32(bytes(32)), leaves)


def test_what_the_fast_chain_sends_is_no_deposit(world: RollupWorld) -> None:
    target = Address(ALICE.address)
    message: Message = world.zk.from_fast(MALLORY.address, target, value_wei=ETHER)
    (receipt,) = world.zk.block(messages=[message])
    assert receipt.is_success
    (statement,) = world.batch().statements
    assert statement.after.deposits == bytes(32)
    assert statement.inflows == {Address(bytes(20)): ETHER}
