"""Starts and stops single nodes: on a Ray of their own, or on one that runs already."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayError

from actors.config import NodeConfig
from cluster.errors import AlreadyRunning, ClusterError, NoMachine, NotRunning, StartFailed
from cluster.files import write_file
from cluster.launcher import (
    NodeHandles,
    Progress,
    clean_up,
    connection,
    create_node,
    node_handles,
    silent,
    start_network,
    stop_network,
    stop_nodes,
    wait_until_ready,
)
from cluster.network import Network, new_token
from cluster.node_actors import actors_of, kill_nodes
from cluster.placement import Resources, resources_for
from cluster.preflight import begin_votes, problems_of
from cluster.ray_instance import AnyRay, RayAddress
from cluster.run_record import forget_run, hosted_nodes, load_ray, save_run
from cluster.settling import create_embedded_l1
from ledger.genesis import genesis_digest
from ledger.types import Digest

INSPECTION_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.5
AUTO: Final = "auto"


def node_of(network: Network, index: int) -> NodeConfig:
    """One node of a network.

    Raises
    ------
    ClusterError
        If there is none of that number.
    """
    if not 0 <= index < len(network.nodes):
        raise ClusterError(f"there are nodes 0 to {len(network.nodes) - 1}, no {index}")
    return network.nodes[index]


def start_node(
    network: Network,
    config: NodeConfig,
    progress: Progress = silent,
    *,
    are_keys_new: bool = False,
) -> None:
    """Start one node and wait until it takes part.

    If nodes of the network's directory run already, it joins them on their Ray; otherwise it gets
    one of its own on this machine.

    Parameters
    ----------
    are_keys_new
        The node's keys have never voted; otherwise an absent journal is taken for a lost one.

    Raises
    ------
    AlreadyRunning
        If it runs already.
    StartFailed
        If a file, a key or a port is not as it has to be, or something did not come up.
    """
    running = _running_ray(network)
    if running is not None:
        start_nodes_on(running, network, (config,), progress, are_keys_new=are_keys_new)
        return
    _require_none({"this machine": problems_of(config, genesis_digest(network.genesis))})
    if are_keys_new:
        _require_none({"this machine": begin_votes(config)})
    if not network.token_file.exists():
        write_file(network.token_file, new_token(), mode=0o600)
    start_network(network, progress, nodes=(config,))


def start_nodes_on(
    target: AnyRay,
    network: Network,
    configs: Sequence[NodeConfig],
    progress: Progress = silent,
    patience_seconds: float = 0.0,
    *,
    are_keys_new: bool = False,
) -> None:
    """Start nodes on a Ray that runs already, each on the machine that is meant for it.

    Parameters
    ----------
    patience_seconds
        How long to wait for machines that have not joined yet.
    are_keys_new
        The nodes' keys have never voted; otherwise an absent journal is taken for a lost one.

    Raises
    ------
    AlreadyRunning
        If one of them runs there, or nodes of the network's directory run on another Ray.
    NoMachine
        If no machine is meant for one of them.
    StartFailed
        If a machine lacks something, or something did not come up; none of them runs then.
    RayUnreachable
        If Ray does not answer, or does not let us in.
    """
    recorded = _running_ray(network)
    running = hosted_nodes(network)
    with connection(target):
        target = _lasting(target)
        if recorded is not None and _are_different(recorded, target):
            raise AlreadyRunning(
                f"nodes of {network.directory} run on the Ray at {recorded.address}: stop them "
                "first, or give other nodes a directory of their own"
            )
        _refuse_running(configs)
        progress("looking for the nodes' machines")
        places = places_of(configs, patience_seconds)
        _refuse_lonely_l1(network, places)
        _ask_machines(configs, places, problems_of, genesis_digest(network.genesis))
        if are_keys_new:
            _ask_machines(configs, places, begin_votes)
        save_run(network, target, {config.index for config in (*running, *configs)})
        try:
            progress(f"starting {len(configs)} nodes")
            has_first = any(config.index == 0 for config in configs)
            l1 = create_embedded_l1(network) if has_first else []
            nodes = [
                create_node(each, network.l1, resources=places[each.index]) for each in configs
            ]
            progress("waiting until every node takes part")
            wait_until_ready(nodes, l1)
        except BaseException:
            kill_nodes(configs)
            _forget(network, target, running)
            raise


def stop_node(network: Network, config: NodeConfig, address: RayAddress | None = None) -> int:
    """Stop one node, and its Ray if that was started for it; gives how many processes were killed.

    Parameters
    ----------
    address
        The Ray on which it runs, if the network's directory does not say.

    Raises
    ------
    NotRunning
        If it does not run there.
    RayUnreachable
        If the Ray does not answer.
    """
    running = hosted_nodes(network)
    if address is None and running == (config,):
        return stop_network(network)
    target = load_ray(network) if address is None else address
    with connection(target):
        if not actors_of(config):
            raise NotRunning(f"node {config.index} does not run on the Ray at {target.address}")
        stop_nodes((config,))
        kill_nodes((config,))
    if config.index in {each.index for each in running}:
        _forget(network, target, [each for each in running if each.index != config.index])
    return 0


def find_node(config: NodeConfig) -> NodeHandles:
    """A node's actors on the Ray of this connection.

    Raises
    ------
    NotRunning
        If it does not run there, or not all of it.
    """
    if not actors_of(config):
        raise NotRunning(f"node {config.index} does not run here: start it with `braid node start`")
    return node_handles(config)


def _running_ray(network: Network) -> AnyRay | None:
    """The Ray that runs nodes of the directory; one that did not end properly is cleared away."""
    try:
        return load_ray(network)
    except NotRunning:
        clean_up(network)
        return None


def _are_different(recorded: AnyRay, target: AnyRay) -> bool:
    """Whether two are different Rays for certain; of a client's address nobody can tell."""
    addresses = {recorded.address, target.address}
    return len(addresses) == 2 and not any(each.startswith("ray://") for each in addresses)


def _refuse_running(configs: Sequence[NodeConfig]) -> None:
    for config in configs:
        if actors_of(config):
            raise AlreadyRunning(
                f"node {config.index} runs on this Ray already, whole or in part: see "
                f"`braid node status {config.index}`, end it with `braid node stop {config.index}`"
            )


def _refuse_lonely_l1(network: Network, places: dict[int, Resources]) -> None:
    has_embedded_l1 = network.l1 is not None and network.l1.embedded is not None
    if has_embedded_l1 and any(places.values()):
        raise StartFailed(
            "the embedded L1 is for nodes on one machine: make the network with `--l1 none`, or "
            "with the URL of an Ethereum chain"
        )


def places_of(configs: Sequence[NodeConfig], patience_seconds: float = 0.0) -> dict[int, Resources]:
    """What nodes' actors ask this connection's Ray for, so that each is on its machine.

    A machine that is alone may be a head whose others are on their way.

    Raises
    ------
    NoMachine
        If one of them has none after all patience.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        is_late = time.monotonic() >= deadline
        try:
            machines = ray.nodes()
            places: dict[int, Resources] = {
                config.index: resources_for(config.index, machines) for config in configs
            }
        except NoMachine:
            if is_late:
                raise
        else:
            if is_late or all(places.values()):
                return places
        time.sleep(POLL_SECONDS)


def _ask_machines(
    configs: Sequence[NodeConfig],
    places: dict[int, Resources],
    question: Callable[..., list[str]],
    *arguments: Digest,
) -> None:
    """Have each node's machine say what keeps the node from starting there."""
    ask: Any = ray.remote(num_cpus=0, max_retries=0)(question)
    answers = {
        f"the machine of node {config.index}": ask.options(
            resources=dict(places[config.index])
        ).remote(config, *arguments)
        for config in configs
    }
    try:
        found = ray.get(list(answers.values()), timeout=INSPECTION_SECONDS)
    except GetTimeoutError as error:
        raise StartFailed(
            f"the nodes' machines did not answer in {INSPECTION_SECONDS:.0f} s"
        ) from error
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise StartFailed(
            f"Braid does not run on a node's machine, which needs the same version: {reason}"
        ) from error
    _require_none(dict(zip(answers, found, strict=True)))


def _require_none(problems: dict[str, list[str]]) -> None:
    lines = [f"{where}: {problem}" for where, found in problems.items() for problem in found]
    if lines:
        raise StartFailed("; ".join(lines))


def _lasting(target: AnyRay) -> AnyRay:
    """The address by which later commands find the Ray that ``auto`` has found now."""
    if not isinstance(target, RayAddress) or target.address != AUTO:
        return target
    return RayAddress(str(ray.get_runtime_context().gcs_address), target.token_file)


def _forget(network: Network, ray_of: AnyRay, remaining: Sequence[NodeConfig]) -> None:
    if remaining:
        save_run(network, ray_of, (config.index for config in remaining))
    else:
        forget_run(network)
