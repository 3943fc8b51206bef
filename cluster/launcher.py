"""Starts and stops the nodes of a network on one Ray."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from actors.bridge.actor import BridgeActor
from actors.config import ACTOR_NAMESPACE, NodeConfig
from actors.executor.actor import ExecutorActor
from actors.gateway.actor import GatewayActor
from actors.validator.actor import ValidatorActor
from cluster.errors import AlreadyRunning, NotRunning, RayUnreachable, StartFailed
from cluster.l1_plan import L1Plan
from cluster.network import Network
from cluster.node_actors import kill_nodes
from cluster.placement import ANYWHERE, Resources
from cluster.ports import require_free
from cluster.ray_instance import AnyRay, RayAddress, RayInstance, start_ray, stop_processes
from cluster.run_record import forget_run, hosted_nodes, load_ray, save_run, stale_run
from cluster.settling import (
    SettlementHandles,
    create_actor,
    create_embedded_l1,
    create_settlement,
    find_embedded_l1,
    find_settlement,
)
from ledger.types import ChainRole

READY_TIMEOUT_SECONDS: Final = 90.0
STOP_TIMEOUT_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
RAY_CPUS: Final = 4

Progress = Callable[[str], None]

ActorChoice = Callable[[int, str, Any], Any]
"""Which class a node's part has, given the node's index, the part and the standard class.

Parts are ``validator``, ``bridge``, ``gateway``, ``executor-zk`` and ``executor-fast``. A class of
another kind takes the same arguments: faults are injected so, without a line in the product.
"""


@dataclass(frozen=True, slots=True)
class NodeHandles:
    """The actors of one node."""

    config: NodeConfig
    validator: ActorHandle
    bridge: ActorHandle
    gateway: ActorHandle
    executors: dict[ChainRole, ActorHandle]
    settlement: SettlementHandles | None = None

    def all(self) -> list[ActorHandle]:
        """Every actor."""
        core = [self.gateway, self.validator, self.bridge, *self.executors.values()]
        return core if self.settlement is None else [*core, *self.settlement.all()]


def standard_actors(_node: int, _part: str, standard: Any) -> Any:
    """Every part is what it should be."""
    return standard


def silent(_: str) -> None:
    """Report progress to nobody."""


def start_network(
    network: Network,
    progress: Progress = silent,
    choose: ActorChoice = standard_actors,
    nodes: Sequence[NodeConfig] | None = None,
) -> RayInstance:
    """Start Ray and all nodes, and wait until every node takes part.

    Parameters
    ----------
    choose
        Which class each part of a node has.
    nodes
        Those to start, if not all: the others run elsewhere.

    Raises
    ------
    AlreadyRunning
        If the network runs.
    PortsTaken
        If a port of a node is in use.
    StartFailed
        If something did not come up; nothing is left running then.
    """
    configs = network.nodes if nodes is None else nodes
    with contextlib.suppress(NotRunning):
        load_ray(network)
        raise AlreadyRunning(f"the network in {network.directory} runs already: see `braid status`")
    clean_up(network)
    require_free(ports_of(network, configs))
    progress("starting Ray")
    instance = start_ray(network.token_file, network.ray_log, RAY_CPUS)
    try:
        save_run(network, instance, (config.index for config in configs))
        with connection(instance):
            progress(f"starting {len(configs)} nodes")
            l1 = create_embedded_l1(network) if _has_first(configs) else []
            created = [create_node(config, network.l1, choose) for config in configs]
            progress("waiting until every node takes part")
            wait_until_ready(created, l1)
    except BaseException:
        stop_processes(instance.pid, instance.temporary_directory)
        forget_run(network)
        raise
    return instance


def stop_network(network: Network, progress: Progress = silent) -> int:
    """Stop all nodes of the directory, and their Ray if it was started for them.

    Returns
    -------
    int
        How many processes had to be killed.

    Raises
    ------
    NotRunning
        If the network does not run.
    RayUnreachable
        If the nodes run on a Ray elsewhere that does not answer.
    """
    try:
        ray = load_ray(network)
    except NotRunning:
        if stale_run(network) is None:
            raise
        return clean_up(network)
    progress("stopping the nodes")
    if isinstance(ray, RayAddress):
        _stop_elsewhere(network, ray)
        return 0
    try:
        with contextlib.suppress(ConnectionError), connection(ray):
            stop_nodes(hosted_nodes(network))
    finally:
        progress("stopping Ray")
        killed = stop_processes(ray.pid, ray.temporary_directory)
        forget_run(network)
    return killed


def _stop_elsewhere(network: Network, ray: RayAddress) -> None:
    try:
        with connection(ray):
            stop_nodes(hosted_nodes(network))
            kill_nodes(hosted_nodes(network))
    except RayUnreachable as error:
        note = network.directory / "run.json"
        raise RayUnreachable(f"{error} If that Ray is gone for good, remove {note}") from error
    forget_run(network)


def clean_up(network: Network) -> int:
    """End what an earlier run left behind, if it did not end properly."""
    instance = stale_run(network)
    if not isinstance(instance, RayInstance):
        return 0
    killed = stop_processes(instance.pid, instance.temporary_directory)
    forget_run(network)
    return killed


@contextlib.contextmanager
def connection(instance: AnyRay) -> Iterator[None]:
    """Be a client of a Ray for the duration of a block.

    Raises
    ------
    RayUnreachable
        If it was not started by Braid, and does not answer or does not let us in.
    """
    if isinstance(instance, RayAddress):
        _require_listener(instance.address)
    os.environ.update(instance.environment())
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=instance.address,
            namespace=ACTOR_NAMESPACE,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        if isinstance(instance, RayInstance):
            raise
        raise RayUnreachable(
            f"the Ray at {instance.address} does not let us in: {_reason(error)}"
        ) from error
    if threading.current_thread() is threading.main_thread():
        # Ray's own handler aborts the process three seconds later, in the middle of cleaning up.
        signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        ray.shutdown()


def _reason(error: Exception) -> str:
    """The first line of Ray's message, and the last, where it ends with the head's traceback."""
    first, *others = str(error).strip().splitlines() or [type(error).__name__]
    return f"{first} {others[-1]}" if first.endswith(":") and others else first


def _require_listener(address: str) -> None:
    """Ask whether anybody is there: Ray itself would try for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdigit():
        return  # 'auto', or what Ray refuses by itself.
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise RayUnreachable(
            f"nothing answers at {address} ({error}): is it the head's address, and is Ray up?"
        ) from error


def ports_of(network: Network, nodes: Sequence[NodeConfig]) -> Iterable[int]:
    """Every port that nodes of the network need on this machine."""
    for node in nodes:
        yield from (node.rpc_port, node.listen.port)
    if network.l1 is not None and network.l1.embedded is not None and _has_first(nodes):
        yield network.l1.embedded.port


def _has_first(nodes: Sequence[NodeConfig]) -> bool:
    """Whether the embedded L1 is started and stopped with these nodes: it goes with the first."""
    return any(node.index == 0 for node in nodes)


def node_handles(config: NodeConfig) -> NodeHandles:
    """Handles of a running node's actors.

    Raises
    ------
    NotRunning
        If one of them does not exist.
    """

    def find(name: str) -> ActorHandle:
        try:
            return ray.get_actor(name, namespace=ACTOR_NAMESPACE)
        except ValueError as error:
            raise NotRunning(f"{name} does not run: stop the network and start it again") from error

    return NodeHandles(
        config=config,
        validator=find(config.actor_name("validator")),
        bridge=find(config.actor_name("bridge")),
        gateway=find(config.actor_name("gateway")),
        executors={role: find(config.executor_name(role)) for role in ChainRole},
        settlement=find_settlement(config, find),
    )


def create_validator(config: NodeConfig, choose: ActorChoice = standard_actors) -> ActorHandle:
    """Start a node's validator; there must be none of its name."""
    chosen = choose(config.index, "validator", ValidatorActor)
    return create_actor(chosen, config.actor_name("validator"), config)


def create_node(
    config: NodeConfig,
    l1: L1Plan | None,
    choose: ActorChoice = standard_actors,
    resources: Resources = ANYWHERE,
) -> NodeHandles:
    """Start a node's actors where the resources are; there must be none of their names."""

    def create(part: str, standard: Any, *more: Any) -> ActorHandle:
        chosen = choose(config.index, part, standard)
        name = config.actor_name(part)
        return create_actor(chosen, name, config, *more, resources=resources)

    return NodeHandles(
        config=config,
        executors={
            role: create(f"executor-{role.name.lower()}", ExecutorActor, role) for role in ChainRole
        },
        bridge=create("bridge", BridgeActor),
        settlement=None if l1 is None else create_settlement(config, l1, resources),
        validator=create("validator", ValidatorActor),
        gateway=create("gateway", GatewayActor),
    )


def wait_until_ready(nodes: list[NodeHandles], l1: list[ActorHandle]) -> None:
    """Wait until every actor answers.

    Raises
    ------
    StartFailed
        One does not, or has died.
    """
    actors = [*l1, *(actor for node in nodes for actor in node.all())]
    answers = [actor.ready.remote() for actor in actors]
    try:
        ray.get(answers, timeout=READY_TIMEOUT_SECONDS)
    except GetTimeoutError as error:
        raise StartFailed(
            f"the nodes did not come up in {READY_TIMEOUT_SECONDS:.0f} s: see the logs under "
            f"{nodes[0].config.directory.parent}"
        ) from error
    except RayActorError as error:
        reason = str(error).strip().splitlines()[-1]
        raise StartFailed(
            f"an actor died while starting: {reason}; see the logs under "
            f"{nodes[0].config.directory.parent}"
        ) from error


def stop_nodes(configs: Sequence[NodeConfig], *, with_l1: bool = True) -> None:
    """Close nodes in order: first what takes requests, then what writes; an L1 of theirs last."""
    nodes = []
    for config in configs:
        with contextlib.suppress(NotRunning):
            nodes.append(node_handles(config))
    l1 = find_embedded_l1() if _has_first(configs) and with_l1 else []
    steps = [
        *([actor for node in nodes for actor in pick(node)] for pick in _STOP_ORDER),
        l1,
    ]
    for actors in steps:
        stopping = [actor.stop.remote() for actor in actors]
        if not stopping:
            continue
        done, _ = ray.wait(stopping, num_returns=len(stopping), timeout=STOP_TIMEOUT_SECONDS)
        for answer in done:
            with contextlib.suppress(RayActorError):
                ray.get(answer)
    for actor in [*l1, *(actor for node in nodes for actor in node.all())]:
        ray.kill(actor, no_restart=True)


def _gateways(node: NodeHandles) -> list[ActorHandle]:
    return [node.gateway]


def _validators(node: NodeHandles) -> list[ActorHandle]:
    return [node.validator]


def _executors(node: NodeHandles) -> list[ActorHandle]:
    return list(node.executors.values())


def _settlements(node: NodeHandles) -> list[ActorHandle]:
    return [] if node.settlement is None else node.settlement.all()


_STOP_ORDER: Final = (_gateways, _validators, _settlements, _executors)
