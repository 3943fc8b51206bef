"""Puts a validator together from its configuration and its disk."""

import secrets

from actors.boot import die, load_genesis, load_keys, restart
from actors.config import NodeConfig
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport
from actors.validator.inspection import NodeInspector
from actors.validator.l1_desk import NoL1View
from actors.validator.node import ValidatorNode
from actors.validator.remote import RemoteBridge, RemoteExecutor, RemoteL1View
from actors.validator.snapshots import SnapshotSettings
from bridge.triggers import DEFAULT_LIMITS
from consensus.messages import CHALLENGE_BYTES
from ledger.genesis import Genesis, genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole
from storage.journal import Journal
from storage.store import Store


def assemble(config: NodeConfig) -> tuple[ValidatorNode, NodeInspector]:
    """A validator that is not started yet, and a view of it."""
    genesis = load_genesis(config)
    keys = load_keys(config, genesis)
    node = ValidatorNode(
        index=config.index,
        genesis=genesis,
        keys=keys,
        transport=Libp2pTransport(_transport_config(config, genesis, keys)),
        journal=Journal(config.journal_directory),
        store=Store(config.ledger_directory),
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
    )
    return node, NodeInspector(node)


def _transport_config(config: NodeConfig, genesis: Genesis, keys: ValidatorKeys) -> TransportConfig:
    peers = tuple(
        PeerAddress(
            peer.index,
            genesis.validators[peer.index].network_key,
            peer.host,
            peer.port,
            peer.ip_version,
        )
        for peer in config.peers
    )
    return TransportConfig(
        index=config.index,
        network_seed=keys.network_seed,
        listen_host=config.listen.host,
        listen_port=config.listen.port,
        peers=peers,
        genesis_digest=genesis_digest(genesis),
        protocol_version=genesis.protocol_version,
        random_seed=config.index,
    )
