"""A chain of one node without consensus: the real engine and mempool behind the gateway.

Each submitted batch becomes a block at once, unless ``is_holding`` keeps the
transactions waiting until :meth:`DevChain.mine`.
"""

from collections.abc import Mapping, Sequence

from execution.engine import WasmEngine
from execution.mempool import AddOutcome, Mempool, PoolLimits
from execution.types import (
    AccountProof,
    AccountState,
    Address,
    BlockInput,
    CallRequest,
    CallResult,
    ChainSpec,
    GenesisAccount,
    Hash32,
    SystemTransaction,
)
from gateway.backend import AdmissionState, FeeRange, Json, SubmittedTransaction
from gateway.engine_reader import EngineReader
from gateway.log_query import LogQuery, select_logs
from gateway.views import (
    BlockFees,
    ChainInfo,
    Heads,
    IncludedTransaction,
    LedgerPosition,
    LocatedLog,
    PendingTransaction,
    StoredBlock,
    stored_block,
)
from ledger.hashing import Domain, digest
from ledger.types import ChainRole, Digest, Height, TimestampMs, View

GENESIS_TIMESTAMP_SECONDS = 1_700_000_000
COINBASE = Address(bytes.fromhex("c0") * 20)
EMPTY_BLOOM = bytes(256)


class DevChain:
    """Implements :class:`gateway.backend.ChainBackend` for one chain."""

    def __init__(
        self,
        role: ChainRole,
        chain_id: int,
        alloc: Mapping[Address, GenesisAccount],
        *,
        gas_limit: int = 30_000_000,
        pool_limits: PoolLimits | None = None,
    ) -> None:
        self.info = ChainInfo(
            name=role.name.lower(),
            chain_id=chain_id,
            gas_limit=gas_limit,
            is_base_fee_zero=role is ChainRole.FAST,
        )
        self.role = role
        self._spec = ChainSpec(
            chain_id=chain_id,
            gas_limit=gas_limit,
            genesis_timestamp_seconds=GENESIS_TIMESTAMP_SECONDS,
            alloc=dict(alloc),
            is_base_fee_zero=self.info.is_base_fee_zero,
        )
        self.engine = WasmEngine(self._spec)
        self.reader = EngineReader(self.engine)
        self.pool = Mempool(pool_limits or PoolLimits())
        self.is_holding = False
        self.safe_lag_blocks = 0
        self.waiting_system_transactions: list[SystemTransaction] = []
        self._base_fee_wei = 0 if self.info.is_base_fee_zero else self._spec.initial_base_fee_wei
        self._blocks: list[StoredBlock] = [self._genesis()]
        self._places: dict[Hash32, tuple[int, int]] = {}

    def mine(self) -> StoredBlock:
        """Execute a block with everything that waits and fits."""
        number = len(self._blocks)
        block_digest = digest(Domain.BLOCK_HEADER, number.to_bytes(8, "big"))
        taken = self.pool.take(self._next_base_fee_wei(), self.info.gas_limit, 1 << 21, 8192)
        block_input = BlockInput(
            number=number,
            timestamp_seconds=GENESIS_TIMESTAMP_SECONDS + number,
            prev_randao=Hash32(block_digest),
            coinbase=COINBASE,
            gas_limit=self.info.gas_limit,
            system_transactions=tuple(self.waiting_system_transactions),
            transactions=tuple(item.raw for item in taken),
            senders=tuple(item.sender for item in taken),
        )
        self.waiting_system_transactions.clear()
        output = self.engine.execute(block_input)
        position = LedgerPosition(
            Height(number), View(number), block_digest, TimestampMs(1000 * number)
        )
        block = stored_block(block_input, output, position)
        self._blocks.append(block)
        for index, receipt in enumerate(block.receipts):
            self._places[receipt.transaction_hash] = (number, index)
        self._commit(block_digest, [item.hash for item in taken], {item.sender for item in taken})
        return block

    def drop_head(self) -> None:
        """Undo the newest block, as a dropped notarization does."""
        dropped = self._blocks.pop()
        for receipt in dropped.receipts:
            del self._places[receipt.transaction_hash]
        self.engine.rollback(dropped.number - 1)

    @property
    def newest(self) -> StoredBlock:
        """The newest block."""
        return self._blocks[-1]

    async def heads(self) -> Heads:
        latest = self.newest.number
        safe = max(0, latest - self.safe_lag_blocks)
        is_fast = self.role is ChainRole.FAST
        return Heads(latest=latest, safe=safe, finalized=safe if is_fast else 0)

    async def block(self, number: int) -> StoredBlock | None:
        return self._blocks[number] if number < len(self._blocks) else None

    async def block_by_hash(self, block_hash: Hash32) -> StoredBlock | None:
        number = await self.block_number(block_hash)
        return None if number is None else self._blocks[number]

    async def block_number(self, block_hash: Hash32) -> int | None:
        return next(
            (block.number for block in self._blocks if block.block_hash == block_hash), None
        )

    async def block_hashes(self, first_number: int, last_number: int) -> Sequence[Hash32]:
        return [block.block_hash for block in self._blocks[first_number : last_number + 1]]

    async def transactions(
        self, hashes: Sequence[Hash32]
    ) -> Sequence[IncludedTransaction | PendingTransaction | None]:
        return [self._transaction(item) for item in hashes]

    async def logs(self, query: LogQuery, limit: int) -> Sequence[LocatedLog]:
        found = list(select_logs(self._blocks, query))
        return found[:limit]

    async def admission_state(self, addresses: Sequence[Address]) -> AdmissionState:
        return AdmissionState(self.reader.accounts(addresses, None), self._next_base_fee_wei())

    async def accounts(
        self, addresses: Sequence[Address], at: int | None
    ) -> Sequence[AccountState]:
        return self.reader.accounts(addresses, at)

    async def pending_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        states = self.reader.accounts(addresses, None)
        pending = [self.pool.pending_nonce(address) for address in addresses]
        return [
            state.nonce if nonce is None else nonce
            for state, nonce in zip(states, pending, strict=True)
        ]

    async def code(self, address: Address, at: int | None) -> bytes:
        return self.reader.code(address, at)

    async def storage_at(self, address: Address, slot: int, at: int | None) -> int:
        return self.reader.storage_at(address, slot, at)

    async def call(self, request: CallRequest, at: int | None) -> CallResult:
        return self.reader.call(request, at)

    async def estimate_gas(self, request: CallRequest, at: int | None) -> CallResult:
        return self.reader.estimate_gas(request, at)

    async def proof(self, address: Address, slots: Sequence[int], at: int | None) -> AccountProof:
        return self.reader.proof(address, slots, at)

    async def fees(self, first_number: int, last_number: int) -> FeeRange:
        blocks = self._blocks[first_number : last_number + 1]
        is_newest = last_number >= self.newest.number
        next_fee = (
            self._next_base_fee_wei() if is_newest else self._blocks[last_number + 1].base_fee_wei
        )
        return FeeRange([_fees(block) for block in blocks], next_fee)

    async def submit(self, transactions: Sequence[SubmittedTransaction]) -> Sequence[AddOutcome]:
        outcomes = [self.pool.add(item.transaction, item.account_nonce) for item in transactions]
        if not self.is_holding:
            self.mine()
        return outcomes

    def _commit(self, block_digest: Digest, hashes: list[Hash32], senders: set[Address]) -> None:
        self.pool.mark_in_flight(block_digest, hashes)
        ordered = sorted(senders)
        states = self.reader.accounts(ordered, None)
        nonces = {sender: state.nonce for sender, state in zip(ordered, states, strict=True)}
        self.pool.commit(block_digest, nonces)

    def _transaction(self, wanted: Hash32) -> IncludedTransaction | PendingTransaction | None:
        place = self._places.get(wanted)
        if place is not None:
            number, index = place
            return self._blocks[number].transaction(index)
        pooled = self.pool.get(wanted)
        return None if pooled is None else PendingTransaction(pooled.raw, wanted, pooled.sender)

    def _next_base_fee_wei(self) -> int:
        """EIP-1559, with the target at half the gas limit."""
        if self.info.is_base_fee_zero:
            return 0
        parent = self._blocks[-1]
        target = parent.gas_limit // 2
        change = parent.base_fee_wei * abs(parent.gas_used - target) // target // 8
        if parent.gas_used > target:
            return parent.base_fee_wei + max(1, change)
        return parent.base_fee_wei - change

    def _genesis(self) -> StoredBlock:
        return StoredBlock(
            number=0,
            block_hash=self.engine.head_hash,
            header_rlp=self.engine.head_header_rlp,
            logs_bloom=EMPTY_BLOOM,
            base_fee_wei=self._base_fee_wei,
            gas_limit=self.info.gas_limit,
            gas_used=0,
            timestamp_seconds=GENESIS_TIMESTAMP_SECONDS,
            transactions=(),
            receipts=(),
            ledger=None,
        )


class DevLedger:
    """Implements :class:`gateway.backend.LedgerBackend` over the blocks of dev chains."""

    def __init__(self, chains: Sequence[DevChain]) -> None:
        self._chains = {chain.role: chain for chain in chains}

    async def status(self) -> Json:
        return {"heads": {role.name: chain.newest.number for role, chain in self._chains.items()}}

    async def ledger_block(self, height: int) -> Json:
        if not 1 <= height <= await self.ledger_height():
            return None
        return {"height": height}

    async def ledger_height(self) -> int:
        return max(chain.newest.number for chain in self._chains.values())

    async def peer_count(self) -> int:
        return 0

    async def checkpoint(self, chain: ChainRole, number: int | None) -> Json:
        newest = self._chains[chain].newest.number
        return {"chain": chain.name.lower(), "number": newest if number is None else number}

    async def round(self, round_id: int) -> Json:
        return None

    async def settlement(self) -> Json:
        return None

    async def loss_bound(self) -> Json:
        return {"total_wei": "0"}

    async def validators(self) -> Json:
        return [{"name": "dev", "coinbase": "0x" + COINBASE.hex()}]

    async def epoch(self) -> Json:
        return {"epoch": 0, "open_changes": [], "decided": []}

    async def evidence(self, limit: int) -> Json:
        return []


def _fees(block: StoredBlock) -> BlockFees:
    return BlockFees(
        number=block.number,
        base_fee_wei=block.base_fee_wei,
        gas_used=block.gas_used,
        gas_limit=block.gas_limit,
        tips=tuple(
            (receipt.effective_gas_price_wei - block.base_fee_wei, receipt.gas_used)
            for receipt in block.receipts
            if receipt.transaction_type != 0x7E
        ),
    )
