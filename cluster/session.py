"""A network of its own for the length of a command: started, used, and gone without a trace."""

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ray

from cluster.chain_client import ChainClient
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.errors import ClusterError
from cluster.l1_plan import L1Choice
from cluster.launcher import (
    ActorChoice,
    NodeHandles,
    connection,
    node_handles,
    standard_actors,
    start_network,
    stop_network,
)
from cluster.network import Network, is_network
from ledger.types import ChainRole

PROCESS_RAY_TOKEN: Final = secrets.token_hex(32)
"""Of every network that this process starts for a while: Ray reads its token once in a process."""


@dataclass(frozen=True, slots=True)
class Session:
    """A running network, and handles of its nodes."""

    network: Network
    nodes: tuple[NodeHandles, ...]

    def client(self, node: int, role: ChainRole) -> ChainClient:
        """A JSON-RPC client of one chain at one node."""
        return ChainClient(f"{role.name} chain at node {node}", self.url(node, role))

    def url(self, node: int, role: ChainRole) -> str:
        """JSON-RPC address of one chain at one node."""
        config = self.network.nodes[node]
        return f"http://{config.rpc_host}:{config.rpc_port}/{role.name.lower()}"

    @property
    def l1_url(self) -> str:
        """JSON-RPC address of L1.

        Raises
        ------
        ClusterError
            The network settles nowhere.
        """
        if self.network.l1 is None:
            raise ClusterError("the network settles nowhere")
        return self.network.l1.url

    def ask_all(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every validator."""
        calls = [getattr(node.validator, method).remote(*arguments) for node in self.nodes]
        answers: list[Any] = ray.get(calls)
        return answers

    def latency_samples(self) -> dict[str, list[float]]:
        """Latencies in milliseconds that all validators have seen since the last clearing."""
        merged: dict[str, list[float]] = {}
        for samples in self.ask_all("latency_samples"):
            for name, values in samples.items():
                merged.setdefault(name, []).extend(values)
        return merged


def _as_it_is(network: Network) -> Network:
    return network


@contextlib.contextmanager
def temporary_network(
    validators: int,
    progress: Callable[[str], None],
    keep: Path | None = None,
    l1: L1Choice | None = None,
    choose: ActorChoice = standard_actors,
    prepare: Callable[[Network], Network] = _as_it_is,
) -> Iterator[Session]:
    """Run a fresh network; stop it and remove its directory afterwards, whatever happens.

    Parameters
    ----------
    keep
        Directory in which to keep it instead; must not hold a network yet.
    l1
        What it settles on; None for nothing.
    choose
        Which class each part of a node has.
    prepare
        Changes the network before it starts, such as the addresses at which nodes dial each other.

    Raises
    ------
    ClusterError
        If ``keep`` holds a network already.
    """
    if keep is not None and is_network(keep):
        raise ClusterError(f"{keep} holds a network already: name another directory")
    directory = keep if keep is not None else Path(tempfile.mkdtemp(prefix="braid-network-"))
    try:
        network = prepare(create_dev_network(directory, validators, PortPlan(None, None), l1))
        network.token_file.write_text(PROCESS_RAY_TOKEN)
        instance = start_network(network, progress, choose)
        try:
            with connection(instance):
                yield Session(network, tuple(node_handles(config) for config in network.nodes))
        finally:
            progress("stopping")
            stop_network(network)
    finally:
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)
