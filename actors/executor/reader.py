"""What JSON-RPC asks an executor: the methods of ``gateway.backend.ChainBackend``, not async.

Errors are those of ``gateway.errors``: they travel to the gateway as they are.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from execution.engine import WasmEngine
from execution.fees import next_base_fee_wei
from execution.types import Address, ChainSpec, Hash32
from gateway.backend import AdmissionState, FeeRange
from gateway.engine_reader import EngineReader, ReadableEngine
from gateway.log_query import LogQuery, select_logs
from gateway.views import BlockFees, Heads, IncludedTransaction, LocatedLog, StoredBlock
from ledger.types import ChainRole

MAX_CACHED_BLOCKS: Final = 256
PROVEN_ZK_BLOCK: Final = 0
"""As far as an executor knows: it does not follow L1. The gateway asks who does."""


class UnfinalBlock(Protocol):
    """An executed block that is not final yet."""

    @property
    def stored(self) -> StoredBlock:
        """The block."""
        ...


class ReadableChain(Protocol):
    """What a reader needs: :class:`actors.executor.core.ChainExecutor` has it, and more."""

    final_number: int

    @property
    def spec(self) -> ChainSpec:
        """Constants of the chain."""
        ...

    @property
    def engine(self) -> ReadableEngine:
        """Its engine now."""
        ...

    @property
    def store(self) -> ChainStore:
        """Its final blocks."""
        ...

    @property
    def unfinal(self) -> Sequence[UnfinalBlock]:
        """Its other blocks, oldest first."""
        ...

    @property
    def head_number(self) -> int:
        """Number of the newest executed block."""
        ...

    def unfinal_block(self, number: int) -> UnfinalBlock | None:
        """Executed block above the final ones."""
        ...


class BlockReader(EngineReader):
    """Reads of one chain: those of its engine, and of its blocks."""

    def __init__(self, executor: ReadableChain) -> None:
        super().__init__(executor.engine)
        self._executor = executor
        self._cache: OrderedDict[int, StoredBlock] = OrderedDict()
        self._genesis = genesis_block(executor.spec)

    @property
    def is_outdated(self) -> bool:
        """Whether the executor has started over: its engine is another one now."""
        return self._executor.engine is not self._engine

    # BLOCKS

    def block(self, number: int) -> StoredBlock | None:
        """Executed block of that number."""
        if number == 0:
            return self._genesis
        unfinal = self._executor.unfinal_block(number)
        if unfinal is not None:
            return unfinal.stored
        cached = self._cache.get(number)
        if cached is not None:
            return cached
        block = self._executor.store.block(number)
        if block is not None:
            self._cache[number] = block
            if len(self._cache) > MAX_CACHED_BLOCKS:
                self._cache.popitem(last=False)
        return block

    def block_by_hash(self, block_hash: Hash32) -> StoredBlock | None:
        """Executed block of that hash."""
        number = self.block_number(block_hash)
        return None if number is None else self.block(number)

    def block_number(self, block_hash: Hash32) -> int | None:
        """Number of the executed block of that hash."""
        for unfinal in self._executor.unfinal:
            if unfinal.stored.block_hash == block_hash:
                return unfinal.stored.number
        if self._genesis.block_hash == block_hash:
            return 0
        return self._executor.store.number_of(block_hash)

    def block_hashes(self, first_number: int, last_number: int) -> list[Hash32]:
        """Hashes of the existing blocks of a range."""
        last = min(last_number, self._executor.head_number)
        blocks = [self.block(number) for number in range(max(0, first_number), last + 1)]
        return [block.block_hash for block in blocks if block is not None]

    def transactions(self, hashes: Sequence[Hash32]) -> list[IncludedTransaction | None]:
        """Executed transactions, in the order of ``hashes``; ``None`` if unknown."""
        unfinal = {
            receipt.transaction_hash: (block.stored, index)
            for block in self._executor.unfinal
            for index, receipt in enumerate(block.stored.receipts)
        }
        found: list[IncludedTransaction | None] = []
        for transaction_hash in hashes:
            here = unfinal.get(transaction_hash)
            if here is not None:
                found.append(here[0].transaction(here[1]))
                continue
            place = self._executor.store.place_of(transaction_hash)
            block = None if place is None else self.block(place[0])
            found.append(
                block.transaction(place[1]) if block is not None and place is not None else None
            )
        return found

    def logs(self, query: LogQuery, limit: int) -> list[LocatedLog]:
        """Logs that match, in chain order, at most ``limit``."""
        return list(islice(select_logs(self._blocks_for(query), query), limit))

    def fees(self, first_number: int, last_number: int) -> FeeRange:
        """Fees of the existing blocks of a range."""
        last = min(last_number, self._executor.head_number)
        blocks = [self.block(number) for number in range(max(0, first_number), last + 1)]
        return FeeRange(
            [_block_fees(block) for block in blocks if block is not None],
            self._next_base_fee_wei(last),
        )

    # STATE

    def admission_state(self, addresses: Sequence[Address]) -> AdmissionState:
        """Accounts at ``latest`` and the next block's base fee."""
        accounts = self._engine.accounts(addresses)
        return AdmissionState(accounts, self._next_base_fee_wei(self._executor.head_number))

    # PARTS

    def _blocks_for(self, query: LogQuery) -> Iterator[StoredBlock]:
        last = min(query.last_number, self._executor.head_number)
        for number in range(max(1, query.first_number), last + 1):
            bloom = self._executor.store.logs_bloom(number)
            if bloom is not None and not query.may_match(bloom):
                continue
            block = self.block(number)
            if block is not None:
                yield block

    def _next_base_fee_wei(self, number: int) -> int:
        block = self.block(number)
        spec = self._executor.spec
        if block is None:
            return 0 if spec.is_base_fee_zero else spec.initial_base_fee_wei
        return next_base_fee_wei(spec, block.base_fee_wei, block.gas_used, block.gas_limit)


class ChainReader(BlockReader):
    """Reads of one executor of a node."""

    def __init__(self, executor: ChainExecutor) -> None:
        super().__init__(executor)
        self._chain = executor

    def heads(self) -> Heads:
        """Newest block of each confirmation tier."""
        final = self._chain.final_number
        is_zk = self._chain.role is ChainRole.ZK
        return Heads(self._chain.head_number, final, PROVEN_ZK_BLOCK if is_zk else final)


def _block_fees(block: StoredBlock) -> BlockFees:
    tips = tuple(
        (receipt.effective_gas_price_wei - block.base_fee_wei, receipt.gas_used)
        for receipt in block.receipts
        if receipt.transaction_type != 0x7E
    )
    return BlockFees(block.number, block.base_fee_wei, block.gas_used, block.gas_limit, tips)


def genesis_block(spec: ChainSpec) -> StoredBlock:
    """Block 0: it has no transactions and no place on the ledger."""
    engine = WasmEngine(spec)
    return StoredBlock(
        number=0,
        block_hash=engine.head_hash,
        header_rlp=engine.head_header_rlp,
        logs_bloom=bytes(256),
        base_fee_wei=0 if spec.is_base_fee_zero else spec.initial_base_fee_wei,
        gas_limit=spec.gas_limit,
        gas_used=0,
        timestamp_seconds=spec.genesis_timestamp_seconds,
        transactions=(),
        receipts=(),
        ledger=None,
    )
