"""The validator's actor lives through epochs: its keys are replaced, its port and disk stay."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from local_network import LocalBridge, LocalExecutor

import actors.validator.actor as actor_module
import actors.validator.assembly as assembly
from actors.boot import load_keyring
from actors.validator.actor import ValidatorActor
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.network import Network
from cluster.validators import newcomer_of_node
from ledger.codec import decode, encode
from ledger.membership import Newcomer, Replacement, ValidatorSetChange, change_digest
from ledger.types import ChainRole, Epoch, Height, ValidatorIndex

ROTATED = 2


class Executors:
    """Executors that outlive a node, as actors of their own do."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._known: dict[str, LocalExecutor] = {}

    def __call__(self, name: str) -> LocalExecutor:
        node, part = name.split("/")
        role = ChainRole[part.removeprefix("executor-").upper()]
        directory = self._network.directory / node / role.name.lower()
        if name not in self._known:
            self._known[name] = LocalExecutor(role, self._network.genesis, directory)
        return self._known[name]

    def close(self) -> None:
        for executor in self._known.values():
            executor.kill()


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return create_dev_network(tmp_path / "network", 4, PortPlan(None, None))


@pytest.fixture
async def actors(network: Network, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Any]]:
    """All four validators' actors, in this process, on libp2p."""
    executors = Executors(network)

    def bridge(name: str) -> LocalBridge:
        index = int(name.split("/")[0].removeprefix("node-"))
        return LocalBridge(network.genesis, *load_keyring(network.nodes[index]))

    monkeypatch.setattr(actor_module, "configure_logs", lambda config, part: None)
    monkeypatch.setattr(assembly, "RemoteExecutor", executors)
    monkeypatch.setattr(assembly, "RemoteBridge", bridge)
    made = [ValidatorActor.__ray_metadata__.modified_class(config) for config in network.nodes]
    yield made
    for actor in made:
        await actor.stop()
    executors.close()


async def wait_until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_keys_are_replaced_while_all_actors_run(
    network: Network, actors: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "v2.newcomer"
    newcomer_of_node(network.directory, ROTATED, None, None, file)
    newcomer = decode(file.read_bytes(), Newcomer, limit_bytes=4096)
    for actor in actors:
        await actor.ready()
    height = await actors[0].ledger_height()
    replaced = (Replacement(ValidatorIndex(ROTATED), newcomer),)
    change = ValidatorSetChange(Epoch(0), Height(height + 40), (), replaced, ())
    await actors[0].propose_change(encode(change))
    for actor in actors[1:]:

        async def is_proposed(actor: Any = actor) -> bool:
            return bool((await actor.epoch())["open_changes"])

        await wait_until(is_proposed)
        await actor.vote_change(change_digest(change))

    async def is_next_epoch() -> bool:
        epochs = [(await actor.epoch())["epoch"] for actor in actors]
        return epochs == [1, 1, 1, 1]

    await wait_until(is_next_epoch)
    before = await actors[0].ledger_height()

    async def have_all_gone_on() -> bool:
        heights = [await actor.ledger_height() for actor in actors]
        return min(heights) > before + 10

    await wait_until(have_all_gone_on)
    found = await actors[ROTATED].epoch()
    assert found["validator"] == ROTATED
    key = "0x" + newcomer.member.entry.consensus_key.hex()
    assert found["validators"][ROTATED]["consensus_key"] == key
    proposers = set()
    for at in range(before + 1, before + 11):
        block = await actors[0].ledger_block(at)
        assert block is not None
        proposers.add(block["header"]["proposer"])
    assert ROTATED in proposers
    assert (await actors[1].status())["epoch"] == 1
