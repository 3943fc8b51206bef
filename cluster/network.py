"""A network on disk: genesis, the nodes' directories and where each one listens.

::

    .braid/
      genesis.bin       what all nodes agree on (canonical encoding)
      network.json      nodes and their ports
      ray.token         secret with which processes may join this network's Ray
      run.json          process of the running Ray; absent when the network is down
      node-0/ ...       see actors/config.py
"""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from actors.config import NodeConfig, PeerAddress
from cluster.errors import BadDirectory, NotRunning
from cluster.ray_instance import RayInstance
from ledger.codec import encode
from ledger.errors import LedgerError
from ledger.genesis import Genesis, open_genesis
from ledger.types import ValidatorIndex

FORMAT_VERSION: Final = 1
DEFAULT_DIRECTORY: Final = Path(".braid")


@dataclass(frozen=True, slots=True)
class Network:
    """One network as its directory describes it."""

    directory: Path
    genesis: Genesis
    nodes: tuple[NodeConfig, ...]

    @property
    def token_file(self) -> Path:
        """Secret of the network's Ray."""
        return self.directory / "ray.token"

    @property
    def ray_log(self) -> Path:
        """Output of the Ray head."""
        return self.directory / "ray.log"


def create_network(
    directory: Path,
    genesis: Genesis,
    seeds: list[bytes],
    p2p_ports: list[int],
    rpc_ports: list[int],
) -> Network:
    """Write a new network to an empty or absent directory.

    ``network.json`` is written last: a directory without it is not a network yet.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "genesis.bin", encode(genesis))
    _write(directory / "ray.token", secrets.token_hex(32).encode(), mode=0o600)
    for index, seed in enumerate(seeds):
        (directory / f"node-{index}").mkdir(exist_ok=True)
        _write(directory / f"node-{index}" / "seed", seed, mode=0o600)
    nodes = [
        {"p2p_port": p2p_port, "rpc_port": rpc_port}
        for p2p_port, rpc_port in zip(p2p_ports, rpc_ports, strict=True)
    ]
    description = {"format": FORMAT_VERSION, "host": "127.0.0.1", "nodes": nodes}
    _write(directory / "network.json", json.dumps(description, indent=2).encode())
    return load_network(directory)


def load_network(directory: Path) -> Network:
    """Read a network from its directory.

    Raises
    ------
    BadDirectory
        If it is not one, or a file of it is damaged.
    """
    directory = directory.resolve()
    try:
        description = json.loads((directory / "network.json").read_text())
        genesis = open_genesis((directory / "genesis.bin").read_bytes())
        return Network(directory, genesis, _node_configs(directory, description))
    except FileNotFoundError as error:
        raise BadDirectory(f"{directory} holds no network: {error.filename} is missing") from error
    except (LedgerError, ValueError, KeyError, TypeError) as error:
        raise BadDirectory(f"{directory} is damaged: {error}") from error


def is_network(directory: Path) -> bool:
    """Whether a directory holds a network."""
    return (directory / "network.json").exists()


def save_run(network: Network, instance: RayInstance) -> None:
    """Note which Ray runs the network, so that another command finds it."""
    record = {
        "pid": instance.pid,
        "started": psutil.Process(instance.pid).create_time(),
        "address": instance.address,
        "temporary_directory": str(instance.temporary_directory),
    }
    _write(network.directory / "run.json", json.dumps(record).encode())


def load_run(network: Network) -> RayInstance:
    """The Ray that runs the network.

    Raises
    ------
    NotRunning
        If there is none, or it has died.
    """
    record = _read_run(network.directory)
    if record is None:
        raise NotRunning(f"no network runs from {network.directory}: start it with `braid up`")
    instance = RayInstance(
        record["pid"], record["address"], Path(record["temporary_directory"]), network.token_file
    )
    if not _is_alive(record):
        raise NotRunning(
            f"the Ray of {network.directory} has died: clean up with `braid down`, "
            "then start again with `braid up`"
        )
    return instance


def stale_run(network: Network) -> RayInstance | None:
    """The recorded Ray, dead or alive."""
    record = _read_run(network.directory)
    if record is None:
        return None
    return RayInstance(
        record["pid"], record["address"], Path(record["temporary_directory"]), network.token_file
    )


def forget_run(network: Network) -> None:
    """Note that the network is down."""
    with contextlib.suppress(FileNotFoundError):
        (network.directory / "run.json").unlink()


def _read_run(directory: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((directory / "run.json").read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BadDirectory(f"{directory / 'run.json'} is damaged: {error}") from error
    if not isinstance(record, dict):
        raise BadDirectory(f"{directory / 'run.json'} is damaged")
    return record


def _is_alive(record: dict[str, Any]) -> bool:
    try:
        process = psutil.Process(record["pid"])
        is_same: bool = process.create_time() == record["started"]
        is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
        return is_same and not is_zombie
    except psutil.NoSuchProcess:
        return False


def _node_configs(directory: Path, description: dict[str, Any]) -> tuple[NodeConfig, ...]:
    if description["format"] != FORMAT_VERSION:
        raise ValueError(f"format {description['format']}, expected {FORMAT_VERSION}")
    host = str(description["host"])
    addresses = tuple(
        PeerAddress(ValidatorIndex(index), host, int(node["p2p_port"]))
        for index, node in enumerate(description["nodes"])
    )
    return tuple(
        NodeConfig(
            index=address.index,
            directory=directory / f"node-{address.index}",
            genesis_file=directory / "genesis.bin",
            listen=address,
            peers=tuple(peer for peer in addresses if peer != address),
            rpc_host=host,
            rpc_port=int(node["rpc_port"]),
        )
        for address, node in zip(addresses, description["nodes"], strict=True)
    )


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a whole file or nothing."""
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
