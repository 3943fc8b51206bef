"""A node is killed beside every write and every send; settlement ends as if it had not been."""

from dataclasses import dataclass

import pytest

from tests.integration.settlement.conftest import Worlds
from tests.support.settlement_world import Crash, CrashPlan, SettlementWorld

pytestmark = pytest.mark.settlement

BLOCKS = 5
STRIDE = 17
"""The default run tries each seventeenth point; the slow one the others."""


@dataclass(frozen=True)
class Ending:
    """What is the same after every way there."""

    final_block: int
    final_batch: bytes
    nonces: int
    is_anything_open: bool


async def run_with_kill_at(world: SettlementWorld, kill_at: int | None) -> tuple[Ending, int]:
    """Settle a batch, be killed once on the way; gives the ending and the points passed."""
    crashes = CrashPlan(kill_at)
    world.add_blocks(BLOCKS)
    node = world.start_node(crashes=crashes)
    for _ in range(120):
        try:
            await node.tick()
        except Crash:
            await world.kill(node)
            node = world.start_node()
            continue
        if node.pipeline.status.final_block >= BLOCKS and not node.sender.slots:
            break
        await world.next_block()
    final = node.watcher.final_batch()
    assert final is not None
    assert node.sender.status.reverted == 0
    assert node.sender.status.replacements_signed == 0
    ending = Ending(
        final_block=node.watcher.proven_block(),
        final_batch=final,
        nonces=await node.client.nonce(node.sender.address),
        is_anything_open=bool(node.pipeline.open_batches or node.journal.signed),
    )
    return ending, crashes.points


async def endings_differ(worlds: Worlds, points: range) -> list[int]:
    """Points of a kill after which something is not as in the straight run."""
    straight, total = await run_with_kill_at(await worlds.make(), None)
    assert straight == Ending(BLOCKS, straight.final_batch, 10, False)
    assert total > 60, "there are fewer places to be killed at than there were"
    differing = []
    for point in points:
        if point > total:
            break
        ending, _ = await run_with_kill_at(await worlds.make(), point)
        if ending != straight:
            differing.append(point)
    return differing


async def test_a_kill_between_two_steps_changes_nothing(worlds: Worlds) -> None:
    assert await endings_differ(worlds, range(1, 1000, STRIDE)) == []


@pytest.mark.slow
@pytest.mark.parametrize("offset", range(2, STRIDE + 1))
async def test_a_kill_between_any_two_steps_changes_nothing(worlds: Worlds, offset: int) -> None:
    assert await endings_differ(worlds, range(offset, 1000, STRIDE)) == []


async def test_killed_again_and_again(worlds: Worlds) -> None:
    """Each life ends at its seventh point, and still the work gets done."""
    world = await worlds.make()
    world.add_blocks(BLOCKS)
    node = world.start_node(crashes=CrashPlan(7))
    kills = 0
    for _ in range(200):
        try:
            await node.tick()
        except Crash:
            kills += 1
            await world.kill(node)
            node = world.start_node(crashes=CrashPlan(7))
            continue
        if node.pipeline.status.final_block >= BLOCKS:
            break
        await world.next_block()
    assert node.pipeline.status.final_block == BLOCKS
    assert kills >= 5
    assert await node.client.nonce(node.sender.address) == 10
