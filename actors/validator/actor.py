"""The validator as a Ray actor, on libp2p."""

import asyncio
from collections.abc import Sequence
from typing import Any

import ray

from actors.boot import die, die_if_failed, load_genesis, load_keys
from actors.config import NodeConfig
from actors.logs import configure_logs
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport
from actors.validator import inspection
from actors.validator.node import ValidatorNode
from actors.validator.remote import RemoteBridge, RemoteExecutor
from execution.mempool import AddOutcome
from execution.types import Address, Hash32
from gateway.backend import SubmittedTransaction
from gateway.views import PendingTransaction
from ledger.genesis import Genesis, genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, EvmHash
from storage.journal import Journal
from storage.store import Store


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class ValidatorActor:
    """Runs a :class:`ValidatorNode` on libp2p."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, "validator")
        genesis = load_genesis(config)
        keys = load_keys(config)
        transport = Libp2pTransport(_transport_config(config, genesis, keys))
        self._node = ValidatorNode(
            index=config.index,
            genesis=genesis,
            keys=keys,
            transport=transport,
            journal=Journal(config.journal_directory),
            store=Store(config.ledger_directory),
            executors={role: RemoteExecutor(config.executor_name(role)) for role in ChainRole},
            bridge=RemoteBridge(config.actor_name("bridge")),
            on_failure=die,
        )
        self._start = asyncio.get_running_loop().create_task(self._node.start())
        self._start.add_done_callback(die_if_failed)

    async def ready(self) -> bool:
        """Answers once the node takes part."""
        await asyncio.shield(self._start)
        return True

    async def submit(
        self, role: ChainRole, transactions: Sequence[SubmittedTransaction]
    ) -> list[AddOutcome]:
        """Offer transactions of the own gateway to the mempool."""
        return self._node.submit(role, transactions)

    async def pending_nonces(
        self, role: ChainRole, addresses: Sequence[Address]
    ) -> list[int | None]:
        """Next nonces of senders that the mempool knows."""
        pool = self._node.pools.pools[role]
        return [pool.pending_nonce(address) for address in addresses]

    async def pending_transactions(
        self, role: ChainRole, hashes: Sequence[Hash32]
    ) -> list[PendingTransaction | None]:
        """Transactions that wait in the mempool."""
        found = [self._node.pools.pools[role].get(wanted) for wanted in hashes]
        return [
            None if entry is None else PendingTransaction(entry.raw, entry.hash, entry.sender)
            for entry in found
        ]

    async def status(self) -> dict[str, Any]:
        """Everything about the node, ready for JSON."""
        return inspection.status(self._node)

    async def latency_samples(self) -> dict[str, list[float]]:
        """Latencies since the start or the last :meth:`clear_latencies`."""
        return inspection.latency_samples(self._node)

    async def interleaving(self, first_height: int, last_height: int) -> list[ChainRole]:
        """Chain of each final block of a range."""
        return inspection.interleaving(self._node, first_height, last_height)

    async def clear_latencies(self) -> None:
        """Begin a new measurement."""
        self._node.latencies.clear()

    async def ledger_height(self) -> int:
        """Height of the newest final block."""
        return self._node.archive.height

    async def ledger_block(self, height: int) -> dict[str, Any] | None:
        """Final block at a height."""
        return inspection.ledger_block(self._node, height)

    async def checkpoint(self, role: ChainRole, number: int | None) -> dict[str, Any] | None:
        """Certified checkpoint."""
        return inspection.checkpoint(self._node, role, number)

    async def validators(self) -> list[dict[str, Any]]:
        """The validators of genesis."""
        return inspection.validators(self._node)

    async def evidence(self, limit: int) -> list[dict[str, Any]]:
        """The newest evidence."""
        return inspection.evidence(self._node, limit)

    async def peer_count(self) -> int:
        """Connected peers."""
        return inspection.peer_count(self._node)

    async def vote_quarantine(self, reason: str) -> None:
        """Cast the operator's vote to cut the fast chain off."""
        self._node.operators.vote_quarantine(self._node.final_state, reason)

    async def vote_resume(self, number: int, state_root: bytes) -> None:
        """Cast the operator's vote to resume from a certified checkpoint."""
        self._node.operators.vote_resume(
            self._node.final_state, BlockNumber(number), EvmHash(state_root)
        )

    async def stop(self) -> None:
        """Stop taking part and close everything; no call follows."""
        await self._node.close()


def _transport_config(config: NodeConfig, genesis: Genesis, keys: ValidatorKeys) -> TransportConfig:
    peers = tuple(
        PeerAddress(peer.index, genesis.validators[peer.index].network_key, peer.host, peer.port)
        for peer in config.peers
    )
    return TransportConfig(
        index=config.index,
        network_seed=keys.network_seed,
        listen_host=config.listen.host,
        listen_port=config.listen.port,
        peers=peers,
        genesis_digest=genesis_digest(genesis),
        random_seed=config.index,
    )
