"""The transactions of one chain that wait for a block.

Pure data: no clock, no IO. Three rules:

- A sender's transactions leave in nonce order. Among senders the best tip goes
  first, then the earlier arrival; a chain without fees goes by arrival alone.
- A transaction in a block that is proposed but not yet executed is *in flight*.
  It stays in the pool but :meth:`Mempool.take` passes over it and goes on with
  the sender's next nonce, until the block is committed or released.
- Everything is bounded. In a full pool a transaction with a better tip evicts
  one: the last nonce of the sender that holds the cheapest transaction, so that
  no eviction opens a gap.

Heads of the senders' queues are in a heap. Entries that are no longer heads
stay in it until they surface or the heap is rebuilt.
"""

from collections.abc import Collection, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Final

from execution._mempool_queue import Entry, SenderQueue
from execution._mempool_types import (
    AddOutcome,
    PooledTransaction,
    PoolLimits,
    PoolStatus,
    pooled_transaction,
)
from execution.types import Address, Hash32
from ledger.types import Digest

__all__ = [
    "AddOutcome",
    "Mempool",
    "PoolLimits",
    "PoolStatus",
    "PooledTransaction",
    "pooled_transaction",
]

MIN_TRANSACTION_GAS: Final = 21_000
MAX_MISFITS: Final = 64
"""After so many transactions that no longer fit, a block counts as full."""

STALE_ENTRIES_ALLOWED: Final = 1024


class Mempool:
    """Pool of one chain.

    Parameters
    ----------
    limits : PoolLimits
        Bounds and order.
    """

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._entries: dict[Hash32, Entry] = {}
        self._queues: dict[Address, SenderQueue] = {}
        self._size_bytes = 0
        self._arrivals = 0
        self._heads: list[Entry] = []
        self._cheapest: list[Entry] = []
        self._in_flight_blocks: dict[Digest, tuple[Hash32, ...]] = {}
        self._in_flight: dict[Hash32, int] = {}
        self._evicted_count = 0
        self._outcomes: dict[AddOutcome, int] = dict.fromkeys(AddOutcome, 0)

    def add(self, transaction: PooledTransaction, account_nonce: int) -> AddOutcome:
        """Offer a transaction.

        Parameters
        ----------
        transaction : PooledTransaction
            Decoded, with a valid signature; everything else is checked here.
        account_nonce : int
            The sender's nonce in a finalized state.
        """
        outcome = self._add(transaction, account_nonce)
        self._outcomes[outcome] += 1
        return outcome

    def get(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """The pooled transaction with that hash, in flight or not."""
        entry = self._entries.get(transaction_hash)
        return None if entry is None else entry[2]

    def contents(self) -> list[tuple[PooledTransaction, int]]:
        """All transactions with the nonces of their senders' accounts, each sender's in order."""
        return [
            (queue.entries[nonce][2], queue.account_nonce)
            for queue in self._queues.values()
            for nonce in sorted(queue.entries)
        ]

    def pending_nonce(self, sender: Address) -> int | None:
        """Next nonce after the sender's gapless transactions; None if the pool has none of his."""
        queue = self._queues.get(sender)
        return None if queue is None else queue.pending_nonce

    def take(
        self, base_fee_wei: int, gas_limit: int, max_bytes: int, max_count: int
    ) -> list[PooledTransaction]:
        """Choose transactions for the next block, in an order in which they can execute.

        Nothing is removed: what gets proposed has to be marked in flight.

        Parameters
        ----------
        base_fee_wei : int
            The block's; transactions that pay less are passed over.
        gas_limit : int
            Bound on the sum of the gas limits.
        max_bytes, max_count : int
            Bounds on the sum of the encodings and on their number.
        """
        taken: list[PooledTransaction] = []
        candidates: list[Entry] = []
        heads = self._heads
        opened: dict[Address, Entry] = {}
        gas_left, bytes_left, misfits = gas_limit, max_bytes, 0
        while len(taken) < max_count and gas_left >= MIN_TRANSACTION_GAS and misfits < MAX_MISFITS:
            # A head's priority bounds what it pays at this base fee, so heads that
            # cannot beat the best candidate stay unopened.
            while heads and (not candidates or heads[0] < candidates[0]):
                head = heappop(heads)
                sender = head[2].sender
                queue = self._queues.get(sender)
                is_stale = queue is None or queue.head is not head or sender in opened
                if is_stale:
                    continue
                opened[sender] = head
                if head[2].max_fee_wei >= base_fee_wei:
                    heappush(candidates, self._priced(head, base_fee_wei))
            if not candidates:
                break
            transaction = heappop(candidates)[2]
            has_room = transaction.gas_limit <= gas_left and transaction.size_bytes <= bytes_left
            if not has_room:
                misfits += 1
                continue
            taken.append(transaction)
            gas_left -= transaction.gas_limit
            bytes_left -= transaction.size_bytes
            following = self._queues[transaction.sender].entries.get(transaction.nonce + 1)
            is_executable = (
                following is not None
                and following[2].max_fee_wei >= base_fee_wei
                and following[2].hash not in self._in_flight
            )
            if following is not None and is_executable:
                heappush(candidates, self._priced(following, base_fee_wei))
        for head in opened.values():
            heappush(heads, head)
        return taken

    def mark_in_flight(self, block_digest: Digest, hashes: Iterable[Hash32]) -> None:
        """Note that a proposed block holds these transactions, in this pool or not.

        Marking a block again has no effect.
        """
        if block_digest in self._in_flight_blocks:
            return
        members = tuple(hashes)
        self._in_flight_blocks[block_digest] = members
        in_flight = self._in_flight
        affected: dict[Address, SenderQueue] = {}
        for member in members:
            in_flight[member] = in_flight.get(member, 0) + 1
            entry = self._entries.get(member)
            if entry is not None:
                affected[entry[2].sender] = self._queues[entry[2].sender]
        for queue in affected.values():
            self._settle(queue, queue.account_nonce)

    def release(self, block_digest: Digest) -> None:
        """Note that a block was dropped: its transactions may be proposed again."""
        affected: dict[Address, SenderQueue] = {}
        for member in self._forget_block(block_digest):
            entry = self._entries.get(member)
            if entry is not None:
                affected.update(self._offer_again(entry))
        for queue in affected.values():
            self._settle(queue, queue.account_nonce)

    def commit(
        self,
        block_digest: Digest,
        account_nonces: Mapping[Address, int],
        left_over: Collection[Hash32] = (),
    ) -> None:
        """Note that a block is final and executed.

        Its transactions leave the pool, whether they were included or skipped,
        and so does every transaction that the new nonces make stale.
        Those that the block had no room for stay, and may be proposed again.

        Parameters
        ----------
        block_digest : Digest
            The block; it need not have been marked.
        account_nonces : Mapping[Address, int]
            Nonces after the block of all accounts whose nonce it changed.
        left_over : Collection[Hash32]
            Hashes of what was not tried, or not included, for want of room to prove it.
        """
        affected: dict[Address, SenderQueue] = {}
        for member in self._forget_block(block_digest):
            entry = self._entries.get(member)
            if entry is None:
                continue
            if member in left_over:
                affected.update(self._offer_again(entry))
            else:
                affected[entry[2].sender] = self._drop(entry)
        for sender, nonce in account_nonces.items():
            known = self._queues.get(sender)
            if known is not None and nonce > known.account_nonce:
                affected[sender] = known
                self._drop_stale(known, nonce)
                known.account_nonce = nonce
        for sender, queue in affected.items():
            self._settle_or_delete(sender, queue, queue.account_nonce)

    def is_in_flight(self, transaction_hash: Hash32) -> bool:
        """Whether a block that is proposed but not yet executed holds the transaction."""
        return transaction_hash in self._in_flight

    def status(self) -> PoolStatus:
        """Counts for metrics."""
        return PoolStatus(
            transaction_count=len(self._entries),
            size_bytes=self._size_bytes,
            sender_count=len(self._queues),
            in_flight_block_count=len(self._in_flight_blocks),
            in_flight_transaction_count=len(self._in_flight),
            evicted_count=self._evicted_count,
            outcomes=dict(self._outcomes),
        )

    def _add(self, transaction: PooledTransaction, account_nonce: int) -> AddOutcome:
        limits = self._limits
        if transaction.hash in self._entries:
            return AddOutcome.ALREADY_KNOWN
        if transaction.size_bytes > limits.max_transaction_bytes:
            return AddOutcome.TOO_LARGE
        if transaction.gas_limit > limits.max_transaction_gas:
            return AddOutcome.GAS_ABOVE_LIMIT
        if transaction.max_fee_wei < limits.min_max_fee_wei:
            return AddOutcome.FEE_BELOW_MINIMUM

        queue = self._queues.get(transaction.sender)
        if queue is not None and account_nonce > queue.account_nonce:
            self._drop_stale(queue, account_nonce)
            queue = self._settle_or_delete(transaction.sender, queue, account_nonce)
        if queue is None:
            queue = SenderQueue(account_nonce, account_nonce, account_nonce)
        if transaction.nonce < queue.account_nonce:
            return AddOutcome.NONCE_TOO_LOW
        replaced = queue.entries.get(transaction.nonce)
        if replaced is not None:
            return self._replace(queue, replaced, transaction)
        if transaction.nonce - queue.pending_nonce > limits.max_nonce_gap:
            return AddOutcome.NONCE_GAP_TOO_LARGE
        if len(queue.entries) >= limits.max_transactions_per_sender:
            return AddOutcome.SENDER_QUEUE_FULL
        if not self._has_room(transaction) and not self._evict_for(transaction):
            return AddOutcome.POOL_FULL

        self._queues[transaction.sender] = queue
        self._insert(queue, transaction)
        return AddOutcome.ACCEPTED

    def _replace(
        self, queue: SenderQueue, entry: Entry, transaction: PooledTransaction
    ) -> AddOutcome:
        old = entry[2]
        if old.hash in self._in_flight:
            return AddOutcome.REPLACEMENT_IN_FLIGHT
        is_outbid = self._is_bump(old.max_fee_wei, transaction.max_fee_wei) and self._is_bump(
            old.tip_wei, transaction.tip_wei
        )
        if not is_outbid:
            return AddOutcome.REPLACEMENT_UNDERPRICED
        grown_size_bytes = self._size_bytes - old.size_bytes + transaction.size_bytes
        if grown_size_bytes > self._limits.max_bytes:
            return AddOutcome.POOL_FULL
        del self._entries[old.hash]
        self._size_bytes -= old.size_bytes
        self._insert(queue, transaction)
        return AddOutcome.REPLACED

    def _is_bump(self, old_wei: int, new_wei: int) -> bool:
        bump_wei = -(-old_wei * self._limits.replacement_bump_percent // 100)
        return new_wei >= old_wei + max(1, bump_wei)

    def _insert(self, queue: SenderQueue, transaction: PooledTransaction) -> None:
        priority = 0 if self._limits.is_arrival_ordered else -transaction.tip_wei
        self._arrivals += 1
        entry = (priority, self._arrivals, transaction)
        self._entries[transaction.hash] = entry
        self._size_bytes += transaction.size_bytes
        queue.insert(entry)
        self._offer_for_eviction(entry)
        if transaction.nonce == queue.ready_nonce:
            self._settle(queue, queue.account_nonce)

    def _priced(self, entry: Entry, base_fee_wei: int) -> Entry:
        """The entry with its priority at a base fee, which is never better than without one."""
        priority, arrival, transaction = entry
        premium_wei = transaction.max_fee_wei - base_fee_wei
        is_at_full_tip = premium_wei >= -priority
        return entry if is_at_full_tip else (-premium_wei, arrival, transaction)

    def _has_room(self, transaction: PooledTransaction) -> bool:
        is_within_count = len(self._entries) < self._limits.max_transactions
        is_within_bytes = self._size_bytes + transaction.size_bytes <= self._limits.max_bytes
        return is_within_count and is_within_bytes

    def _evict_for(self, newcomer: PooledTransaction) -> bool:
        """Make room by evicting one transaction, if that suffices and the newcomer pays more."""
        cheapest = self._pop_until_cheapest()
        if cheapest is None:
            return False
        is_better = newcomer.tip_wei > cheapest.tip_wei and newcomer.sender != cheapest.sender
        if not is_better:
            return False
        tail = self._queues[cheapest.sender].tail()
        victim = self._entries[cheapest.hash] if tail[2].hash in self._in_flight else tail
        size_bytes = self._size_bytes - victim[2].size_bytes + newcomer.size_bytes
        if size_bytes > self._limits.max_bytes:
            return False
        queue = self._drop(victim)
        self._settle_or_delete(cheapest.sender, queue, queue.account_nonce)
        self._evicted_count += 1
        return True

    def _pop_until_cheapest(self) -> PooledTransaction | None:
        while self._cheapest:
            transaction = self._cheapest[0][2]
            entry = self._entries.get(transaction.hash)
            is_evictable = (
                entry is not None
                and entry[1] == -self._cheapest[0][1]
                and transaction.hash not in self._in_flight
            )
            if is_evictable:
                return transaction
            heappop(self._cheapest)
        return None

    def _offer_for_eviction(self, entry: Entry) -> None:
        if self._limits.is_arrival_ordered:
            return
        priority, arrival, transaction = entry
        heappush(self._cheapest, (-priority, -arrival, transaction))
        if len(self._cheapest) > 2 * len(self._entries) + STALE_ENTRIES_ALLOWED:
            self._cheapest = [
                (-priority, -arrival, transaction)
                for priority, arrival, transaction in self._entries.values()
                if transaction.hash not in self._in_flight
            ]
            heapify(self._cheapest)

    def _forget_block(self, block_digest: Digest) -> tuple[Hash32, ...]:
        members = self._in_flight_blocks.pop(block_digest, ())
        in_flight = self._in_flight
        for member in members:
            count = in_flight.pop(member)
            if count > 1:
                in_flight[member] = count - 1
        return members

    def _offer_again(self, entry: Entry) -> dict[Address, SenderQueue]:
        """Make a transaction ready again, unless it is in another block; the queue to settle."""
        sender, nonce = entry[2].sender, entry[2].nonce
        if entry[2].hash in self._in_flight:
            return {}
        queue = self._queues[sender]
        queue.ready_nonce = min(queue.ready_nonce, nonce)
        self._offer_for_eviction(entry)
        return {sender: queue}

    def _drop(self, entry: Entry) -> SenderQueue:
        transaction = entry[2]
        del self._entries[transaction.hash]
        self._size_bytes -= transaction.size_bytes
        queue = self._queues[transaction.sender]
        queue.discard(transaction.nonce)
        return queue

    def _drop_stale(self, queue: SenderQueue, account_nonce: int) -> None:
        for entry in queue.stale_entries(account_nonce):
            self._drop(entry)

    def _settle_or_delete(
        self, sender: Address, queue: SenderQueue, account_nonce: int
    ) -> SenderQueue | None:
        if not queue.entries:
            del self._queues[sender]
            return None
        self._settle(queue, account_nonce)
        return queue

    def _settle(self, queue: SenderQueue, account_nonce: int) -> None:
        is_new_head = queue.settle(account_nonce, self._in_flight)
        if is_new_head and queue.head is not None:
            heappush(self._heads, queue.head)
            if len(self._heads) > 2 * len(self._queues) + STALE_ENTRIES_ALLOWED:
                self._heads = [q.head for q in self._queues.values() if q.head is not None]
                heapify(self._heads)
