"""The nodes of ``network.json``: where each is dialled, and where it listens.

::

    {"address": "/dns4/node.example.org/tcp/9645",    where peers dial it
     "listen": "0.0.0.0:9645",        optional: all addresses, this machine's if peers dial it there
     "rpc": "127.0.0.1:8545",         optional: where its own JSON-RPC listens
     "automatic_quarantine": true,    optional
     "snapshots": {"spacing_blocks": 4096,           optional: 0 keeps none for others
                   "threshold_blocks": 16384}}       optional: fetches one when further behind
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from actors.config import (
    DEFAULT_SPACING_BLOCKS,
    DEFAULT_THRESHOLD_BLOCKS,
    NodeConfig,
    PeerAddress,
)
from cluster.addresses import (
    DialAddress,
    ListenAddress,
    is_ip_address,
    listening_for,
    loopback,
    parse_listen_address,
    parse_multiaddress,
)
from cluster.l1_plan import L1Plan
from ledger.types import ValidatorIndex

DEFAULT_RPC: Final = ListenAddress("127.0.0.1", 8545)
_FIELDS: Final = frozenset({"address", "listen", "rpc", "automatic_quarantine", "snapshots"})
_SNAPSHOT_FIELDS: Final = frozenset({"spacing_blocks", "threshold_blocks"})
_MAX_BLOCKS: Final = 2**32
_USUAL_SNAPSHOTS: Final = {
    "spacing_blocks": DEFAULT_SPACING_BLOCKS,
    "threshold_blocks": DEFAULT_THRESHOLD_BLOCKS,
}


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """One node as ``network.json`` describes it."""

    address: DialAddress
    listen: ListenAddress
    rpc: ListenAddress = DEFAULT_RPC
    has_automatic_quarantine: bool = True
    snapshot_spacing_blocks: int = DEFAULT_SPACING_BLOCKS
    snapshot_threshold_blocks: int = DEFAULT_THRESHOLD_BLOCKS

    @classmethod
    def on_this_machine(cls, p2p_port: int, rpc_port: int) -> "NodeEntry":
        """A node that nobody reaches from elsewhere."""
        address = loopback(p2p_port)
        return cls(address, listening_for(address), ListenAddress("127.0.0.1", rpc_port))

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "NodeEntry":
        """From ``network.json``.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            What a damaged file makes it raise.
        """
        unknown = found.keys() - _FIELDS
        if unknown:
            raise ValueError(f"a node has no {sorted(unknown)[0]!r}")
        snapshots = dict(found.get("snapshots", {}))
        if snapshots.keys() - _SNAPSHOT_FIELDS:
            raise ValueError(
                f"snapshots have no {sorted(snapshots.keys() - _SNAPSHOT_FIELDS)[0]!r}"
            )
        address = parse_multiaddress(str(found["address"]))
        return cls(
            address,
            parse_listen_address(str(found["listen"]))
            if "listen" in found
            else listening_for(address),
            parse_listen_address(str(found["rpc"])) if "rpc" in found else DEFAULT_RPC,
            _flag(found.get("automatic_quarantine", True)),
            _blocks(snapshots.get("spacing_blocks", DEFAULT_SPACING_BLOCKS), 0),
            _blocks(snapshots.get("threshold_blocks", DEFAULT_THRESHOLD_BLOCKS), 1),
        )

    def to_json(self) -> dict[str, Any]:
        """For ``network.json``; what goes without saying is left out."""
        entry: dict[str, Any] = {"address": str(self.address)}
        if self.listen != listening_for(self.address):
            entry["listen"] = str(self.listen)
        if self.rpc != DEFAULT_RPC:
            entry["rpc"] = str(self.rpc)
        if not self.has_automatic_quarantine:
            entry["automatic_quarantine"] = False
        snapshots = {
            "spacing_blocks": self.snapshot_spacing_blocks,
            "threshold_blocks": self.snapshot_threshold_blocks,
        }
        if snapshots != _USUAL_SNAPSHOTS:
            entry["snapshots"] = snapshots
        return entry


def node_configs(
    directory: Path, entries: Sequence[NodeEntry], l1: L1Plan | None
) -> tuple[NodeConfig, ...]:
    """What each node of a network needs to know to start, from the network's directory."""
    peers = tuple(
        PeerAddress(
            ValidatorIndex(index),
            entry.address.host,
            entry.address.port,
            None if is_ip_address(entry.address.host) else entry.address.ip_version,
        )
        for index, entry in enumerate(entries)
    )
    return tuple(
        NodeConfig(
            index=ValidatorIndex(index),
            directory=directory / f"node-{index}",
            genesis_file=directory / "genesis.bin",
            listen=PeerAddress(ValidatorIndex(index), entry.listen.host, entry.listen.port),
            peers=tuple(peer for peer in peers if peer.index != index),
            rpc_host=entry.rpc.host,
            rpc_port=entry.rpc.port,
            l1=None if l1 is None else l1.connection(directory, index),
            automatic_quarantine=entry.has_automatic_quarantine,
            snapshot_spacing_blocks=entry.snapshot_spacing_blocks,
            snapshot_threshold_blocks=entry.snapshot_threshold_blocks,
        )
        for index, entry in enumerate(entries)
    )


def listening_elsewhere(
    config: NodeConfig, listen: ListenAddress | None, rpc: ListenAddress | None
) -> NodeConfig:
    """A node that listens where its operator says, whatever ``network.json`` does."""
    if listen is not None:
        config = replace(config, listen=PeerAddress(config.index, listen.host, listen.port))
    if rpc is not None:
        config = replace(config, rpc_host=rpc.host, rpc_port=rpc.port)
    return config


def _blocks(value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MAX_BLOCKS:
        raise ValueError(f"{value!r} is no number of blocks from {least} on")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value
