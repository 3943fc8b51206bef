"""A node's actors on the Ray of this connection, by their names alone: also of half a node."""

from collections.abc import Sequence

import ray

from actors.config import ACTOR_NAMESPACE, L1_ACTOR, NodeConfig


def actors_of(config: NodeConfig) -> list[str]:
    """Names of the actors of a node that run, provers included."""
    prefix = config.actor_name("")
    return [
        entry["name"]
        for entry in ray.util.list_named_actors(all_namespaces=True)
        if entry["namespace"] == ACTOR_NAMESPACE and entry["name"].startswith(prefix)
    ]


def kill_nodes(configs: Sequence[NodeConfig], *, with_l1: bool = True) -> None:
    """End whatever runs of some nodes, without closing it first; the first node's L1 as well."""
    names = [name for config in configs for name in actors_of(config)]
    if with_l1 and any(config.index == 0 for config in configs):
        names.append(L1_ACTOR)
    for name in names:
        try:
            actor = ray.get_actor(name, namespace=ACTOR_NAMESPACE)
        except ValueError:
            continue  # It has ended, or there is none.
        ray.kill(actor, no_restart=True)
