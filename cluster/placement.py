"""On which machine of a Ray a node's actors run: the one with the resource ``validator-i``."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cluster.errors import NoMachine

SHARE_OF_MACHINE: Final = 0.01
"""Of the resource, for each actor: a machine has 1 of it, and a node has fewer than 20 actors."""

Resources = Mapping[str, float]
ANYWHERE: Final[Resources] = {}
_PREFIX: Final = "validator-"


def resource_of(index: int) -> str:
    """Name of the resource that the machine of a node has."""
    return f"{_PREFIX}{index}"


def resources_for(index: int, machines: Iterable[Mapping[str, Any]]) -> Resources:
    """What each actor of a node asks Ray for; nothing where there is one machine for all.

    Parameters
    ----------
    machines
        As ``ray.nodes()`` gives them.

    Raises
    ------
    NoMachine
        No machine is meant for the node.
    """
    alive = [machine["Resources"] for machine in machines if machine["Alive"]]
    wanted = resource_of(index)
    if any(resources.get(wanted, 0.0) > 0 for resources in alive):
        return {wanted: SHARE_OF_MACHINE}
    meant = sorted(name for found in alive for name in found if name.startswith(_PREFIX))
    if len(alive) == 1 and not meant:
        return ANYWHERE
    offered = f"there are {', '.join(meant)}" if meant else "no machine is meant for a validator"
    raise NoMachine(
        f"none of this Ray's {len(alive)} machines has the resource {wanted} ({offered}): start "
        f"""Ray on one with --resources='{{"{wanted}": 1}}'"""
    )
