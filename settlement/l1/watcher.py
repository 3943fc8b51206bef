"""Follows the Rollup's events, and gives out only what has all its confirmations.

Logs are read of confirmed blocks alone, so a reorg that is no deeper than the
confirmations changes nothing here. A deeper one is noticed by the hash of the last block
that was read, and is an alarm: :class:`settlement.errors.DeepReorg`. Entries of the queue
are compared with the contract's own hash chain before anyone gets them, so that an
endpoint that leaves one out is noticed too.
"""

from dataclasses import dataclass
from typing import Final

from execution.types import Address, Hash32
from ledger.crossing import Message
from ledger.types import ChainId
from settlement import rollup
from settlement.errors import DeepReorg, MalformedAnswer, QueueMismatch, TooManyResults
from settlement.l1.answers import BlockHead, L1Log
from settlement.l1.client import L1Client
from settlement.l1.queue import ConfirmedQueue
from settlement.rollup import BatchCommitted, BatchFinalized, BatchProven

DEFAULT_RANGE_BLOCKS: Final = 2_000
MAX_RANGES_PER_POLL: Final = 64
MAX_BATCHES_KEPT: Final = 4_096

_EVENTS: Final = (
    rollup.ENQUEUED,
    rollup.BATCH_COMMITTED,
    rollup.BATCH_PROVEN,
    rollup.BATCH_FINALIZED,
)


@dataclass(frozen=True, slots=True)
class WatcherSettings:
    """What to watch.

    Attributes
    ----------
    confirmations
        A block counts when so many blocks are there, itself included; at least 1.
    start_block
        Block that the Rollup was deployed in, or an older one.
    """

    rollup: Address
    l1_chain_id: ChainId
    start_block: int
    confirmations: int
    range_blocks: int = DEFAULT_RANGE_BLOCKS


@dataclass(frozen=True, slots=True)
class KnownBatch:
    """A batch that somebody committed, as far as confirmed blocks tell."""

    committed: BatchCommitted
    is_proven: bool = False
    is_final: bool = False


class L1Watcher:
    """One node's view of the Rollup."""

    def __init__(self, client: L1Client, settings: WatcherSettings) -> None:
        self._client = client
        self._settings = settings
        self._range_blocks = settings.range_blocks
        self._read_up_to = settings.start_block - 1
        self._read_hash: Hash32 | None = None
        self._batches: dict[Hash32, KnownBatch] = {}
        self._final_block = 0
        self._final_batch: Hash32 | None = None
        self._consumed = 0
        self.queue = ConfirmedQueue()
        self.is_caught_up = False

    @property
    def read_up_to(self) -> int:
        """Last L1 block whose events are in here."""
        return self._read_up_to

    def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries of the queue from a nonce on."""
        return self.queue.messages(first_nonce, limit)

    def proven_block(self) -> int:
        """Last ZK block of the last batch that is final on L1; 0 for the genesis."""
        return self._final_block

    def consumed_entries(self) -> int:
        """Entries of the queue that final batches have consumed."""
        return self._consumed

    def final_batch(self) -> Hash32 | None:
        """Id of the last batch that became final; ``None`` before the first."""
        return self._final_batch

    def batches(self) -> tuple[KnownBatch, ...]:
        """Batches that somebody committed, in the order of L1, the newest ones."""
        return tuple(self._batches.values())

    def children(self, parent: Hash32) -> tuple[BatchCommitted, ...]:
        """Batches that somebody committed on a parent, in the order of L1."""
        return tuple(
            known.committed for known in self._batches.values() if known.committed.parent == parent
        )

    async def poll(self) -> None:
        """Read what has been confirmed since the last time; a part of it if it is much.

        Raises
        ------
        L1Error
            One of its subclasses; nothing was given out, and the next poll starts there again.
        """
        await self._check_last_read()
        confirmed = await self._client.block_number() - self._settings.confirmations + 1
        if confirmed < self._settings.start_block:
            return
        for _ in range(MAX_RANGES_PER_POLL):
            if self._read_up_to >= confirmed:
                break
            await self._read_range(confirmed)
        self.is_caught_up = self._read_up_to >= confirmed
        if self.is_caught_up:
            await self._check_length()

    async def _check_last_read(self) -> None:
        if self._read_hash is None:
            return
        head = await self._client.head(self._read_up_to)
        if head is not None and head.block_hash != self._read_hash:
            raise DeepReorg(self._read_up_to, head.block_hash, self._read_hash)

    async def _read_range(self, confirmed: int) -> None:
        first = self._read_up_to + 1
        last = min(confirmed, first + self._range_blocks - 1)
        end = await self._required_head(last)
        try:
            logs = await self._client.logs(self._settings.rollup, _EVENTS, first, last)
        except TooManyResults:
            if first == last:
                raise
            self._range_blocks = max(1, (last - first + 1) // 2)
            return
        entries = self.queue.extended(
            rollup.decode_enqueued(log, self._settings.l1_chain_id)
            for log in logs
            if log.topics[0] == rollup.ENQUEUED
        )
        if entries:
            await self._check_queue(entries)
        again = await self._required_head(last)
        if again.block_hash != end.block_hash:
            raise DeepReorg(last, again.block_hash, end.block_hash)
        self.queue.append(entries)
        for log in logs:
            self._apply(log)
        self._read_up_to, self._read_hash = last, end.block_hash

    async def _check_queue(self, entries: list[tuple[Message, Hash32]]) -> None:
        """Compare with the contract now: what it has hashed so far never changes again."""
        count = self.queue.length + len(entries)
        output = await self._client.call(self._settings.rollup, rollup.queue_hash_call(count))
        expected = rollup.decode_hash(output)
        if entries[-1][1] != expected:
            raise QueueMismatch(count, entries[-1][1], expected)

    async def _check_length(self) -> None:
        """An endpoint that left out the last entries would fit the hash of those before them."""
        output = await self._client.call(
            self._settings.rollup, rollup.QUEUE_LENGTH_CALL, self._read_up_to
        )
        length = rollup.decode_word(output)
        if length != self.queue.length:
            raise MalformedAnswer(f"{self.queue.length} queue entries, the contract has {length}")

    async def _required_head(self, number: int) -> BlockHead:
        head = await self._client.head(number)
        if head is None:
            raise MalformedAnswer(f"L1 has no block {number}, though it has later ones")
        return head

    def _apply(self, log: L1Log) -> None:
        event = rollup.decode_batch_event(log)
        if isinstance(event, BatchCommitted):
            self._batches.setdefault(event.batch_id, KnownBatch(event))
            if len(self._batches) > MAX_BATCHES_KEPT:
                del self._batches[next(iter(self._batches))]
        elif isinstance(event, BatchProven):
            known = self._batches.get(event.batch_id)
            if known is not None:
                self._batches[event.batch_id] = KnownBatch(known.committed, is_proven=True)
        elif isinstance(event, BatchFinalized):
            known = self._batches.get(event.batch_id)
            if known is not None:
                self._batches[event.batch_id] = KnownBatch(known.committed, True, True)
            self._final_block = event.last_block
            self._final_batch = event.batch_id
            self._consumed = event.consumed
