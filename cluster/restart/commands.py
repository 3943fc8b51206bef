"""``braid restart``."""

from dataclasses import asdict
from pathlib import Path

from cluster.errors import ClusterError
from cluster.launcher import connection
from cluster.network import load_network
from cluster.node_launcher import node_of
from cluster.output import console, print_json, print_table
from cluster.restart.rolling import roll
from cluster.run_record import hosted_nodes, load_ray


def restart(directory: Path, node: int | None, is_forced: bool, as_json: bool) -> None:
    """Restart one node, or one after the other."""
    network = load_network(directory)
    ray = load_ray(network)
    hosted = hosted_nodes(network)
    chosen = hosted if node is None else (node_of(network, node),)
    if chosen[0] not in hosted:
        raise ClusterError(f"node {node} does not run from {directory}: see `braid node start`")
    done = []
    with connection(ray), console.status("looking at the nodes") as spinner:
        for restarted in roll(network, chosen, hosted, spinner.update, is_forced=is_forced):
            done.append(restarted)
            console.print(
                f"[dim]node {restarted.node} votes again after {restarted.voting_seconds:.1f} s, "
                f"{len(done)} of {len(chosen)}[/]",
                highlight=False,
            )
    if as_json:
        print_json({"nodes": [asdict(each) for each in done]})
        return
    print_table(
        "restarted; seconds from the stop until",
        ("node", "its actors answered", "it voted", "it was level"),
        (
            (
                each.node,
                f"{each.ready_seconds:.1f}",
                f"{each.voting_seconds:.1f}",
                f"{each.level_seconds:.1f}",
            )
            for each in done
        ),
    )
