"""The validator as a Ray actor, on libp2p: a node for each epoch."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ray

from actors.boot import die_if_failed
from actors.config import NodeConfig
from actors.logs import configure_logs
from actors.packing import PackedTransaction, unpack_transaction
from execution.types import Address, Hash32
from gateway.views import PendingTransaction
from ledger.codec import decode
from ledger.membership import ValidatorSetChange
from ledger.types import BlockNumber, ChainRole, Digest, EvmHash

if TYPE_CHECKING:
    from actors.validator.inspection import NodeInspector
    from actors.validator.node import ValidatorNode

MAX_CHANGE_BYTES: Final = 64 * 1024


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class ValidatorActor:
    """Runs a :class:`ValidatorNode` on libp2p, and another one when its epoch is over."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, "validator")
        self._config = config
        self._is_in_epoch = asyncio.Event()
        self._assemble()
        self._life = asyncio.get_running_loop().create_task(self._live())
        self._life.add_done_callback(die_if_failed)

    def _assemble(self) -> None:
        # Here and not above: who looks this actor up by name imports this module too.
        from actors.validator.assembly import assemble

        self._is_epoch_over = asyncio.Event()
        self._node, self._inspector = assemble(self._config, self._is_epoch_over.set)

    async def _live(self) -> None:
        """One node after the other, each for an epoch."""
        while True:
            await self._node.start()
            self._is_in_epoch.set()
            await self._is_epoch_over.wait()
            self._is_in_epoch.clear()
            waiting = self._node.pools.waiting()
            await self._node.close()
            self._assemble()
            self._node.pools.offer_again(waiting)

    async def _current(self) -> "tuple[ValidatorNode, NodeInspector]":
        """The node of the epoch that runs; waits while one gives way to the next."""
        await self._is_in_epoch.wait()
        return self._node, self._inspector

    async def ready(self) -> bool:
        """Answers once the node takes part."""
        await self._current()
        return True

    async def submit(self, role: ChainRole, packed: Sequence[PackedTransaction]) -> list[str]:
        """Offer transactions of the own gateway to the mempool; gives the outcomes' values."""
        node, _ = await self._current()
        transactions = [unpack_transaction(entry) for entry in packed]
        return [outcome.value for outcome in node.submit(role, transactions)]

    async def pending_nonces(
        self, role: ChainRole, addresses: Sequence[Address]
    ) -> list[int | None]:
        """Next nonces of senders that the mempool knows."""
        node, _ = await self._current()
        pool = node.pools.pools[role]
        return [pool.pending_nonce(address) for address in addresses]

    async def pending_transactions(
        self, role: ChainRole, hashes: Sequence[Hash32]
    ) -> list[PendingTransaction | None]:
        """Transactions that wait in the mempool."""
        node, _ = await self._current()
        found = [node.pools.pools[role].get(wanted) for wanted in hashes]
        return [
            None if entry is None else PendingTransaction(entry.raw, entry.hash, entry.sender)
            for entry in found
        ]

    async def status(self) -> dict[str, Any]:
        """Everything about the node, ready for JSON."""
        _, inspector = await self._current()
        return inspector.status()

    async def latency_samples(self) -> dict[str, list[float]]:
        """Latencies since the start or the last :meth:`clear_latencies`."""
        _, inspector = await self._current()
        return inspector.latency_samples()

    async def interleaving(self, first_height: int, last_height: int) -> list[ChainRole]:
        """Chain of each final block of a range."""
        _, inspector = await self._current()
        return inspector.interleaving(first_height, last_height)

    async def clear_latencies(self) -> None:
        """Begin a new measurement."""
        node, _ = await self._current()
        node.latencies.clear()

    async def ledger_height(self) -> int:
        """Height of the newest final block."""
        node, _ = await self._current()
        return node.archive.height

    async def ledger_block(self, height: int) -> dict[str, Any] | None:
        """Final block at a height."""
        _, inspector = await self._current()
        return inspector.ledger_block(height)

    async def checkpoint(self, role: ChainRole, number: int | None) -> dict[str, Any] | None:
        """Certified checkpoint."""
        _, inspector = await self._current()
        return inspector.checkpoint(role, number)

    async def validators(self) -> list[dict[str, Any]]:
        """The validators of the epoch."""
        _, inspector = await self._current()
        return inspector.validators()

    async def epoch(self) -> dict[str, Any]:
        """The epoch, its set, and what may come after it."""
        _, inspector = await self._current()
        return inspector.epoch()

    async def members(self) -> bytes:
        """The set of the epoch, encoded."""
        _, inspector = await self._current()
        return inspector.members()

    async def propose_change(self, encoded_change: bytes) -> None:
        """Put a change of the validator set to the vote, as the operator's vote for it.

        Raises
        ------
        BlockRejected
            If the ledger would not take it now.
        """
        change = decode(encoded_change, ValidatorSetChange, limit_bytes=MAX_CHANGE_BYTES)
        node, _ = await self._current()
        node.operators.propose_change(node.final_state, change, node.validators)
        node.notice_work()

    async def vote_change(self, change: bytes) -> None:
        """Cast the operator's vote for a change of the validator set, named by its digest.

        Raises
        ------
        BlockRejected
            If the ledger would not take it now.
        """
        node, _ = await self._current()
        node.operators.vote_change(node.final_state, Digest(change), node.validators)
        node.notice_work()

    async def evidence(self, limit: int) -> list[dict[str, Any]]:
        """The newest evidence."""
        _, inspector = await self._current()
        return inspector.evidence(limit)

    async def peer_count(self) -> int:
        """Connected peers."""
        _, inspector = await self._current()
        return inspector.peer_count()

    async def vote_quarantine(self, reason: str) -> None:
        """Cast the operator's vote to cut the fast chain off."""
        node, _ = await self._current()
        node.operators.vote_quarantine(node.final_state, reason)

    async def vote_resume(self, number: int, state_root: bytes) -> None:
        """Cast the operator's vote to resume from a certified checkpoint."""
        node, _ = await self._current()
        node.operators.vote_resume(node.final_state, BlockNumber(number), EvmHash(state_root))

    async def l1_has_news(self) -> None:
        """Look at L1's queue at once: the settlement actor has seen it grow."""
        node, _ = await self._current()
        node.l1.notice()

    async def copy_to(self, target: Path) -> int:
        """Write the final ledger into a directory; gives its height."""
        node, _ = await self._current()
        node.archive.copy_to(target)
        return node.archive.height

    async def stop(self) -> None:
        """Stop taking part and close everything; no call follows."""
        node, _ = await self._current()
        self._life.remove_done_callback(die_if_failed)
        self._life.cancel()
        await node.close()
