"""The embedded chain as JSON-RPC sees it.

One thread owns the chain; everything that is asked of it waits in line there, so that the
event loop goes on while a block executes.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeVar

from actors.executor.reader import BlockReader
from actors.l1.chain import L1Chain
from actors.l1.settings import Clock
from execution.mempool import AddOutcome
from execution.types import AccountProof, AccountState, Address, CallRequest, CallResult, Hash32
from gateway.backend import AdmissionState, FeeRange, SubmittedTransaction
from gateway.log_query import LogQuery
from gateway.views import (
    Heads,
    IncludedTransaction,
    LocatedLog,
    PendingTransaction,
    StoredBlock,
)

T = TypeVar("T")

SAFE_BEHIND_BLOCKS: Final = 4


class L1Reader(BlockReader):
    """Reads of the embedded chain."""

    def block(self, number: int) -> StoredBlock | None:
        """Block of that number; an L1 has no ledger."""
        found = super().block(number)
        return found if found is None or found.ledger is None else replace(found, ledger=None)

    def forget(self, above: int) -> None:
        """Forget cached blocks that a reorg dropped."""
        for number in [cached for cached in self._cache if cached > above]:
            del self._cache[number]


class L1Backend:
    """A :class:`gateway.backend.ChainBackend` over the embedded chain.

    Attributes
    ----------
    is_automatic
        Whether every transaction gets a block at once.
    """

    def __init__(self, chain: L1Chain, clock: Clock, *, is_automatic: bool) -> None:
        self.chain = chain
        self.is_automatic = is_automatic
        self.time_offset_seconds = 0
        self._clock = clock
        self._reader = L1Reader(chain)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="l1-chain")

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with the chain, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def now_seconds(self) -> int:
        """Time that the next block gets."""
        return int(self._clock()) + self.time_offset_seconds

    def mine_waiting(self) -> None:
        """Make blocks until nothing that waits could be in one; in the chain's thread."""
        while self._has_executable():
            self.chain.mine(self.now_seconds())

    def mine_one(self) -> StoredBlock:
        """Make one block, empty if need be; in the chain's thread."""
        return self.chain.mine(self.now_seconds())

    async def close(self) -> None:
        """Finish what runs and close the chain."""
        await self.run(self.chain.close)
        self._thread.shutdown()

    # READS

    async def heads(self) -> Heads:
        """Newest block number of each confirmation tier."""

        def read() -> Heads:
            head = self.chain.head_number
            return Heads(head, max(0, head - SAFE_BEHIND_BLOCKS), self.chain.final_number)

        return await self.run(read)

    async def block(self, number: int) -> StoredBlock | None:
        """Block of that number."""
        return await self.run(lambda: self._reader.block(number))

    async def block_by_hash(self, block_hash: Hash32) -> StoredBlock | None:
        """Block of that hash."""
        return await self.run(lambda: self._reader.block_by_hash(block_hash))

    async def block_number(self, block_hash: Hash32) -> int | None:
        """Number of the block of that hash."""
        return await self.run(lambda: self._reader.block_number(block_hash))

    async def block_hashes(self, first_number: int, last_number: int) -> Sequence[Hash32]:
        """Hashes of the existing blocks of a range."""
        return await self.run(lambda: self._reader.block_hashes(first_number, last_number))

    async def transactions(
        self, hashes: Sequence[Hash32]
    ) -> Sequence[IncludedTransaction | PendingTransaction | None]:
        """Transactions in blocks or waiting."""

        def read() -> list[IncludedTransaction | PendingTransaction | None]:
            return [
                found if found is not None else self._pending(transaction_hash)
                for transaction_hash, found in zip(
                    hashes, self._reader.transactions(hashes), strict=True
                )
            ]

        return await self.run(read)

    async def logs(self, query: LogQuery, limit: int) -> Sequence[LocatedLog]:
        """Logs that match."""
        return await self.run(lambda: self._reader.logs(query, limit))

    async def admission_state(self, addresses: Sequence[Address]) -> AdmissionState:
        """Accounts at ``latest``.

        Ethereum's nodes take transactions that pay less than the base fee, and keep
        them until it falls; so the base fee is told as zero.
        """
        accounts = await self.run(lambda: self.chain.engine.accounts(addresses))
        return AdmissionState(accounts, 0)

    async def accounts(
        self, addresses: Sequence[Address], at: int | None
    ) -> Sequence[AccountState]:
        """Account states."""
        return await self.run(lambda: self._reader.accounts(addresses, at))

    async def pending_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        """Next nonces, counting the mempool."""

        def read() -> list[int]:
            states = self.chain.engine.accounts(addresses)
            waiting = [self.chain.pool.pending_nonce(address) for address in addresses]
            return [
                max(state.nonce, nonce or 0) for state, nonce in zip(states, waiting, strict=True)
            ]

        return await self.run(read)

    async def code(self, address: Address, at: int | None) -> bytes:
        """Contract code."""
        return await self.run(lambda: self._reader.code(address, at))

    async def storage_at(self, address: Address, slot: int, at: int | None) -> int:
        """A storage slot."""
        return await self.run(lambda: self._reader.storage_at(address, slot, at))

    async def call(self, request: CallRequest, at: int | None) -> CallResult:
        """Run a call and forget its effects."""
        return await self.run(lambda: self._reader.call(request, at))

    async def estimate_gas(self, request: CallRequest, at: int | None) -> CallResult:
        """Least gas limit with which a call succeeds."""
        return await self.run(lambda: self._reader.estimate_gas(request, at))

    async def proof(self, address: Address, slots: Sequence[int], at: int | None) -> AccountProof:
        """EIP-1186 proof."""
        return await self.run(lambda: self._reader.proof(address, slots, at))

    async def fees(self, first_number: int, last_number: int) -> FeeRange:
        """Fees of a range of blocks."""
        return await self.run(lambda: self._reader.fees(first_number, last_number))

    # WRITES

    async def submit(self, transactions: Sequence[SubmittedTransaction]) -> Sequence[AddOutcome]:
        """Take transactions, and make blocks of them at once if the chain is automatic."""

        def take() -> list[AddOutcome]:
            outcomes = self.chain.submit(
                [(entry.transaction, entry.account_nonce) for entry in transactions]
            )
            if self.is_automatic:
                self.mine_waiting()
            return outcomes

        return await self.run(take)

    async def reorg(self, depth: int) -> None:
        """Drop the newest blocks and put others in their place.

        Raises
        ------
        ReorgTooDeep
            If one of them is final.
        """

        def drop() -> None:
            below = self.chain.head_number - depth
            self.chain.reorg(depth, self.now_seconds())
            self._reader.forget(below)

        await self.run(drop)

    # PARTS

    def _has_executable(self) -> bool:
        base_fee_wei = self.chain.next_base_fee_wei
        return bool(self.chain.pool.take(base_fee_wei, self.chain.spec.gas_limit, 1 << 23, 1))

    def _pending(self, transaction_hash: Hash32) -> PendingTransaction | None:
        waiting = self.chain.pool.get(transaction_hash)
        if waiting is None:
            return None
        return PendingTransaction(waiting.raw, waiting.hash, waiting.sender)
