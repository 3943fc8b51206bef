"""A validator and its bridge agree on the epoch, whichever of them is older."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from actors.bridge.actor import BridgeActor
from actors.bridge.errors import OtherEpoch
from actors.config import NodeConfig
from actors.validator.clients import PartUnavailable
from actors.validator.remote import RemoteBridge
from cluster.dev_genesis import PortPlan, create_dev_network
from ledger.keys import ValidatorKeys
from ledger.membership import Member
from ledger.types import BlockNumber, ChainRole, Epoch
from ledger.validators import ValidatorSet

CERTIFIED = {ChainRole.ZK: BlockNumber(0), ChainRole.FAST: BlockNumber(0)}


class DirectLink:
    """Calls an actor's class in this process, as Ray would in another."""

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self.calls: list[str] = []
        self.restart()

    def restart(self) -> None:
        self.actor: Any = BridgeActor.__ray_metadata__.modified_class(self._config)

    async def call(self, method: str, *arguments: Any) -> Any:
        self.calls.append(method)
        return getattr(self.actor, method)(*arguments)


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    node = create_dev_network(tmp_path, 4, PortPlan(None, None)).nodes[2]
    node.later_seed_file(1).write_bytes(bytes([60]) * 32)
    return node


@pytest.fixture
def link(config: NodeConfig) -> DirectLink:
    return DirectLink(config)


def bridge_on(link: DirectLink) -> RemoteBridge:
    bridge = RemoteBridge("bridge")
    bridge._link = link  # type: ignore[assignment]  # the same method, without Ray
    return bridge


def sets_of(link: DirectLink) -> tuple[ValidatorSet, ValidatorSet]:
    """The set of the genesis, and the one in which this node has its later keys."""
    first = ValidatorSet(link.actor._network)
    joined = Member(ValidatorKeys(bytes([60]) * 32).genesis_entry("new"), "new.example:1")
    members = (*first.members[:2], joined, first.members[3])
    return first, ValidatorSet.of_epoch(first.digest, Epoch(1), members)


async def test_in_the_first_epoch_nothing_has_to_be_told(link):
    first, _ = sets_of(link)
    bridge = bridge_on(link)
    bridge.begin_epoch(first)
    await bridge.settled(CERTIFIED)
    assert link.calls == ["settled"]


async def test_a_bridge_that_is_behind_is_told_the_set_and_asked_again(link):
    _, later = sets_of(link)
    bridge = bridge_on(link)
    bridge.begin_epoch(later)
    await bridge.settled(CERTIFIED)
    assert link.calls == ["settled", "begin_epoch", "settled"]
    assert link.actor.status()["epoch"] == 1
    assert link.actor._desk._index == 2
    await bridge.settled(CERTIFIED)
    assert link.calls[3:] == ["settled"]


async def test_a_bridge_that_has_started_again_is_told_again(link):
    _, later = sets_of(link)
    bridge = bridge_on(link)
    bridge.begin_epoch(later)
    assert await bridge.verify(())
    link.restart()
    assert await bridge.verify(())
    assert link.actor.status()["epoch"] == 1


async def test_a_bridge_answers_nobody_of_another_epoch(link):
    with pytest.raises(OtherEpoch, match="epoch 5, this bridge is in epoch 0"):
        link.actor.verify(5, ())


async def test_before_an_epoch_begins_there_is_no_bridge(link):
    with pytest.raises(PartUnavailable):
        await bridge_on(link).verify(())
    assert link.calls == []


def test_the_error_crosses_processes_whole():

    found = pickle.loads(pickle.dumps(OtherEpoch(5, 0)))
    assert (found.got, found.expected) == (5, 0)
