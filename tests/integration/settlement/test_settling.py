"""Batches get from final blocks to final on L1, with the real contracts."""

import pytest

from tests.support.settlement_world import SettlementWorld

pytestmark = pytest.mark.settlement


async def test_a_batch_becomes_final(world: SettlementWorld) -> None:
    node = world.start_node()
    world.add_blocks(5)
    await world.settle_up_to(5)
    status = node.sender.status
    # Data, commit, two statements in three parts each, prove, finalize.
    assert (status.transactions_signed, status.replacements_signed) == (10, 0)
    assert status.reverted == 0
    assert node.pipeline.open_batches == ()
    assert node.watcher.proven_block() == 5
