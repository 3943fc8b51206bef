"""A node's settlement as it is put together for use: real clocks, its own loop."""

import asyncio
import time
from dataclasses import replace

import pytest

from ledger.types import ChainId
from settlement.node import L1View, SettlementConfig, Settler, SettlerParts
from tests.support.settlement_world import BATCHES, POSTERS, SettlementWorld
from tests.support.synthetic_zk import PartPoster

pytestmark = pytest.mark.settlement


def view_of(world: SettlementWorld, **changes: object) -> L1View:
    config = SettlementConfig(world.l1.url, world.deployment, confirmations=1, poll_seconds=0.01)
    return L1View(replace(config, **changes))  # type: ignore[arg-type]  # fields of the config


async def test_one_node_settles_and_another_only_watches(world: SettlementWorld) -> None:
    await world.l1.rpc("evm_setAutomine", True)  # type: ignore[attr-defined]  # of both harnesses
    for _ in range(3):
        world.chain.add(time.time() - 100)
    settling, watching = view_of(world), view_of(world)
    parts = SettlerParts(world.chain, world.prover, PartPoster(), POSTERS[0])
    settler = Settler(settling, world.directory / "settler", parts, BATCHES)
    tasks = [asyncio.create_task(settler.run()), asyncio.create_task(watching.run())]
    async with asyncio.timeout(60):
        while watching.proven_block() < 3 or settling.proven_block() < 3:
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (settling.alarm, watching.alarm) == (None, None)
    settler.close()
    await settling.close()
    await watching.close()


async def test_another_chain_at_the_endpoint_is_an_alarm(world: SettlementWorld) -> None:
    other = replace(world.deployment, l1_chain_id=ChainId(5))
    view = view_of(world, deployment=other)
    await view.poll()
    assert "serves chain 271800, expected 5" in (view.alarm or "")
    await view.close()


async def test_an_l1_that_is_away_is_a_problem_and_no_alarm(world: SettlementWorld) -> None:
    view = view_of(world, url="http://127.0.0.1:1")
    await view.poll()
    assert "Connect" in (view.problem or "")
    assert view.alarm is None
    await view.close()
