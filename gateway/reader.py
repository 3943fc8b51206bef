"""Reads of one chain that all methods share: block references, and batched look-ups."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from execution.types import AccountState, Address, Hash32
from gateway.backend import ChainBackend
from gateway.batcher import Batcher
from gateway.errors import ResourceNotFound, ServerError
from gateway.limits import Limits
from gateway.log_query import LogQuery
from gateway.params import BlockHash, BlockReference, BlockTag
from gateway.views import Heads, IncludedTransaction, LocatedLog, PendingTransaction, StoredBlock

T = TypeVar("T")
Value = TypeVar("Value")

LOOKUP_BATCH = 512

SMALL_ITEMS = 256
"""So many transactions or logs become JSON in about a millisecond."""


class ChainReader:
    """A chain's backend with batching, and bounds on the calls that run at once.

    Concurrent look-ups of transactions, accounts and heads share one backend
    call. A batch starts after the requests in it have come, so that each one
    still reads what is newest.
    """

    def __init__(self, backend: ChainBackend, limits: Limits) -> None:
        self.backend = backend
        self._slots = asyncio.Semaphore(limits.backend_calls_in_flight)
        self._large_slots = asyncio.Semaphore(limits.large_reads_in_flight)
        waiting = limits.requests_in_flight
        self._heads: Batcher[None, Heads] = Batcher(
            self._read_heads, max_items=waiting, max_waiting=waiting
        )
        self._transactions: Batcher[Hash32, IncludedTransaction | PendingTransaction | None] = (
            Batcher(backend.transactions, max_items=LOOKUP_BATCH, max_waiting=waiting)
        )
        self._accounts: Batcher[Address, AccountState] = Batcher(
            lambda addresses: backend.accounts(addresses, None),
            max_items=LOOKUP_BATCH,
            max_waiting=waiting,
        )
        self._pending_nonces: Batcher[Address, int] = Batcher(
            backend.pending_nonces, max_items=LOOKUP_BATCH, max_waiting=waiting
        )

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make one backend call when fewer than the limit are running."""
        async with self._slots:
            return await call()

    async def heads(self) -> Heads:
        """Newest block numbers."""
        return await self._heads.submit(None)

    async def transaction(
        self, transaction_hash: Hash32
    ) -> IncludedTransaction | PendingTransaction | None:
        """One executed or waiting transaction."""
        return await self._transactions.submit(transaction_hash)

    async def account(self, address: Address, at: int | None) -> AccountState:
        """One account's state."""
        if at is None:
            return await self._accounts.submit(address)
        states = await self.run(lambda: self.backend.accounts([address], at))
        return states[0]

    async def pending_nonce(self, address: Address) -> int:
        """Nonce of an account's next transaction, the mempool counted."""
        return await self._pending_nonces.submit(address)

    async def state_position(self, reference: BlockReference) -> int | None:
        """Block after which to read state; ``None`` is the newest.

        Raises
        ------
        RpcError
            If there is no such block.
        """
        if reference in (BlockTag.LATEST, BlockTag.PENDING):
            return None
        number = await self.existing_number(reference)
        if number is None:
            raise ServerError("header not found")
        return number

    async def existing_number(self, reference: BlockReference) -> int | None:
        """Number of an existing block, or ``None`` if there is none."""
        if isinstance(reference, BlockHash):
            wanted = reference.block_hash
            return await self.run(lambda: self.backend.block_number(wanted))
        if reference is BlockTag.EARLIEST:
            return 0
        heads = await self.heads()
        if isinstance(reference, BlockTag):
            return tagged_number(reference, heads)
        return reference if reference <= heads.latest else None

    async def block(self, reference: BlockReference) -> StoredBlock | None:
        """An executed block, or ``None`` if there is none."""
        if isinstance(reference, BlockHash):
            wanted = reference.block_hash
            return await self.run(lambda: self.backend.block_by_hash(wanted))
        number = reference if not isinstance(reference, BlockTag) else None
        if number is None:
            number = await self.existing_number(reference)
            if number is None:
                return None
        found = number
        return await self.run(lambda: self.backend.block(found))

    async def block_view(
        self, reference: BlockReference, render: Callable[[StoredBlock], T]
    ) -> T | None:
        """Read and render a block, or give ``None`` if there is none."""
        async with self._large_slots:
            block = await self.block(reference)
            if block is None:
                return None
            return await _rendered(render, block, len(block.receipts))

    async def log_views(
        self, query: LogQuery, limit: int, render: Callable[[LocatedLog], T]
    ) -> list[T]:
        """Read and render logs, at most ``limit`` of them."""
        async with self._large_slots:
            logs = await self.run(lambda: self.backend.logs(query, limit))
            return await _rendered(lambda found: [render(log) for log in found], logs, len(logs))

    async def required_number(self, reference: BlockReference) -> int:
        """Number of a block that has to exist.

        Raises
        ------
        ResourceNotFound
            If it does not.
        """
        number = await self.existing_number(reference)
        if number is None:
            raise ResourceNotFound("unknown block")
        return number

    async def close(self) -> None:
        """Give up what waits for a batch."""
        for batcher in (self._heads, self._transactions, self._accounts, self._pending_nonces):
            await batcher.close()

    async def _read_heads(self, askers: Sequence[None]) -> Sequence[Heads]:
        return [await self.backend.heads()] * len(askers)


async def _rendered(render: Callable[[Value], T], value: Value, item_count: int) -> T:
    """Render here, or in a thread what would keep everybody else waiting."""
    if item_count <= SMALL_ITEMS:
        return render(value)
    return await asyncio.to_thread(render, value)


def tagged_number(tag: BlockTag, heads: Heads) -> int:
    """The block number that a tag stands for."""
    if tag is BlockTag.EARLIEST:
        return 0
    if tag is BlockTag.SAFE:
        return heads.safe
    if tag is BlockTag.FINALIZED:
        return heads.finalized
    return heads.latest
