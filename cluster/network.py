"""A network on disk: genesis, the nodes' directories and where each one listens.

::

    .braid/
      genesis.bin       what all nodes agree on (canonical encoding)
      network.json      the nodes (see cluster/node_entries.py), and the digest of the genesis
      ray.token         secret with which processes may join this network's Ray
      run.json          which Ray runs which nodes; absent when the network is down
      l1/               see cluster/l1_plan.py; absent in a network that settles nowhere
      node-0/ ...       see actors/config.py

Of a network of several machines or operators each one's directory has its own nodes' folders only.
"""

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from actors.config import NodeConfig
from actors.validator.vote_journal import found_journal
from cluster.errors import BadDirectory
from cluster.files import write_file
from cluster.l1_plan import L1Keys, L1Plan
from cluster.node_entries import NodeEntry, node_configs
from ledger.codec import encode
from ledger.errors import LedgerError, UnknownProtocolVersion
from ledger.genesis import Genesis, genesis_digest, open_genesis

FORMAT_VERSION: Final = 4
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
    """Write a new network of one machine, with all its secrets, to an empty or absent directory.

    Raises
    ------
    BadDirectory
        If the files cannot be written.
    """
    entries = [
        NodeEntry.on_this_machine(p2p_port, rpc_port)
        for p2p_port, rpc_port in zip(p2p_ports, rpc_ports, strict=True)
    ]
    with _plain_errors():
        directory.mkdir(parents=True, exist_ok=True)
        write_file(directory / "ray.token", new_token(), mode=0o600)
        for index, seed in enumerate(seeds):
            (directory / f"node-{index}").mkdir(exist_ok=True)
            write_file(directory / f"node-{index}" / "seed", seed, mode=0o600)
            found_journal(directory / f"node-{index}" / "journal", genesis.epoch)
        if l1 is not None:
            _write_l1_keys(directory, l1[1])
    return describe_network(directory, genesis, entries, None if l1 is None else l1[0])


def describe_network(
    directory: Path, genesis: Genesis, entries: list[NodeEntry], l1: L1Plan | None = None
) -> Network:
    """Write what all nodes of a network share: no secrets.

    ``network.json`` is written last: a directory without it is not a network yet.

    Raises
    ------
    BadDirectory
        If the files cannot be written.
    """
    description = {
        "format": FORMAT_VERSION,
        "genesis": genesis_digest(genesis).hex(),
        "nodes": [entry.to_json() for entry in entries],
        "l1": None if l1 is None else l1.to_json(),
    }
    with _plain_errors():
        directory.mkdir(parents=True, exist_ok=True)
        write_file(directory / "genesis.bin", encode(genesis))
        content = json.dumps(description, indent=2).encode()
        write_file(directory / "network.json", content)
    return load_network(directory)


def new_token() -> bytes:
    """A fresh secret for a Ray."""
    return secrets.token_hex(32).encode()


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
        if description["format"] != FORMAT_VERSION:
            raise ValueError(f"format {description['format']}, expected {FORMAT_VERSION}")
        unknown = description.keys() - {"format", "genesis", "nodes", "l1"}
        if unknown:
            raise ValueError(f"a network has no {sorted(unknown)[0]!r}")
        entries = [NodeEntry.from_json(entry) for entry in description["nodes"]]
        l1 = None if description["l1"] is None else L1Plan.from_json(description["l1"])
        digest = bytes.fromhex(description["genesis"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadDirectory(f"{file} is damaged: {_reason(error)}") from error
    if digest != genesis_digest(genesis):
        raise BadDirectory(
            f"{directory / 'genesis.bin'} is of another network "
            f"({genesis_digest(genesis).hex()[:16]}, expected {digest.hex()[:16]}): "
            "put back the right one"
        )
    if len(entries) < len(genesis.validators):
        raise BadDirectory(
            f"{file} is damaged: it has {len(entries)} nodes, "
            f"the genesis has {len(genesis.validators)} validators"
        )
    return Network(directory, genesis, node_configs(directory, entries, l1), l1)


def name_of(network: Network, index: int) -> str:
    """Name of a node: its validator's in the genesis, if it has one there."""
    validators = network.genesis.validators
    return validators[index].name if index < len(validators) else f"node {index}"


def append_node(network: Network, entry: NodeEntry) -> Network:
    """Add a node that is no validator of the genesis, behind the others.

    Raises
    ------
    BadDirectory
        If the file cannot be read or written.
    """
    file = network.directory / "network.json"
    description = orjson.loads(_read(file))
    description["nodes"].append(entry.to_json())
    with _plain_errors():
        write_file(file, json.dumps(description, indent=2).encode())
    return load_network(network.directory)


def is_network(directory: Path) -> bool:
    """Whether a directory holds a network."""
    return (directory / "network.json").exists()


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
    write_file(directory / "l1" / "deployer.key", keys.deployer, mode=0o600)
    for index, key in keys.settling.items():
        write_file(directory / f"node-{index}" / "l1.key", key, mode=0o600)


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadDirectory(f"{error.filename} cannot be written: {error.strerror}") from error
