"""Puts a validator together from its configuration and its disk, for the epoch that it is in."""

import secrets
from collections.abc import Callable

from actors.boot import check_keyring, die, load_genesis, load_keyring, restart
from actors.config import NodeConfig
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport
from actors.validator.archive import Archive
from actors.validator.inspection import NodeInspector
from actors.validator.l1_desk import NoL1View
from actors.validator.node import ValidatorNode
from actors.validator.remote import RemoteBridge, RemoteExecutor, RemoteL1View
from actors.validator.snapshots import SnapshotSettings
from bridge.triggers import DEFAULT_LIMITS
from consensus.messages import CHALLENGE_BYTES
from ledger.genesis import Genesis
from ledger.keys import ValidatorKeys, own_validator
from ledger.types import ChainRole, Ed25519PublicKey, ValidatorIndex
from ledger.validators import ValidatorSet
from storage.journal import Journal
from storage.store import Store

Address = tuple[str, int, int | None]
"""Host, port, and the IP version to follow the host's name to, if it matters."""

NOWHERE: Address = ("", 0, None)
"""Address of a peer that nobody has told: it dials, or is not reached."""


def assemble(
    config: NodeConfig, on_epoch_over: Callable[[], None]
) -> tuple[ValidatorNode, NodeInspector]:
    """A validator that is not started yet, and a view of it."""
    genesis = load_genesis(config)
    keyring = load_keyring(config)
    store = Store(config.ledger_directory)
    validators = _current_set(store, genesis)
    check_keyring(config, genesis, validators, keyring)
    index, keys = own_validator(validators, keyring)
    node = ValidatorNode(
        index=index,
        genesis=genesis,
        keys=keys,
        transport=Libp2pTransport(_transport_config(config, genesis, validators, index, keys)),
        journal=Journal(config.journal_directory),
        store=store,
        executors={role: RemoteExecutor(config.executor_name(role)) for role in ChainRole},
        bridge=RemoteBridge(config.actor_name("bridge")),
        l1=RemoteL1View(config.actor_name("settlement")) if genesis.has_l1 else NoL1View(),
        on_failure=die,
        snapshots=SnapshotSettings(
            config.snapshot_directory,
            config.snapshot_spacing_blocks,
            config.snapshot_threshold_blocks,
        ),
        on_restart=restart,
        triggers=DEFAULT_LIMITS if config.automatic_quarantine else None,
        challenge=secrets.token_bytes(CHALLENGE_BYTES),
        on_epoch_over=on_epoch_over,
    )
    return node, NodeInspector(node)


def _current_set(store: Store, genesis: Genesis) -> ValidatorSet:
    """The set of the epoch that the ledger on disk has come to."""
    archive = Archive(store, genesis, ValidatorSet(genesis))
    return archive.validators_after(archive.state_after(archive.height))


def _transport_config(
    config: NodeConfig,
    genesis: Genesis,
    validators: ValidatorSet,
    index: ValidatorIndex,
    keys: ValidatorKeys,
) -> TransportConfig:
    known = _configured_addresses(config, genesis)
    peers = []
    for place, member in enumerate(validators.members):
        key = member.entry.network_key
        host, port, ip_version = known.get(key) or _parse(member.address)
        peers.append(PeerAddress(place, key, host, port, ip_version))
    return TransportConfig(
        index=index,
        network_seed=keys.network_seed,
        listen_host=config.listen.host,
        listen_port=config.listen.port,
        peers=tuple(peers),
        genesis_digest=validators.digest,
        protocol_version=genesis.protocol_version,
        random_seed=index,
    )


def _configured_addresses(config: NodeConfig, genesis: Genesis) -> dict[Ed25519PublicKey, Address]:
    """Where the operator says that the validators of the genesis are."""
    return {
        genesis.validators[peer.index].network_key: (peer.host, peer.port, peer.ip_version)
        for peer in config.peers
        if peer.index < len(genesis.validators)
    }


def _parse(address: str) -> Address:
    """An address of the ledger, which has checked its form."""
    host, separator, port = address.rpartition(":")
    return (host, int(port), None) if separator else NOWHERE
