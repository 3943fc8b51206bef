"""The validator as a Ray actor, on libp2p."""

import asyncio
from collections.abc import Sequence
from typing import Any

import ray

from actors.boot import die_if_failed
from actors.config import NodeConfig
from actors.logs import configure_logs
from actors.packing import PackedTransaction, unpack_transaction
from execution.types import Address, Hash32
from gateway.views import PendingTransaction
from ledger.types import BlockNumber, ChainRole, EvmHash


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class ValidatorActor:
    """Runs a :class:`ValidatorNode` on libp2p."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, "validator")
        # Here and not above: who looks this actor up by name imports this module too.
        from actors.validator.assembly import assemble

        self._node, self._inspector = assemble(config)
        self._start = asyncio.get_running_loop().create_task(self._node.start())
        self._start.add_done_callback(die_if_failed)

    async def ready(self) -> bool:
        """Answers once the node takes part."""
        await asyncio.shield(self._start)
        return True

    async def submit(self, role: ChainRole, packed: Sequence[PackedTransaction]) -> list[str]:
        """Offer transactions of the own gateway to the mempool; gives the outcomes' values."""
        transactions = [unpack_transaction(entry) for entry in packed]
        return [outcome.value for outcome in self._node.submit(role, transactions)]

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
        return self._inspector.status()

    async def latency_samples(self) -> dict[str, list[float]]:
        """Latencies since the start or the last :meth:`clear_latencies`."""
        return self._inspector.latency_samples()

    async def interleaving(self, first_height: int, last_height: int) -> list[ChainRole]:
        """Chain of each final block of a range."""
        return self._inspector.interleaving(first_height, last_height)

    async def clear_latencies(self) -> None:
        """Begin a new measurement."""
        self._node.latencies.clear()

    async def ledger_height(self) -> int:
        """Height of the newest final block."""
        return self._node.archive.height

    async def ledger_block(self, height: int) -> dict[str, Any] | None:
        """Final block at a height."""
        return self._inspector.ledger_block(height)

    async def checkpoint(self, role: ChainRole, number: int | None) -> dict[str, Any] | None:
        """Certified checkpoint."""
        return self._inspector.checkpoint(role, number)

    async def validators(self) -> list[dict[str, Any]]:
        """The validators of genesis."""
        return self._inspector.validators()

    async def evidence(self, limit: int) -> list[dict[str, Any]]:
        """The newest evidence."""
        return self._inspector.evidence(limit)

    async def peer_count(self) -> int:
        """Connected peers."""
        return self._inspector.peer_count()

    async def vote_quarantine(self, reason: str) -> None:
        """Cast the operator's vote to cut the fast chain off."""
        self._node.operators.vote_quarantine(self._node.final_state, reason)

    async def vote_resume(self, number: int, state_root: bytes) -> None:
        """Cast the operator's vote to resume from a certified checkpoint."""
        self._node.operators.vote_resume(
            self._node.final_state, BlockNumber(number), EvmHash(state_root)
        )

    async def l1_has_news(self) -> None:
        """Look at L1's queue at once: the settlement actor has seen it grow."""
        self._node.l1.notice()

    async def stop(self) -> None:
        """Stop taking part and close everything; no call follows."""
        await self._node.close()
