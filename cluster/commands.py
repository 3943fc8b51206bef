"""``braid up``, ``status``, ``down``, ``quarantine`` and ``resume``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError

from actors.config import NodeConfig
from cluster.errors import ClusterError, NotRunning
from cluster.fast_chain_status import fast_chain_lines
from cluster.l1_plan import L1Request
from cluster.launcher import (
    NodeHandles,
    connection,
    node_handles,
    start_network,
    stop_network,
)
from cluster.network import Network, is_network, load_network
from cluster.node_launcher import node_of, start_nodes_on
from cluster.output import console, print_json, print_table, say
from cluster.ray_instance import RayAddress
from cluster.run_record import hosted_nodes, load_ray

DEFAULT_RPC_PORT = 8545
DEFAULT_P2P_PORT = 9645
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A Ray that runs already, and how long to wait for its machines.

    ``are_keys_new``: the seeds were brought there and have never voted.
    """

    address: str
    patience_seconds: float = 0.0
    are_keys_new: bool = False


def up(
    directory: Path,
    validators: int,
    rpc_port: int | None,
    p2p_port: int | None,
    l1: L1Request,
    elsewhere: Elsewhere | None,
    as_json: bool,
) -> None:
    """Start a network."""
    if is_network(directory):
        network = load_network(directory)
        has_wishes = (rpc_port, p2p_port, l1) != (None, None, L1Request())
        if has_wishes or validators != len(network.nodes) != 4:
            say(f"{directory} holds a network already: its own ports, validators and L1 are used")
    else:
        network = _new_network(directory, validators, rpc_port, p2p_port, l1)
        say(f"wrote a new development network with {validators} validators to {directory}")
    with console.status("starting") as spinner:
        if elsewhere is None:
            _require_all_seeds(network)
            start_network(network, spinner.update)
        else:
            ray = RayAddress(elsewhere.address)
            start_nodes_on(
                ray,
                network,
                network.nodes,
                spinner.update,
                elsewhere.patience_seconds,
                are_keys_new=elsewhere.are_keys_new,
            )
    if as_json:
        endpoints = [_endpoints(network, index) for index in range(len(network.nodes))]
        url = None if network.l1 is None else network.l1.url
        print_json({"nodes": endpoints, "l1": url})
        return
    print_table(
        "Braid runs",
        ("node", "ZK chain", "fast chain"),
        (
            (index, entry["zk"], entry["fast"])
            for index, entry in enumerate(
                _endpoints(network, index) for index in range(len(network.nodes))
            )
        ),
    )
    if network.l1 is not None:
        say(f"the ZK chain settles on {network.l1.url}: see `braid settlement status`")
    say("[dim]see `braid status`; stop with `braid down`[/]")


def _new_network(
    directory: Path, validators: int, rpc_port: int | None, p2p_port: int | None, l1: L1Request
) -> Network:
    # Here and not above: what they import takes long to load, and other commands need none of it.
    from cluster.dev_genesis import PortPlan, create_dev_network
    from cluster.l1_choice import choose_l1

    plan = PortPlan(rpc_port or DEFAULT_RPC_PORT, p2p_port or DEFAULT_P2P_PORT)
    return create_dev_network(directory, validators, plan, choose_l1(l1))


def _require_all_seeds(network: Network) -> None:
    absent = [str(node.index) for node in network.nodes if not node.seed_file.exists()]
    if absent:
        raise ClusterError(
            f"the seeds of nodes {', '.join(absent)} are not in {network.directory}: start those "
            "that are with `braid node start`, or all on the machines of a Ray with --address"
        )


def status(directory: Path, as_json: bool) -> None:
    """Show every node."""
    network = load_network(directory)
    with connection(load_ray(network)):
        statuses = [_status_of(config) for config in hosted_nodes(network)]
    if as_json:
        print_json({"nodes": statuses})
        return
    say_nodes(network, statuses)


def say_nodes(network: Network, statuses: list[dict[str, Any]]) -> None:
    """Show what nodes of a network have answered."""
    print_table(
        f"{network.genesis.network}, {_set_in_words(network, statuses)}",
        ("node", "view", "final", "ZK", "fast", "peers", "soft ms", "final ms", "rejected"),
        (_status_row(entry) for entry in statuses),
    )
    for line in fast_chain_lines(statuses):
        say(line)
    for entry in statuses:
        for peer, seen in entry.get("peers", {}).items():
            if seen["refusal"] is not None:
                say(f"node {entry['node']} refuses validator {peer}: {seen['refusal']}")
        voting = entry.get("voting")
        if voting is not None and voting["from_view"] is None:
            say(
                f"node {entry['node']} has lost its votes and casts none until the others "
                f"have said how far they are; {voting['answers']} have"
            )
        for where, counts in entry.get("rejected", {}).items():
            for reason, count in counts.items():
                say(f"[dim]node {entry['node']}: {where}: {reason}: {count}[/]")


def _set_in_words(network: Network, statuses: list[dict[str, Any]]) -> str:
    """How many validators there are, and the epoch if the nodes tell it."""
    known = [entry for entry in statuses if "epoch" in entry]
    if not known:
        return f"{len(network.nodes)} validators"
    newest = max(known, key=lambda entry: int(entry["epoch"]))
    return f"{newest['validators']} validators, epoch {newest['epoch']}"


def down(directory: Path, as_json: bool) -> None:
    """Stop a network."""
    network = load_network(directory)
    with console.status("stopping") as spinner:
        killed = stop_network(network, spinner.update)
    if as_json:
        print_json({"stopped": True, "processes_killed": killed})
    else:
        note = f" ({killed} processes had to be killed)" if killed else ""
        say(f"stopped{note}; `braid up` resumes the same ledger")


def quarantine(directory: Path, node: int, reason: str) -> None:
    """Cast one operator's quarantine vote."""
    if len(reason.encode()) > 64:
        raise ClusterError("a reason has at most 64 bytes")
    with connected(directory, node) as handles:
        ray.get(handles.validator.vote_quarantine.remote(reason))
    say(f"node {node} votes to quarantine the fast chain, in its next own block")


def resume(directory: Path, node: int, checkpoint: int | None) -> None:
    """Cast one operator's resume vote."""
    from ledger.types import ChainRole

    with connected(directory, node) as handles:
        found = ray.get(handles.validator.checkpoint.remote(ChainRole.FAST, checkpoint))
        if found is None:
            raise ClusterError(
                "the ledger holds no such checkpoint of the fast chain: see `braid status`"
            )
        content = found["certificate"]["checkpoint"]
        state_root = bytes.fromhex(content["state_root"][2:])
        ray.get(handles.validator.vote_resume.remote(content["number"], state_root))
    say(f"node {node} votes to resume the fast chain from its block {content['number']}")


class connected:  # noqa: N801  # reads as a verb: with connected(...)
    """One node's handles, for the duration of a block."""

    def __init__(self, directory: Path, node: int) -> None:
        self._network = load_network(directory)
        self._config = node_of(self._network, node)
        self._connection = connection(load_ray(self._network))

    def __enter__(self) -> NodeHandles:
        self._connection.__enter__()
        return node_handles(self._config)

    def __exit__(self, *error: Any) -> None:
        self._connection.__exit__(*error)


def status_of_node(handles: NodeHandles) -> dict[str, Any]:
    """Everything that a node's actors tell about themselves."""
    found: dict[str, Any] = ray.get(handles.validator.status.remote(), timeout=ANSWER_SECONDS)
    found["node"] = handles.config.index
    found["gateway"] = ray.get(handles.gateway.status.remote(), timeout=ANSWER_SECONDS)
    found["bridge"] = ray.get(handles.bridge.status.remote(), timeout=ANSWER_SECONDS)
    return found


def _status_of(config: NodeConfig) -> dict[str, Any]:
    try:
        return status_of_node(node_handles(config))
    except (GetTimeoutError, RayActorError, NotRunning) as error:
        return {"node": config.index, "error": str(error).splitlines()[0]}


def _status_row(entry: dict[str, Any]) -> tuple[Any, ...]:
    if "error" in entry:
        return (entry["node"], entry["error"])
    peers = entry["peers"].values()
    connected = sum(peer["state"] == "connected" for peer in peers)
    rejected = sum(sum(counts.values()) for counts in entry["rejected"].values())
    latency = entry["latency_ms"]
    return (
        entry["node"] if entry["is_validator"] else f"{entry['node']} (no validator)",
        entry["view"],
        entry["final_height"],
        entry["chains"]["zk"]["final_number"],
        entry["chains"]["fast"]["final_number"],
        f"{connected}/{len(peers)}",
        _figure(latency["soft"]["p50"]),
        _figure(latency["final"]["p50"]),
        rejected,
    )


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _endpoints(network: Network, index: int) -> dict[str, Any]:
    config = network.nodes[index]
    base = f"http://{config.rpc_host}:{config.rpc_port}"
    return {"node": index, "zk": f"{base}/zk", "fast": f"{base}/fast"}
