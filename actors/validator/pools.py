"""The node's mempools: transactions from its own gateway and from its peers.

Own transactions come with a recovered sender. Those of peers are decoded and
recovered here, in a thread, since recovery costs more than everything else.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from actors.execution_messages import ExecutedBlock
from actors.messages import MAX_BATCH_TRANSACTIONS, TransactionBatch
from actors.transport.channels import POLICIES
from actors.transport.interface import Channel, Transport
from actors.validator.clients import ExecutorClient, PartUnavailable
from bridge.work import MAX_ZK_TRANSACTION_BYTES_PER_BLOCK
from execution.errors import TransactionError
from execution.mempool import (
    AddOutcome,
    Mempool,
    PooledTransaction,
    PoolLimits,
    pooled_transaction,
)
from execution.transactions import decode_transaction, recover_sender
from execution.types import Address, Hash32
from gateway.backend import SubmittedTransaction
from ledger.block import SealedBlock
from ledger.codec import decode, encode
from ledger.errors import CodecError
from ledger.genesis import Genesis
from ledger.hashing import keccak
from ledger.types import ChainRole, Digest, ValidatorIndex

GOSSIP_INTERVAL_SECONDS: Final = 0.005
MAX_CACHED_SENDERS: Final = 200_000
MAX_WAITING_BATCHES_PER_PEER: Final = 16
_BATCH_BYTES: Final = POLICIES[Channel.TRANSACTIONS].maximum_message_bytes - 1024


WaitingTransactions = dict[ChainRole, list[tuple[PooledTransaction, int]]]
"""Transactions of a node that gives way to the next one, with their senders' account nonces."""


class SenderCache:
    """Senders by transaction hash, the latest ones."""

    def __init__(self) -> None:
        self._senders: OrderedDict[Hash32, Address] = OrderedDict()

    def add(self, hash_: Hash32, sender: Address) -> None:
        """Remember a sender."""
        self._senders[hash_] = sender
        if len(self._senders) > MAX_CACHED_SENDERS:
            self._senders.popitem(last=False)

    def lookup(self, transactions: tuple[bytes, ...]) -> tuple[Address | None, ...]:
        """Known senders of raw transactions; the executor recovers the others."""
        return tuple(self._senders.get(keccak(raw)) for raw in transactions)


class TransactionPools:
    """One mempool per chain, and the gossip between nodes.

    Parameters
    ----------
    on_work
        Called when a transaction becomes available to a proposal.
    """

    def __init__(
        self,
        genesis: Genesis,
        transport: Transport,
        executors: dict[ChainRole, ExecutorClient],
        on_work: Callable[[], None],
    ) -> None:
        self.pools = {role: Mempool(_pool_limits(genesis, role)) for role in ChainRole}
        self.senders = SenderCache()
        self.rejected: Counter[str] = Counter()
        self._chain_ids = {role: genesis.chain(role).chain_id for role in ChainRole}
        self._transport = transport
        self._executors = executors
        self._on_work = on_work
        self._outgoing: dict[ChainRole, list[bytes]] = {role: [] for role in ChainRole}
        self._flush_timer: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sender-recovery")
        self._recovery = asyncio.Lock()
        self._incoming: asyncio.Queue[tuple[ValidatorIndex, TransactionBatch]] = asyncio.Queue()
        self._waiting: Counter[ValidatorIndex] = Counter()

    @property
    def waiting_batches(self) -> int:
        """Batches of peers that wait to be taken in."""
        return self._incoming.qsize()

    def submit(
        self, role: ChainRole, submitted: Sequence[SubmittedTransaction]
    ) -> list[AddOutcome]:
        """Offer transactions of the own gateway, and gossip those that are taken."""
        outcomes = self._add(
            role, [(entry.transaction, entry.account_nonce) for entry in submitted]
        )
        taken = [
            entry.transaction.raw
            for entry, outcome in zip(submitted, outcomes, strict=True)
            if outcome.is_accepted
        ]
        if taken:
            self._outgoing[role].extend(taken)
            if self._flush_timer is None:
                loop = asyncio.get_running_loop()
                self._flush_timer = loop.call_later(GOSSIP_INTERVAL_SECONDS, self._flush)
        return outcomes

    def waiting(self) -> WaitingTransactions:
        """All transactions that the mempools hold."""
        return {role: pool.contents() for role, pool in self.pools.items()}

    def offer_again(self, waiting: WaitingTransactions) -> None:
        """Take over the transactions of the node before."""
        for role, transactions in waiting.items():
            self._add(role, transactions)

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Queue a peer's batch; over the bound it is dropped and counted."""
        if self._waiting[peer] >= MAX_WAITING_BATCHES_PER_PEER:
            self.rejected["batch dropped: too many wait"] += 1
            return
        try:
            batch = decode(payload, TransactionBatch, limit_bytes=len(payload))
        except CodecError as error:
            self.rejected[f"malformed batch: {type(error).__name__}"] += 1
            return
        self._waiting[peer] += 1
        self._incoming.put_nowait((peer, batch))

    async def run(self) -> None:
        """Take in what peers gossip, until cancelled."""
        while True:
            peer, batch = await self._incoming.get()
            self._waiting[peer] -= 1
            pooled = await self._recover(batch.chain, batch.transactions, is_gossip=True)
            if not pooled:
                continue
            try:
                await self._add_gossip(batch.chain, pooled)
            except PartUnavailable:
                self.rejected["batch dropped: executor is away"] += 1

    async def senders_of(
        self, role: ChainRole, transactions: tuple[bytes, ...]
    ) -> tuple[Address | None, ...]:
        """Senders of a block's transactions; ``None`` where there is none."""
        known = self.senders.lookup(transactions)
        if None in known:
            await self._recover(role, transactions)
            known = self.senders.lookup(transactions)
        return known

    def mark_in_flight(self, block: SealedBlock) -> None:
        """Note a proposed block's transactions."""
        hashes = [keccak(raw) for raw in block.body.transactions]
        self.pools[block.header.chain].mark_in_flight(block.digest, hashes)

    def release(self, role: ChainRole, digest: Digest) -> None:
        """Note that a block was dropped."""
        self.pools[role].release(digest)

    def commit(self, executed: ExecutedBlock) -> None:
        """Note that a block is final and executed."""
        pool = self.pools[executed.role]
        pool.commit(executed.digest, executed.account_nonces, executed.left_over)
        if executed.left_over:
            self._on_work()

    def close(self) -> None:
        """Stop the threads."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _add(
        self, role: ChainRole, transactions: Sequence[tuple[PooledTransaction, int]]
    ) -> list[AddOutcome]:
        pool = self.pools[role]
        outcomes = []
        for transaction, account_nonce in transactions:
            outcome = pool.add(transaction, account_nonce)
            outcomes.append(outcome)
            if outcome.is_accepted:
                self.senders.add(transaction.hash, transaction.sender)
            else:
                self.rejected[outcome.value] += 1
        if any(outcome.is_accepted for outcome in outcomes):
            self._on_work()
        return outcomes

    async def _add_gossip(self, role: ChainRole, transactions: list[PooledTransaction]) -> None:
        addresses = list({transaction.sender for transaction in transactions})
        found = await self._executors[role].account_nonces(addresses)
        nonces = dict(zip(addresses, found, strict=True))
        self._add(role, [(transaction, nonces[transaction.sender]) for transaction in transactions])

    async def _recover(
        self, role: ChainRole, transactions: Sequence[bytes], *, is_gossip: bool = False
    ) -> list[PooledTransaction]:
        loop = asyncio.get_running_loop()
        # One job at a time: a block and the gossip of its transactions often come together,
        # and whichever comes second finds the senders known.
        async with self._recovery:
            known = self.senders.lookup(tuple(transactions))
            pooled, rejections = await loop.run_in_executor(
                self._threads,
                _decode_and_recover,
                transactions,
                known,
                self._chain_ids[role],
                is_gossip,
            )
        for transaction in pooled:
            self.senders.add(transaction.hash, transaction.sender)
        self.rejected.update(rejections)
        return pooled

    def _flush(self) -> None:
        self._flush_timer = None
        for role, raws in self._outgoing.items():
            for batch in _batches(raws):
                message = encode(TransactionBatch(role, batch))
                self._transport.broadcast(Channel.TRANSACTIONS, message)
            raws.clear()


def _pool_limits(genesis: Genesis, role: ChainRole) -> PoolLimits:
    chain = genesis.chain(role)
    limits = PoolLimits(
        max_transaction_gas=chain.gas_limit, is_arrival_ordered=chain.is_base_fee_zero
    )
    if role is ChainRole.ZK:
        return replace(limits, max_transaction_bytes=MAX_ZK_TRANSACTION_BYTES_PER_BLOCK)
    return limits


def _decode_and_recover(
    raws: Sequence[bytes], known: Sequence[Address | None], chain_id: int, is_gossip: bool
) -> tuple[list[PooledTransaction], Counter[str]]:
    """Everything about raw transactions that needs no state. Runs in a thread.

    An honest peer gossips only what it has put through this itself: behind a transaction that is
    none, nothing of a batch is looked at, so that a flood of them costs its sender the more.
    """
    rejections: Counter[str] = Counter()
    pooled = []
    for raw, known_sender in zip(raws, known, strict=True):
        try:
            decoded = decode_transaction(raw)
            sender = recover_sender(decoded) if known_sender is None else known_sender
        except TransactionError as error:
            rejections[error.reason] += 1
            if is_gossip:
                break
            continue
        if decoded.chain_id != chain_id:
            rejections["wrong chain id"] += 1
            continue
        pooled.append(pooled_transaction(decoded, sender))
    return pooled, rejections


def _batches(raws: list[bytes]) -> list[tuple[bytes, ...]]:
    """Cut a list into batches that fit into a message."""
    batches: list[tuple[bytes, ...]] = []
    batch: list[bytes] = []
    size = 0
    for raw in raws:
        is_full = size + len(raw) + 8 > _BATCH_BYTES or len(batch) == MAX_BATCH_TRANSACTIONS
        if batch and is_full:
            batches.append(tuple(batch))
            batch, size = [], 0
        batch.append(raw)
        size += len(raw) + 8
    if batch:
        batches.append(tuple(batch))
    return batches
