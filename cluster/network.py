"""A network on disk: genesis, the nodes' directories and where each one listens.

::

    .braid/
      genesis.bin       what all nodes agree on (canonical encoding)
      network.json      nodes and their ports, and the digest of the genesis; a node with
                        "automatic_quarantine": false never votes for one by itself
      ray.token         secret with which processes may join this network's Ray
      run.json          process of the running Ray; absent when the network is down
      l1/               see cluster/l1_plan.py; absent in a network that settles nowhere
      node-0/ ...       see actors/config.py
"""

import contextlib
import ipaddress
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import psutil

from actors.config import NodeConfig, PeerAddress
from cluster.errors import BadDirectory, NotRunning
from cluster.l1_plan import L1Keys, L1Plan
from cluster.ports import MAX_PORT
from cluster.ray_instance import RayInstance
from ledger.codec import encode
from ledger.errors import LedgerError, UnknownProtocolVersion
from ledger.genesis import Genesis, genesis_digest, open_genesis
from ledger.types import ValidatorIndex

FORMAT_VERSION: Final = 3
DEFAULT_DIRECTORY: Final = Path(".braid")


@dataclass(frozen=True, slots=True)
class Network:
    """One network as its directory describes it."""

    directory: Path
    genesis: Genesis
    nodes: tuple[NodeConfig, ...]
    l1: L1Plan | None = None

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
    l1: tuple[L1Plan, L1Keys] | None = None,
) -> Network:
    """Write a new network to an empty or absent directory.

    ``network.json`` is written last: a directory without it is not a network yet.

    Raises
    ------
    BadDirectory
        If the files cannot be written.
    """
    nodes = [
        {"p2p_port": p2p_port, "rpc_port": rpc_port}
        for p2p_port, rpc_port in zip(p2p_ports, rpc_ports, strict=True)
    ]
    description = {
        "format": FORMAT_VERSION,
        "genesis": genesis_digest(genesis).hex(),
        "host": "127.0.0.1",
        "nodes": nodes,
        "l1": None if l1 is None else l1[0].to_json(),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / "genesis.bin", encode(genesis))
        _write(directory / "ray.token", secrets.token_hex(32).encode(), mode=0o600)
        for index, seed in enumerate(seeds):
            (directory / f"node-{index}").mkdir(exist_ok=True)
            _write(directory / f"node-{index}" / "seed", seed, mode=0o600)
        if l1 is not None:
            _write_l1_keys(directory, l1[1])
        _write(directory / "network.json", json.dumps(description, indent=2).encode())
    except OSError as error:
        raise BadDirectory(f"{error.filename} cannot be written: {error.strerror}") from error
    return load_network(directory)


def load_network(directory: Path) -> Network:
    """Read a network from its directory.

    Raises
    ------
    BadDirectory
        If it is not one, or a file of it is damaged.
    """
    directory = directory.resolve()
    genesis = _read_genesis(directory / "genesis.bin")
    file = directory / "network.json"
    try:
        description = orjson.loads(_read(file))
        l1 = None if description["l1"] is None else L1Plan.from_json(description["l1"])
        nodes = _node_configs(directory, description, l1)
        digest = bytes.fromhex(description["genesis"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadDirectory(f"{file} is damaged: {_reason(error)}") from error
    if digest != genesis_digest(genesis):
        raise BadDirectory(
            f"{directory / 'genesis.bin'} is of another network "
            f"({genesis_digest(genesis).hex()[:16]}, expected {digest.hex()[:16]}): "
            "put back the right one"
        )
    if len(nodes) != len(genesis.validators):
        raise BadDirectory(
            f"{file} is damaged: it has {len(nodes)} nodes, "
            f"the genesis has {len(genesis.validators)} validators"
        )
    return Network(directory, genesis, nodes, l1)


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
    BadDirectory
        If the note about it is damaged.
    """
    record = _read_run(network.directory)
    if record is None:
        raise NotRunning(f"no network runs from {network.directory}: start it with `braid up`")
    if not record.is_alive():
        raise NotRunning(
            f"the Ray of {network.directory} has died: clean up with `braid down`, "
            "then start again with `braid up`"
        )
    return record.instance(network)


def stale_run(network: Network) -> RayInstance | None:
    """The recorded Ray, dead or alive.

    Raises
    ------
    BadDirectory
        If the note about it is damaged.
    """
    record = _read_run(network.directory)
    return None if record is None else record.instance(network)


def forget_run(network: Network) -> None:
    """Note that the network is down."""
    with contextlib.suppress(FileNotFoundError):
        (network.directory / "run.json").unlink()


@dataclass(frozen=True, slots=True)
class _Run:
    """What ``run.json`` says."""

    pid: int
    started: float
    address: str
    temporary_directory: str

    def instance(self, network: Network) -> RayInstance:
        directory = Path(self.temporary_directory)
        return RayInstance(self.pid, self.address, directory, network.token_file)

    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            is_same: bool = process.create_time() == self.started
            is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
            return is_same and not is_zombie
        except psutil.NoSuchProcess:
            return False


def _read_run(directory: Path) -> _Run | None:
    file = directory / "run.json"
    try:
        record = orjson.loads(file.read_bytes())
        return _Run(
            int(record["pid"]),
            float(record["started"]),
            str(record["address"]),
            str(record["temporary_directory"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BadDirectory(
            f"{file} is damaged: {_reason(error)}; end this network's Ray, then remove it"
        ) from error


def _read_genesis(file: Path) -> Genesis:
    try:
        return open_genesis(_read(file))
    except UnknownProtocolVersion as error:
        raise BadDirectory(f"{file} is of another build: {error}") from error
    except LedgerError as error:
        raise BadDirectory(f"{file} is damaged: {error}") from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise BadDirectory(f"{file.parent} holds no network: {file} is missing") from error
    except OSError as error:
        raise BadDirectory(f"{file} cannot be read: {error.strerror}") from error


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _write_l1_keys(directory: Path, keys: L1Keys) -> None:
    (directory / "l1").mkdir(exist_ok=True)
    _write(directory / "l1" / "deployer.key", keys.deployer, mode=0o600)
    for index, key in keys.settling.items():
        _write(directory / f"node-{index}" / "l1.key", key, mode=0o600)


def _node_configs(
    directory: Path, description: dict[str, Any], l1: L1Plan | None
) -> tuple[NodeConfig, ...]:
    if description["format"] != FORMAT_VERSION:
        raise ValueError(f"format {description['format']}, expected {FORMAT_VERSION}")
    host = str(ipaddress.ip_address(str(description["host"])))
    addresses = tuple(
        PeerAddress(ValidatorIndex(index), host, _port(node["p2p_port"]))
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
            rpc_port=_port(node["rpc_port"]),
            l1=None if l1 is None else l1.connection(directory, address.index),
            automatic_quarantine=_flag(node.get("automatic_quarantine", True)),
        )
        for address, node in zip(addresses, description["nodes"], strict=True)
    )


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _port(value: Any) -> int:
    port = int(value)
    if not 1 <= port <= MAX_PORT:
        raise ValueError(f"port {port} is outside 1 to {MAX_PORT}")
    return port


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a whole file or nothing."""
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
