"""Which actors a node gets for settling, and what its provers ask Ray for."""

from pathlib import Path
from typing import Any

import pytest

from actors.l1.settings import EngineKind
from cluster import settling
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.l1_plan import embedded_choice
from cluster.network import Network
from cluster.placement import Resources

PLACE = {"validator-0": 0.01}


def network_with(directory: Path, provers: int) -> Network:
    choice = embedded_choice(1, EngineKind.WASM, provers, prover_gpus=1.0)
    return create_dev_network(directory, 2, PortPlan(None, None), choice)


@pytest.fixture
def created(monkeypatch) -> dict[str, tuple[tuple[Any, ...], Resources]]:
    """Arguments and resources of each actor that would have been started, by name."""
    found: dict[str, tuple[tuple[Any, ...], Resources]] = {}

    def note(_: Any, name: str, *arguments: Any, resources: Resources = settling.ANYWHERE) -> str:
        found[name] = (arguments, resources)
        return name

    monkeypatch.setattr(settling, "create_actor", note)
    return found


def test_the_node_that_settles_gets_its_provers_on_machines_with_gpus(tmp_path, created):
    network = network_with(tmp_path, provers=3)
    settling.create_settlement(network.nodes[0], network.l1, PLACE)
    assert set(created) == {f"node-0/{part}" for part in ("settlement", "witness", "prover-pool")}
    assert all(resources == PLACE for _, resources in created.values())
    (_, options), _ = created["node-0/prover-pool"]
    assert (options.maximum_workers, options.worker.gpus) == (3, 1.0)


@pytest.mark.parametrize(("node", "provers"), [(1, 3), (0, 0)])
def test_a_node_that_proves_nothing_only_watches_l1(tmp_path, created, node, provers):
    network = network_with(tmp_path, provers)
    settling.create_settlement(network.nodes[node], network.l1)
    assert list(created) == [f"node-{node}/settlement"]


def test_the_embedded_l1_is_made_with_funds_for_whoever_settles(tmp_path, created):
    network = network_with(tmp_path, provers=0)
    settling.create_embedded_l1(network)
    (directory, settings, _, port), _ = created["l1"]
    assert directory == network.directory / "l1" / "chain"
    assert port == 1
    assert len(settings.balances_wei) == 64 + 2
