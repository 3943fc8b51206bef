"""Batches get from final blocks to final on L1, with the real contracts."""

import pytest

from actors.l1.settings import EngineKind
from contracts.l1.batches import BatchStatus
from execution.types import Hash32
from ledger.hashing import keccak
from settlement.batching import BatchPolicy
from settlement.pipeline.plan import Stage
from settlement.pipeline.views import batch_to_prove
from settlement.rollup import decode_word, is_verified_call
from tests.integration.settlement.conftest import Worlds
from tests.support.settlement_world import BATCHES, POSTERS, Node, SettlementWorld

pytestmark = pytest.mark.settlement

TRANSACTIONS_OF_A_BATCH = 10
"""Data, commit, two statements in three parts each, prove, finalize."""


async def used_nonces(node: Node) -> int:
    return await node.client.nonce(node.sender.address)


async def test_a_batch_becomes_final(world: SettlementWorld) -> None:
    node = world.start_node()
    world.add_blocks(5)
    await world.settle_up_to(5)
    status = node.sender.status
    assert status.transactions_signed == await used_nonces(node) == TRANSACTIONS_OF_A_BATCH
    assert (status.replacements_signed, status.reverted, status.displaced) == (0, 0, 0)
    assert node.pipeline.open_batches == ()
    assert node.watcher.proven_block() == 5
    assert node.pipeline.status.problem is None


@pytest.mark.slow
async def test_py_evm_goes_on_where_the_wasm_engine_stopped(worlds: Worlds) -> None:
    """The contracts were deployed on one engine; certificate and batch are checked by the other."""
    world = await worlds.make(EngineKind.PY_EVM)
    world.embedded_only()
    node = world.start_node()
    world.add_blocks(5)
    await world.settle_up_to(5)
    assert await used_nonces(node) == TRANSACTIONS_OF_A_BATCH


async def test_batches_overlap_and_become_final_in_order(world: SettlementWorld) -> None:
    small = BatchPolicy(max_blocks=4, max_age_seconds=30.0)
    node = world.start_node(batches=small)
    world.add_blocks(12)
    await world.settle_up_to(12)
    assert await used_nonces(node) == 3 * TRANSACTIONS_OF_A_BATCH
    finals = [known.committed.last_block for known in node.watcher.batches() if known.is_final]
    assert finals == [4, 8, 12]


async def test_blocks_too_large_for_one_transaction_together_go_in_several(
    world: SettlementWorld,
) -> None:
    node = world.start_node()
    world.add_blocks(3, size_bytes=100_000)
    await world.settle_up_to(3)
    assert await used_nonces(node) == TRANSACTIONS_OF_A_BATCH + 2


async def test_a_batch_waits_for_its_proof(world: SettlementWorld) -> None:
    world.prover.is_slow = True
    node = world.start_node()
    world.add_blocks(2)
    for _ in range(20):
        await world.round()
    ((first, last, stage),) = node.pipeline.status.stages
    assert (first, last, stage) == (1, 2, Stage.PROVING)
    world.prover.is_slow = False
    await world.settle_up_to(2)


async def test_deposits_are_given_out_confirmed_and_consumed(world: SettlementWorld) -> None:
    node = world.start_node()
    await world.deposit(3 * 10**18)
    await node.tick()
    assert node.watcher.messages(0, 10) == ()
    await world.next_block(4)
    await node.tick()
    (message,) = node.watcher.messages(0, 10)
    assert (message.nonce, message.value_wei) == (0, 3 * 10**18)
    world.add_blocks(2)
    world.add_blocks(1, consume=[message])
    await world.settle_up_to(3)
    assert node.watcher.consumed_entries() == 1


async def test_another_poster_with_the_same_cuts_does_no_harm(world: SettlementWorld) -> None:
    one = world.start_node("one", signer=POSTERS[0])
    two = world.start_node("two", signer=POSTERS[1])
    world.add_blocks(6)
    await world.settle_up_to(6)
    for node in (one, two):
        assert node.pipeline.open_batches == ()
        assert node.pipeline.status.alarm is None
    assert [known.committed.last_block for known in one.watcher.batches()] == [6]


async def test_posters_with_other_cuts_agree_in_the_end(world: SettlementWorld) -> None:
    small = BatchPolicy(max_blocks=2, max_age_seconds=30.0)
    one = world.start_node("one", signer=POSTERS[0], batches=small)
    two = world.start_node("two", signer=POSTERS[1], batches=BATCHES)
    world.add_blocks(6)
    await world.settle_up_to(6)
    world.add_blocks(2)
    await world.settle_up_to(8)
    for node in (one, two):
        assert node.pipeline.status.alarm is None
        assert node.watcher.proven_block() == 8


async def test_a_new_node_takes_over_where_others_got(world: SettlementWorld) -> None:
    first = world.start_node("first", signer=POSTERS[0])
    world.add_blocks(4)
    await world.settle_up_to(4)
    await world.kill(first)
    second = world.start_node("second", signer=POSTERS[1])
    world.add_blocks(3)
    await world.settle_up_to(7)
    assert await used_nonces(second) == TRANSACTIONS_OF_A_BATCH


async def test_a_node_whose_blocks_differ_from_the_settled_ones_stops(
    world: SettlementWorld,
) -> None:
    first = world.start_node("first", signer=POSTERS[0])
    world.add_blocks(4)
    await world.settle_up_to(4)
    await world.kill(first)
    world.chain.falsify(2)
    second = world.start_node("second", signer=POSTERS[1])
    await world.round()
    assert "data chain" in (second.pipeline.status.alarm or "")
    world.add_blocks(3)
    await world.round()
    assert await used_nonces(second) == 0


async def test_a_block_that_fits_no_transaction_stops_settlement_with_a_word(
    world: SettlementWorld,
) -> None:
    node = world.start_node()
    world.add_blocks(1)
    world.add_blocks(1, size_bytes=124_001)
    await world.round()
    alarm = "block 2 has 124001 bytes of data, limit is 124000"
    assert node.pipeline.status.alarm == alarm
    await world.kill(node)
    again = world.start_node()
    await world.round()
    assert again.pipeline.status.alarm == alarm
    assert await used_nonces(again) == 0


async def test_a_batch_is_committed_and_proved_anew_under_another_verifier(
    world: SettlementWorld,
) -> None:
    world.prover.is_slow = True
    node = world.start_node()
    world.add_blocks(2)
    for _ in range(12):
        await world.round()
    (batch,) = node.pipeline.open_batches
    batch_id = Hash32(batch.batch_id)
    generation = await node.reader.generation()
    assert await node.reader.status(batch_id, generation) is BatchStatus.COMMITTED
    verifier = await world.change_verifier()
    assert await node.reader.generation() == generation + 1
    # The commit of before does not count any more.
    assert await node.reader.status(batch_id, generation + 1) is BatchStatus.UNKNOWN
    world.prover.is_slow = False
    await world.settle_up_to(2)
    assert (await node.reader.on_l1(batch_id)).generation == generation + 1
    statement = Hash32(keccak((await world.prover.proofs(batch_to_prove(batch)))[0].statement))
    for place, is_verified in ((verifier, 1), (world.deployment.verifier, 0)):
        output = await node.client.call(place, is_verified_call(statement))
        assert decode_word(output) == is_verified
