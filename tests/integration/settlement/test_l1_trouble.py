"""L1 reorganises, goes down, gets dear, forgets; settlement is late, and loses nothing."""

import pytest
from eth_account import Account

from execution.types import ZERO_HASH
from settlement import rollup
from settlement.l1.account import Call
from tests.integration.settlement.conftest import Worlds
from tests.support.settlement_world import (
    GWEI,
    POSTERS,
    USER,
    Node,
    SettlementWorld,
    address_of,
)

pytestmark = pytest.mark.settlement

ROUNDS_OF_A_BATCH = 30


async def nonces(node: Node) -> int:
    return await node.client.nonce(node.sender.address)


async def settle_with_reorg(world: SettlementWorld, at_round: int) -> Node:
    """A batch of five blocks; L1 drops its three newest blocks once."""
    node = world.start_node()
    world.add_blocks(5)
    for _ in range(at_round):
        await world.round()
    await world.l1.reorg(3)
    await world.settle_up_to(5)
    return node


@pytest.mark.parametrize("at_round", range(4, ROUNDS_OF_A_BATCH, 8))
async def test_a_reorg_of_depth_3_costs_time_only(world: SettlementWorld, at_round: int) -> None:
    node = await settle_with_reorg(world, at_round)
    assert await nonces(node) == 10
    assert node.sender.status.reverted == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "at_round", [count for count in range(3, ROUNDS_OF_A_BATCH) if (count - 4) % 8]
)
async def test_a_reorg_of_depth_3_at_any_step(world: SettlementWorld, at_round: int) -> None:
    node = await settle_with_reorg(world, at_round)
    assert await nonces(node) == 10
    assert node.sender.status.reverted == 0


async def test_reorgs_again_and_again(world: SettlementWorld) -> None:
    node = world.start_node()
    world.add_blocks(5)
    for count in range(200):
        await world.round()
        if node.pipeline.status.final_block == 5:
            break
        if count % 6 == 5:
            await world.l1.reorg(3)
    assert node.pipeline.status.final_block == 5
    assert await nonces(node) == 10


async def test_what_was_given_out_survives_a_reorg_within_the_confirmations(
    world: SettlementWorld,
) -> None:
    node = world.start_node()
    await world.deposit(1)
    await world.next_block(3)
    await node.tick()
    (given,) = node.watcher.messages(0, 10)
    await world.deposit(2)
    await node.tick()
    await world.l1.reorg(3)
    await world.deposit(5)
    await world.next_block(4)
    await node.tick()
    assert node.watcher.messages(0, 1) == (given,)
    # The deposit of 2 wei was dropped before anyone was told of it.
    assert [message.value_wei for message in node.watcher.messages(0, 10)] == [1, 5]


async def test_a_reorg_deeper_than_the_confirmations_is_an_alarm(world: SettlementWorld) -> None:
    node = world.start_node()
    await world.next_block(8)
    await node.tick()
    assert node.pipeline.status.alarm is None
    await world.l1.reorg(7)
    await node.tick()
    assert "was confirmed" in (node.pipeline.status.alarm or "")
    world.add_blocks(3)
    await world.round()
    assert await nonces(node) == 0


async def test_l1_is_down_for_a_minute(world: SettlementWorld) -> None:
    world.embedded_only()
    node = world.start_node()
    world.add_blocks(5)
    for _ in range(4):
        await world.round()
    await world.l1.go_down()
    for _ in range(5):
        status = await node.tick()
        assert "L1 is down" in (status.problem or "")
        world.time.advance(12)
    await world.l1.come_back()
    await world.settle_up_to(5)
    assert node.pipeline.status.problem is None
    assert await nonces(node) == 10


async def test_l1_forgets_its_mempool(world: SettlementWorld) -> None:
    node = world.start_node()
    world.add_blocks(5)
    for _ in range(6):
        await node.tick()
        await world.l1.drop_mempool()
        await world.next_block()
    await world.settle_up_to(5)
    assert await nonces(node) == 10


async def test_fees_rise_after_a_transaction_was_sent(world: SettlementWorld) -> None:
    node = world.start_node()
    world.add_blocks(5)
    await node.tick()
    await world.l1.set_base_fee(60 * GWEI)
    await world.keep_base_fee_for(8, node)
    await world.settle_up_to(5)
    assert node.sender.status.replacements_signed >= 1
    assert await nonces(node) == 10


async def test_l1_is_dearer_than_the_limit_for_a_while(world: SettlementWorld) -> None:
    node = world.start_node()
    await world.l1.set_base_fee(300 * GWEI)
    world.add_blocks(5)
    status = await node.tick()
    assert "the limit" in (status.problem or "")
    assert await nonces(node) == 0
    await world.l1.set_base_fee(20 * GWEI)
    await world.settle_up_to(5)
    assert await nonces(node) == 10


async def test_somebody_else_uses_our_nonce(world: SettlementWorld) -> None:
    node = world.start_node()
    world.add_blocks(5)
    await node.tick()
    await world.l1.drop_mempool()
    await world.send_as(POSTERS[0], nonce=0, tip_wei=3 * GWEI)
    await world.settle_up_to(5)
    assert node.sender.status.displaced == 1
    assert await nonces(node) == 11


async def test_a_foreign_transaction_that_vanishes_leaves_a_gap_which_is_filled(
    world: SettlementWorld,
) -> None:
    node = world.start_node()
    await world.send_as(POSTERS[0], nonce=0)
    world.add_blocks(5)
    await node.tick()
    assert [slot.nonce for slot in node.sender.slots] == [1]
    await world.l1.drop_mempool()
    await world.settle_up_to(5)
    assert await nonces(node) == 11


async def test_an_underpriced_replacement_is_raised_until_it_is_taken(
    world: SettlementWorld,
) -> None:
    node = world.start_node()
    world.add_blocks(5)
    await node.tick()
    (slot,) = node.sender.slots
    await world.l1.drop_mempool()
    dear = 2 * slot.last.fees.max_fee_wei
    await world.send_as(POSTERS[0], nonce=0, tip_wei=GWEI // 2, max_fee_wei=dear)
    for _ in range(20):
        world.time.advance(36)
        await node.tick()
        (slot,) = node.sender.slots
        if not slot.is_underpriced and slot.last.fees.max_fee_wei > dear:
            break
    await world.settle_up_to(5)
    assert await nonces(node) == 10
    assert node.sender.status.displaced == 0


async def test_a_poster_without_money_says_so(world: SettlementWorld) -> None:
    poor = Account.from_key(b"\x07" * 32)
    node = world.start_node(signer=poor)
    world.add_blocks(5)
    status = await node.tick()
    assert "cannot pay" in (status.problem or "") or "insufficient" in (status.problem or "")
    await world.send_as(USER, nonce=0, to=address_of(poor), value_wei=10**18)
    await world.next_block()
    await world.settle_up_to(5)


async def test_the_embedded_l1_restarts_in_between(worlds: Worlds) -> None:
    world = await worlds.make()
    world.embedded_only()
    node = world.start_node()
    world.add_blocks(5)
    for _ in range(3):
        for _ in range(5):
            await world.round()
        await node.tick()
        await world.l1.go_down()
        await world.l1.come_back()
    await world.settle_up_to(5)
    assert await nonces(node) == 10


async def test_a_transaction_that_reverts_says_why(world: SettlementWorld) -> None:
    node = world.start_node()
    await node.sender.observe()
    call = Call(world.deployment.rollup, rollup.finalize_batch_call(ZERO_HASH, 0), 300_000, "bad")
    await node.sender.ensure([call])
    await world.next_block(4)
    await node.sender.observe()
    assert node.sender.status.reverted == 1
    assert node.sender.status.problem == "bad reverted: batches: already final"


async def test_calls_in_flight_keep_their_order(world: SettlementWorld) -> None:
    node = world.start_node()
    calls = [Call(address_of(USER), bytes([index]), 50_000, f"call {index}") for index in range(5)]
    await node.sender.observe()
    await node.sender.ensure(calls)
    await node.sender.ensure(calls)
    assert [slot.call.purpose for slot in node.sender.slots] == [call.purpose for call in calls]
    await world.next_block(5)
    await node.sender.observe()
    assert node.sender.slots == ()
    assert node.sender.status.transactions_settled == 5
