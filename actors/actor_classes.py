"""The Ray actors of a node: construct a core from disk, then hand calls to it.

Actors are named, detached and restarted by Ray. A restart runs the constructor
again, which finds everything on disk; nothing but the disk survives.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final

import ray
import structlog

from actors.bridge.desk import BridgeDesk
from actors.calls import ActorLink
from actors.config import NodeConfig
from actors.execution_messages import (
    BridgeAnswer,
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
)
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.reader import ChainReader
from actors.gateway.chain_backend import ChainBackend
from actors.gateway.ledger_backend import LedgerBackend
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport
from actors.validator import inspection
from actors.validator.node import ValidatorNode
from actors.validator.remote import RemoteBridge, RemoteExecutor
from execution.genesis import chain_spec
from execution.mempool import AddOutcome
from execution.types import Address, Hash32
from gateway.application import Gateway
from gateway.backend import SubmittedTransaction
from gateway.server import GatewayServer, start_server
from gateway.views import ChainInfo, PendingTransaction
from ledger.crossing import Attestation, CheckpointCertificate
from ledger.genesis import Genesis, genesis_digest, open_genesis
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, EvmHash, ValidatorIndex
from storage.journal import Journal
from storage.store import Store

log = structlog.get_logger(__name__)

READS: Final = frozenset(name for name in vars(ChainReader) if not name.startswith("_"))
"""Methods that the gateway may call on an executor."""


def load_genesis(config: NodeConfig) -> Genesis:
    """The network's genesis."""
    return open_genesis(config.genesis_file.read_bytes())


def load_keys(config: NodeConfig) -> ValidatorKeys:
    """The node's keys."""
    return ValidatorKeys(config.seed_file.read_bytes())


@ray.remote(num_cpus=0, max_restarts=-1)
class ExecutorActor:
    """Executes one chain; one call at a time."""

    def __init__(self, config: NodeConfig, role: ChainRole) -> None:
        genesis = load_genesis(config)
        spec = chain_spec(genesis, role)
        self._store = ChainStore(Store(config.chain_directory(role)), spec.chain_id)
        self._executor = ChainExecutor(role, spec, genesis_digest(genesis), self._store)
        self._reader = ChainReader(self._executor)

    def ready(self) -> bool:
        """Answers once the chain is loaded."""
        return True

    def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands of the validator."""
        answer = self._executor.apply(commands)
        if self._reader.is_outdated:
            self._reader = ChainReader(self._executor)
        return answer

    def account_nonces(self, addresses: Sequence[Address]) -> list[int]:
        """Nonces at the newest executed block."""
        return self._executor.account_nonces(addresses)

    def progress(self) -> ExecutorProgress:
        """Where the executor stands on disk."""
        return self._executor.progress()

    def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        """Results of final blocks."""
        return self._executor.final_results(first_number, limit)

    def read(self, method: str, *arguments: Any) -> Any:
        """Run one of the reads of :class:`ChainReader`."""
        if method not in READS:
            raise ValueError(f"no read is called {method!r}")
        return getattr(self._reader, method)(*arguments)

    def stop(self) -> None:
        """Flush and close; no call follows."""
        self._store.close()


@ray.remote(num_cpus=0, max_restarts=-1)
class BridgeActor:
    """Signs, collects and verifies checkpoints."""

    def __init__(self, config: NodeConfig) -> None:
        self._desk = BridgeDesk(config.index, load_genesis(config), load_keys(config))

    def ready(self) -> bool:
        """Answers once the keys are loaded."""
        return True

    def verify(self, certificates: Sequence[CheckpointCertificate]) -> bool:
        """Whether all certificates are valid."""
        return self._desk.verify(certificates)

    def attest(self, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        """Attest final blocks that need a checkpoint."""
        return self._desk.attest(blocks)

    def collect(self, attestations: Sequence[tuple[ValidatorIndex, Attestation]]) -> BridgeAnswer:
        """Count attestations of peers."""
        return self._desk.collect(attestations)

    def settled(self, certified: dict[ChainRole, BlockNumber]) -> None:
        """Note the newest checkpoints on the final ledger."""
        self._desk.settled(certified)

    def status(self) -> dict[str, Any]:
        """Counts of certificates, rejections and divergences."""
        return {
            "certified": self._desk.certified_count,
            "rejected": dict(self._desk.rejected),
            "divergences": len(self._desk.divergences),
        }


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class ValidatorActor:
    """Runs a :class:`ValidatorNode` on libp2p."""

    def __init__(self, config: NodeConfig) -> None:
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
            on_failure=_die,
        )
        self._start = asyncio.get_running_loop().create_task(self._node.start())
        self._start.add_done_callback(_die_if_failed)

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

    async def latencies(self) -> dict[str, Any]:
        """Latencies since the start or the last :meth:`clear_latencies`."""
        return inspection.latencies(self._node)

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


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class GatewayActor:
    """Serves JSON-RPC."""

    def __init__(self, config: NodeConfig) -> None:
        genesis = load_genesis(config)
        validator = ActorLink(config.actor_name("validator"))
        backends = {
            role: ChainBackend(role, ActorLink(config.executor_name(role)), validator)
            for role in ChainRole
        }
        chains = [
            (
                ChainInfo(
                    role=role,
                    chain_id=genesis.chain(role).chain_id,
                    gas_limit=genesis.chain(role).gas_limit,
                    is_base_fee_zero=genesis.chain(role).is_base_fee_zero,
                ),
                backends[role],
            )
            for role in ChainRole
        ]
        self._gateway = Gateway(chains, LedgerBackend(validator, backends[ChainRole.ZK]))
        self._server: asyncio.Task[GatewayServer] = asyncio.get_running_loop().create_task(
            start_server(self._gateway, config.rpc_host, config.rpc_port)
        )
        self._server.add_done_callback(_die_if_failed)

    async def ready(self) -> str:
        """The server's address, once it listens."""
        return (await asyncio.shield(self._server)).url

    async def status(self) -> dict[str, Any]:
        """Counts of requests and errors."""
        return dict(self._gateway.status())

    async def stop(self) -> None:
        """Finish what runs and close; no call follows."""
        await (await self._server).stop()


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


def _die(error: BaseException) -> None:
    """End the process: Ray starts it again, and the disk says where to go on."""
    log.error("the actor cannot go on and restarts", exc_info=error)
    os._exit(1)


def _die_if_failed(task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _die(error)
