"""``run.json``: which Ray runs which nodes of a network's directory."""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

from actors.config import NodeConfig
from cluster.errors import BadDirectory, NotRunning
from cluster.files import write_file
from cluster.network import Network
from cluster.ray_instance import AnyRay, RayAddress, RayInstance


def save_run(network: Network, ray: AnyRay, nodes: Iterable[int] | None = None) -> None:
    """Note which Ray runs which nodes, all of them by default, so that other commands find them."""
    hosted = range(len(network.nodes)) if nodes is None else sorted(set(nodes))
    record: dict[str, object] = {
        "address": ray.address,
        "pid": None,
        "started": None,
        "temporary_directory": None,
        "token_file": None if ray.token_file is None else str(ray.token_file),
        "nodes": list(hosted),
    }
    if isinstance(ray, RayInstance):
        record |= {
            "pid": ray.pid,
            "started": psutil.Process(ray.pid).create_time(),
            "temporary_directory": str(ray.temporary_directory),
        }
    write_file(network.directory / "run.json", json.dumps(record).encode())


def load_ray(network: Network) -> AnyRay:
    """The Ray that runs nodes from this directory, started by Braid or not.

    Raises
    ------
    NotRunning
        If there is none, or it has died.
    BadDirectory
        If the note about it is damaged.
    """
    record = _read_run(network.directory)
    if record is None:
        raise NotRunning(f"no network runs from {network.directory}: start it with `braid up`")
    if isinstance(record.ray, RayInstance) and not record.is_alive():
        raise NotRunning(
            f"the Ray of {network.directory} has died: clean up with `braid down`, "
            "then start again with `braid up`"
        )
    return record.ray


def load_run(network: Network) -> RayInstance:
    """The Ray that was started for the network.

    Raises
    ------
    NotRunning
        If there is none, or it has died, or it is one that was not started for the network.
    BadDirectory
        If the note about it is damaged.
    """
    ray = load_ray(network)
    if isinstance(ray, RayAddress):
        raise NotRunning(
            f"{network.directory} has no Ray of its own: its nodes run at {ray.address}"
        )
    return ray


def hosted_nodes(network: Network) -> tuple[NodeConfig, ...]:
    """The nodes that run from this directory.

    Raises
    ------
    BadDirectory
        If the note about it is damaged.
    """
    record = _read_run(network.directory)
    hosted = () if record is None else record.nodes
    return tuple(config for config in network.nodes if config.index in hosted)


def stale_run(network: Network) -> AnyRay | None:
    """The recorded Ray, dead or alive.

    Raises
    ------
    BadDirectory
        If the note about it is damaged.
    """
    record = _read_run(network.directory)
    return None if record is None else record.ray


def forget_run(network: Network) -> None:
    """Note that the network is down."""
    with contextlib.suppress(FileNotFoundError):
        (network.directory / "run.json").unlink()


@dataclass(frozen=True, slots=True)
class _Run:
    """What ``run.json`` says; `started` tells a process from another with its number."""

    ray: AnyRay
    started: float
    nodes: tuple[int, ...]

    def is_alive(self) -> bool:
        assert isinstance(self.ray, RayInstance), "of a Ray elsewhere only itself can tell"
        try:
            process = psutil.Process(self.ray.pid)
            is_same: bool = process.create_time() == self.started
            is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
            return is_same and not is_zombie
        except psutil.NoSuchProcess:
            return False


def _read_run(directory: Path) -> _Run | None:
    file = directory / "run.json"
    try:
        record = orjson.loads(file.read_bytes())
        address = str(record["address"])
        token_file = None if record["token_file"] is None else Path(str(record["token_file"]))
        nodes = tuple(int(index) for index in record["nodes"])
        if record["pid"] is None:
            return _Run(RayAddress(address, token_file), 0.0, nodes)
        if token_file is None:
            raise ValueError("a Ray of its own has a token")
        temporary = Path(str(record["temporary_directory"]))
        instance = RayInstance(int(record["pid"]), address, temporary, token_file)
        return _Run(instance, float(record["started"]), nodes)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BadDirectory(
            f"{file} is damaged: {_reason(error)}; end this network's Ray, then remove it"
        ) from error


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
