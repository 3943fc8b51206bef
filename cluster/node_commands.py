"""``braid node start``, ``status``, ``stop`` and ``join``."""

from pathlib import Path
from typing import Any

from cluster.addresses import ListenAddress
from cluster.commands import say_nodes, status_of_node
from cluster.launcher import connection
from cluster.network import load_network, name_of
from cluster.node_entries import listening_elsewhere
from cluster.node_launcher import find_node, node_of, start_node, start_nodes_on, stop_node
from cluster.output import console, print_json, say
from cluster.ray_instance import RayAddress
from cluster.run_record import load_ray


def start(
    directory: Path,
    index: int,
    address: str | None,
    listen: ListenAddress | None,
    rpc: ListenAddress | None,
    patience_seconds: float,
    are_keys_new: bool,
    as_json: bool,
) -> None:
    """Start one node, on a Ray of its own or on one that runs."""
    network = load_network(directory)
    config = listening_elsewhere(node_of(network, index), listen, rpc)
    with console.status("starting") as spinner:
        if address is None:
            start_node(network, config, spinner.update, are_keys_new=are_keys_new)
        else:
            ray = RayAddress(address)
            start_nodes_on(
                ray,
                network,
                (config,),
                spinner.update,
                patience_seconds,
                are_keys_new=are_keys_new,
            )
    where = ListenAddress(config.listen.host, config.listen.port)
    answer = {
        "node": index,
        "name": name_of(network, index),
        "listen": str(where),
        "rpc": f"http://{ListenAddress(config.rpc_host, config.rpc_port)}",
    }
    if as_json:
        print_json(answer)
        return
    say(f"node {index} ({answer['name']}) runs: libp2p on {where}, JSON-RPC on {answer['rpc']}")
    say(f"[dim]see `braid node status {index}`; stop with `braid node stop {index}`[/]")


def status(directory: Path, index: int, address: str | None, as_json: bool) -> None:
    """Show one node.

    Raises
    ------
    NotRunning
        If it does not run.
    """
    network = load_network(directory)
    config = node_of(network, index)
    with connection(load_ray(network) if address is None else RayAddress(address)):
        found: dict[str, Any] = status_of_node(find_node(config))
    if as_json:
        print_json(found)
        return
    say_nodes(network, [found])
    for peer, state in found["peers"].items():
        name = found["names"][int(peer)]
        reason = state["last_disconnect_reason"]
        note = f": {reason}" if state["state"] != "connected" and reason else ""
        say(f"[dim]validator {peer} ({name}): {state['state']}{note}[/]")


def stop(directory: Path, index: int, address: str | None, as_json: bool) -> None:
    """Stop one node."""
    network = load_network(directory)
    config = node_of(network, index)
    with console.status("stopping"):
        killed = stop_node(network, config, None if address is None else RayAddress(address))
    if as_json:
        print_json({"stopped": True, "processes_killed": killed})
        return
    say(f"node {index} has stopped; `braid node start {index}` resumes it")
