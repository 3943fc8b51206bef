"""``braid settlement status`` and ``braid settlement now``."""

from pathlib import Path
from typing import Any, Final

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError
from rich.markup import escape

from cluster.errors import ClusterError, NotRunning
from cluster.l1_plan import SETTLING_NODES
from cluster.launcher import connection, node_handles
from cluster.network import Network, load_network
from cluster.output import print_json, print_table, say
from cluster.run_record import hosted_nodes, load_ray

ANSWER_SECONDS: Final = 10.0


def status(directory: Path, as_json: bool) -> None:
    """Show settlement as each node sees it.

    Raises
    ------
    ClusterError
        The network settles nowhere.
    """
    network = _settling_network(directory)
    with connection(load_ray(network)):
        nodes = [
            _status_of(network, index)
            for index in (config.index for config in hosted_nodes(network))
        ]
    if as_json:
        print_json({"nodes": nodes})
        return
    print_table(
        f"Settlement on {nodes[0].get('l1')}",
        ("node", "L1 block", "queue", "consumed", "posted", "proven", "final", "ZK block final"),
        (_row(entry) for entry in nodes),
    )
    for entry in nodes:
        _tell(entry)


def settle_now(directory: Path) -> None:
    """Have everything that is final in a batch at once.

    Raises
    ------
    ClusterError
        The network settles nowhere, or settlement has not started yet.
    """
    network = _settling_network(directory)
    with connection(load_ray(network)):
        (index, *_) = SETTLING_NODES
        handles = node_handles(network.nodes[index])
        found = ray.get(handles.validator.status.remote(), timeout=ANSWER_SECONDS)
        number = found["chains"]["zk"]["final_number"]
        is_taken = ray.get(_settlement(handles.settlement).settle_up_to.remote(number))
    if not is_taken:
        raise ClusterError("settlement has not started: see `braid settlement status`")
    say(f"the ZK chain up to block {number} goes into a batch at once")


def _settling_network(directory: Path) -> Network:
    network = load_network(directory)
    if network.l1 is None:
        raise ClusterError(
            f"the network in {directory} settles nowhere: it was made with `--l1 none`"
        )
    return network


def _settlement(handles: Any) -> ActorHandle:
    assert handles is not None, "a network with L1 has settlement on each node"
    return handles.settlement


def _status_of(network: Network, index: int) -> dict[str, Any]:
    try:
        handles = node_handles(network.nodes[index])
        found: dict[str, Any] = ray.get(
            _settlement(handles.settlement).status.remote(), timeout=ANSWER_SECONDS
        )
    except (GetTimeoutError, RayActorError, NotRunning) as error:
        return {"node": index, "problem": str(error).splitlines()[0], "alarm": None}
    return {"node": index, **found}


def _row(entry: dict[str, Any]) -> tuple[Any, ...]:
    names = (
        "l1_block",
        "queue_length",
        "consumed_entries",
        "batches_posted",
        "batches_proven",
        "batches_final",
        "proven_block",
    )
    return (entry["node"], *(entry.get(name) for name in names))


def _tell(entry: dict[str, Any]) -> None:
    for batch in entry.get("batches", ()):
        first, last, stage = batch["first_block"], batch["last_block"], batch["stage"]
        say(f"node {entry['node']}: blocks {first} to {last}: {stage}")
    if entry["problem"]:
        say(f"[yellow]node {entry['node']}: {escape(entry['problem'])}[/]")
    if entry["alarm"]:
        say(f"[red]node {entry['node']} has stopped settling: {escape(entry['alarm'])}[/]")
