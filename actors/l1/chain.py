"""The embedded chain: a mempool, an engine and a disk; no clock and no network of its own.

The newest blocks are kept as inputs and executed again after a restart, since a reorg may
drop them; older ones are final and lie on disk with the state after them. Every block is on
disk before anyone hears of it. The mempool is not: senders send again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from actors.executor.chain_store import ChainStore
from actors.executor.records import ResultRecord
from actors.l1.engines import L1Engine, engine_class
from actors.l1.errors import ReorgTooDeep, WrongStore
from actors.l1.records import (
    MAX_RECORD_BYTES,
    L1BlockRecord,
    L1OriginRecord,
    block_input,
    block_record,
)
from actors.l1.settings import (
    BLOCK_GAS_LIMIT,
    FINAL_AFTER_BLOCKS,
    INITIAL_BASE_FEE_WEI,
    TRANSACTION_GAS_LIMIT,
    L1Settings,
)
from execution.fees import next_base_fee_wei
from execution.mempool import AddOutcome, Mempool, PooledTransaction, PoolLimits
from execution.types import (
    AccountChange,
    Address,
    BlockInput,
    ChainSpec,
    GenesisAccount,
    Hash32,
)
from gateway.views import LedgerPosition, StoredBlock
from ledger.codec import decode, encode
from ledger.hashing import keccak
from ledger.types import BlockNumber, Digest, EvmHash, Height, TimestampMs, View
from storage.keys import meta_key, number_key
from storage.store import Space, Store, WriteBatch

_ORIGIN: Final = meta_key("l1-origin")
_COINBASE: Final = Address(bytes.fromhex("c0ffee") + bytes(17))
_BLOCK_HASHES: Final = 256
_MAX_BLOCK_BYTES: Final = 8 * 1024 * 1024
_MAX_TRANSACTIONS: Final = 4096


@dataclass(frozen=True, slots=True)
class L1Block:
    """One block that a reorg may still drop."""

    input: BlockInput
    stored: StoredBlock
    changes: tuple[AccountChange, ...]
    state_root: Hash32
    receipts_root: Hash32


class L1Chain:
    """One embedded chain; not for several threads at once.

    Parameters
    ----------
    store
        Database of this chain only.
    start_seconds
        Unix time of the first block if the database is new.

    Raises
    ------
    WrongStore
        The database holds a chain with other constants.
    """

    def __init__(self, settings: L1Settings, store: Store, start_seconds: int) -> None:
        self._store = store
        origin = self._origin(settings, start_seconds)
        self.spec = ChainSpec(
            chain_id=settings.chain_id,
            gas_limit=BLOCK_GAS_LIMIT,
            genesis_timestamp_seconds=origin.timestamp_seconds,
            alloc={
                address: GenesisAccount(balance_wei=balance)
                for address, balance in settings.balances_wei.items()
            },
            initial_base_fee_wei=origin.initial_base_fee_wei,
        )
        self.store = ChainStore(store, settings.chain_id)
        self.final_number = 0
        self.unfinal: list[L1Block] = []
        self.engine = self._start(engine_class(settings.engine))
        self.pool = Mempool(_POOL_LIMITS)
        self._waiting: dict[Hash32, PooledTransaction] = {}
        self._history = 0

    # WHERE IT STANDS

    @property
    def head_number(self) -> int:
        """Number of the newest block."""
        return self.final_number + len(self.unfinal)

    @property
    def head_timestamp_seconds(self) -> int:
        """Time of the newest block."""
        head = self._head()
        return self.spec.genesis_timestamp_seconds if head is None else head.timestamp_seconds

    @property
    def next_base_fee_wei(self) -> int:
        """Base fee of the block after the newest."""
        head = self._head()
        if head is None:
            return self.spec.initial_base_fee_wei
        return next_base_fee_wei(self.spec, head.base_fee_wei, head.gas_used, head.gas_limit)

    def unfinal_block(self, number: int) -> L1Block | None:
        """A block that may still be dropped."""
        index = number - self.final_number - 1
        return self.unfinal[index] if 0 <= index < len(self.unfinal) else None

    # TRANSACTIONS

    def submit(self, offers: Sequence[tuple[PooledTransaction, int]]) -> list[AddOutcome]:
        """Take transactions, each with its sender's nonce, into the mempool."""
        outcomes = []
        for transaction, account_nonce in offers:
            outcome = self.pool.add(transaction, account_nonce)
            if outcome.is_accepted:
                self._waiting[transaction.hash] = transaction
            outcomes.append(outcome)
        return outcomes

    def forget_waiting(self) -> None:
        """Lose the mempool, as a node does that is killed."""
        self._waiting.clear()
        self.pool = Mempool(_POOL_LIMITS)

    # BLOCKS

    def mine(self, timestamp_seconds: int) -> StoredBlock:
        """Make a block of what waits and pays its base fee; it is on disk when this returns."""
        taken = self.pool.take(
            self.next_base_fee_wei, BLOCK_GAS_LIMIT, _MAX_BLOCK_BYTES, _MAX_TRANSACTIONS
        )
        return self.mine_exactly(taken, timestamp_seconds, BLOCK_GAS_LIMIT)

    def mine_exactly(
        self, transactions: Sequence[PooledTransaction], timestamp_seconds: int, gas_limit: int
    ) -> StoredBlock:
        """Make a block of these transactions."""
        number = self.head_number + 1
        salt = number_key(number) + number_key(self._history)
        block = self._execute(
            BlockInput(
                number=number,
                timestamp_seconds=max(timestamp_seconds, self.head_timestamp_seconds),
                prev_randao=Hash32(keccak(self.engine.head_hash + salt)),
                coinbase=_COINBASE,
                gas_limit=gas_limit,
                system_transactions=(),
                transactions=tuple(item.raw for item in transactions),
                senders=tuple(item.sender for item in transactions),
            )
        )
        batch = WriteBatch()
        batch.put(Space.BLOCKS, number_key(number), encode(block_record(block.input)))
        self._store.commit(batch)
        self._finalize_old()
        digest = Digest(block.stored.block_hash)
        self.pool.mark_in_flight(digest, [item.hash for item in transactions])
        senders = list({item.sender for item in transactions})
        states = self.engine.accounts(senders)
        nonces = {sender: state.nonce for sender, state in zip(senders, states, strict=True)}
        self.pool.commit(digest, nonces)
        for item in transactions:
            self._waiting.pop(item.hash, None)
        if len(self._waiting) > 2 * _POOL_LIMITS.max_transactions:
            self._waiting = {item.hash: item for item in self._still_waiting()}
        return block.stored

    def reorg(self, depth: int, timestamp_seconds: int) -> None:
        """Drop the newest blocks with their transactions, and make as many empty ones and one more.

        Raises
        ------
        ReorgTooDeep
            If one of them is final.
        """
        if depth > len(self.unfinal):
            raise ReorgTooDeep(depth, len(self.unfinal))
        kept = len(self.unfinal) - depth
        batch = WriteBatch()
        for dropped in self.unfinal[kept:]:
            batch.delete(Space.BLOCKS, number_key(dropped.stored.number))
        self._store.commit(batch)
        del self.unfinal[kept:]
        self.engine.rollback(self.head_number)
        self._history += 1
        for _ in range(depth + 1):
            self.mine_exactly((), timestamp_seconds, BLOCK_GAS_LIMIT)
        self._refill_pool()

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    # PARTS

    def _origin(self, settings: L1Settings, start_seconds: int) -> L1OriginRecord:
        raw = self._store.get(Space.META, _ORIGIN)
        if raw is None:
            origin = L1OriginRecord(settings.chain_id, start_seconds, INITIAL_BASE_FEE_WEI)
            self._store.put(Space.META, _ORIGIN, encode(origin), sync=True)
            return origin
        origin = decode(raw, L1OriginRecord, limit_bytes=MAX_RECORD_BYTES)
        if origin.chain_id != settings.chain_id:
            raise WrongStore(f"chain id: expected {settings.chain_id}, got {origin.chain_id}")
        return origin

    def _start(self, engine_type: type[L1Engine]) -> L1Engine:
        if not self.store.has_genesis():
            self.store.write_genesis(self.spec.alloc)
        progress = self.store.progress()
        accounts = self.store.accounts()
        if progress is None:
            list(accounts)  # The store learns which accounts have code.
            engine = engine_type(self.spec)
        else:
            self.final_number = progress.number
            first = max(0, progress.number - _BLOCK_HASHES)
            hashes = {}
            for number in range(first, progress.number):
                record = self.store.result(number)
                if record is not None:
                    hashes[number] = Hash32(record.block_hash)
            engine = engine_type.from_snapshot(self.spec, progress.header_rlp, accounts, hashes)
            engine.finalize(progress.number)
        self.engine = engine
        while (raw := self._store.get(Space.BLOCKS, number_key(self.head_number + 1))) is not None:
            record_of_block = decode(raw, L1BlockRecord, limit_bytes=MAX_RECORD_BYTES)
            self._execute(block_input(record_of_block))
        return engine

    def _execute(self, block: BlockInput) -> L1Block:
        output = self.engine.execute(block)
        stored = StoredBlock(
            number=output.number,
            block_hash=output.block_hash,
            header_rlp=output.header_rlp,
            logs_bloom=output.logs_bloom,
            base_fee_wei=output.base_fee_wei,
            gas_limit=block.gas_limit,
            gas_used=output.gas_used,
            timestamp_seconds=block.timestamp_seconds,
            transactions=output.included,
            receipts=output.receipts,
            ledger=None,
        )
        executed = L1Block(block, stored, output.changes, output.state_root, output.receipts_root)
        self.unfinal.append(executed)
        return executed

    def _finalize_old(self) -> None:
        while len(self.unfinal) > FINAL_AFTER_BLOCKS:
            block = self.unfinal[0]
            batch = WriteBatch()
            self.store.append(_placed(block.stored), block.changes, _result(block), batch)
            batch.delete(Space.BLOCKS, number_key(block.stored.number))
            self._store.commit(batch)
            self.engine.finalize(block.stored.number)
            del self.unfinal[0]
            self.final_number = block.stored.number

    def _head(self) -> StoredBlock | None:
        if self.unfinal:
            return self.unfinal[-1].stored
        return self.store.block(self.final_number)

    def _still_waiting(self) -> list[PooledTransaction]:
        """Without what was replaced or evicted."""
        return [item for item in self._waiting.values() if self.pool.get(item.hash) is not None]

    def _refill_pool(self) -> None:
        """Offer again what still waits: nonces may have gone back."""
        waiting = self._still_waiting()
        self.forget_waiting()
        waiting.sort(key=lambda item: item.nonce)
        states = self.engine.accounts([item.sender for item in waiting])
        self.submit([(item, state.nonce) for item, state in zip(waiting, states, strict=True)])


_POOL_LIMITS: Final = PoolLimits(
    max_transactions=4096, max_nonce_gap=64, max_transaction_gas=TRANSACTION_GAS_LIMIT
)


def _placed(block: StoredBlock) -> StoredBlock:
    """The block with the place on a ledger that the store asks for; readers take it off again."""
    position = LedgerPosition(
        Height(block.number),
        View(0),
        Digest(block.block_hash),
        TimestampMs(block.timestamp_seconds * 1000),
    )
    return replace(block, ledger=position)


def _result(block: L1Block) -> ResultRecord:
    digest = Digest(block.stored.block_hash)
    return ResultRecord(
        number=BlockNumber(block.stored.number),
        digest=digest,
        attested_digest=digest,
        block_hash=EvmHash(block.stored.block_hash),
        state_root=EvmHash(block.state_root),
        receipts_root=EvmHash(block.receipts_root),
        messages=(),
        next_message_nonce=0,
    )
