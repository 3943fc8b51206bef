import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from actors.l1.settings import EngineKind
from settlement.deployment import Deployment
from tests.support.l1_harness import AnvilL1, EmbeddedHarness, L1Harness, VirtualTime, find_anvil
from tests.support.settlement_world import (
    KEYS,
    SettlementWorld,
    balances,
    deploy,
    genesis,
)
from tests.support.synthetic_zk import SyntheticZk

START_SECONDS = 1_800_000_000.0


@pytest.fixture(scope="session")
def l1_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--l1"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployed(
    l1_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Deployment] | None:
    """The embedded L1 with the contracts on it, made once and copied for each test."""
    if l1_kind != "embedded":
        return None
    directory = tmp_path_factory.mktemp("deployed") / "l1"
    time = VirtualTime(START_SECONDS)
    l1 = EmbeddedHarness(directory, balances(), time, EngineKind.WASM)
    await l1.start()
    try:
        return directory, await deploy(l1, time, SyntheticZk(genesis(), KEYS))
    finally:
        await l1.stop()


class Worlds:
    """Makes worlds, each with an L1 of its own, and ends them."""

    def __init__(self, deployed: tuple[Path, Deployment] | None, directory: Path) -> None:
        self._deployed = deployed
        self._directory = directory
        self._made: list[SettlementWorld] = []

    async def make(self, engine: EngineKind = EngineKind.WASM) -> SettlementWorld:
        """L1 with the contracts; transactions wait for the test to make a block."""
        await self.close()
        time = VirtualTime(START_SECONDS + 3600)
        directory = self._directory / str(len(list(self._directory.iterdir())))
        directory.mkdir()
        l1: L1Harness
        if self._deployed is not None:
            shutil.copytree(self._deployed[0], directory / "l1")
            embedded = EmbeddedHarness(directory / "l1", balances(), time, engine)
            await embedded.start()
            l1, deployment = embedded, self._deployed[1]
        else:
            l1, deployment = await _start_anvil(time)
        await l1.hold()
        world = SettlementWorld(directory, l1, time, deployment)
        self._made.append(world)
        return world

    async def close(self) -> None:
        for world in self._made:
            await world.close()
        self._made.clear()


@pytest.fixture
async def worlds(deployed: tuple[Path, Deployment] | None, tmp_path: Path) -> AsyncIterator[Worlds]:
    made = Worlds(deployed, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def world(worlds: Worlds) -> SettlementWorld:
    return await worlds.make()


async def _start_anvil(time: VirtualTime) -> tuple[L1Harness, Deployment]:
    binary = find_anvil()
    if binary is None:
        pytest.skip("anvil is not installed: put it on PATH, or name it in BRAID_ANVIL")
    anvil = AnvilL1(binary)
    await anvil.start()
    for address, wei in balances().items():
        await anvil.give(address, wei)
    return anvil, await deploy(anvil, time, SyntheticZk(genesis(), KEYS))
