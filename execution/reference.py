"""The reference engine: the same blocks on py-evm, independent of the STF.

Slow (a few thousand transfers per second) and plain. It exists to be compared
with the wasm engine, block by block and bit by bit. It shares nothing with the
STF but the Ethereum rules: decoding, recovery, execution and state are
py-evm's, headers and receipts are encoded here with ``rlp`` and ``trie``.

Set ``ETH_HASH_BACKEND=pysha3`` before the first import for a faster keccak.
"""

from typing import Final

from execution import proving_costs as costs
from execution import skip_reasons
from execution._reference_header import (
    EMPTY_TRIE_ROOT,
    Header,
    encode_header,
    encode_receipt,
    logs_bloom,
    next_base_fee_wei,
    ordered_trie_root,
)
from execution._reference_meter import BlockBudget, ReferenceMeter, is_forced_delivery
from execution._reference_state import new_database, open_state, state_changes, write_genesis
from execution._reference_transactions import (
    LEGACY_TYPE,
    SET_CODE_TYPE,
    EvmState,
    EvmTransaction,
    Skip,
    check_account,
    check_without_state,
    decode,
    encode_system_transaction,
    transaction_type,
)
from execution._reference_vm import (
    Outcome,
    apply_system_transaction,
    apply_transaction,
    build_state,
)
from execution.errors import BlockRejectedError
from execution.types import (
    SYSTEM_ADDRESS,
    SYSTEM_TRANSACTION_TYPE,
    ZERO_HASH,
    AccountState,
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    Hash32,
    Receipt,
    SkippedTransaction,
    SystemTransaction,
)
from ledger.hashing import keccak

BLOCK_HASH_WINDOW: Final = 256
"""BLOCKHASH reaches this far back."""


class ReferenceEngine:
    """One chain on py-evm, from its genesis.

    Parameters
    ----------
    spec : ChainSpec
        Constants and genesis state; the fork has to be Prague.

    Raises
    ------
    ValueError
        If the specification names another fork.
    """

    def __init__(self, spec: ChainSpec) -> None:
        if spec.fork != "prague":
            raise ValueError(f"the reference engine knows the fork prague, got {spec.fork}")
        self._spec = spec
        self._database = new_database()
        self._head = Header(
            parent_hash=ZERO_HASH,
            coinbase=Address(bytes(20)),
            state_root=write_genesis(self._database, spec.alloc),
            transactions_root=EMPTY_TRIE_ROOT,
            receipts_root=EMPTY_TRIE_ROOT,
            logs_bloom=logs_bloom(()),
            number=0,
            gas_limit=spec.gas_limit,
            gas_used=0,
            timestamp_seconds=spec.genesis_timestamp_seconds,
            prev_randao=ZERO_HASH,
            base_fee_wei=0 if spec.is_base_fee_zero else spec.initial_base_fee_wei,
        )
        self._hashes = [Hash32(keccak(encode_header(self._head)))]

    @property
    def head_hash(self) -> Hash32:
        """Hash of the last block."""
        return self._hashes[-1]

    @property
    def state_root(self) -> Hash32:
        """State root after the last block."""
        return self._head.state_root

    def account(self, address: Address) -> AccountState:
        """An account after the last block."""
        state = open_state(self._database, self._head.state_root)
        return AccountState(
            state.get_nonce(address),
            state.get_balance(address),
            Hash32(state.get_code_hash(address)),
        )

    def storage(self, address: Address, slot: int) -> int:
        """A storage slot after the last block."""
        state = open_state(self._database, self._head.state_root)
        return int(state.get_storage(address, slot))

    def execute(self, block: BlockInput) -> BlockOutput:
        """Execute the next block.

        Senders are always recovered from the signatures: ``block.senders`` is not used.

        Raises
        ------
        BlockRejectedError
            If the block does not follow the last one.
        """
        self._check_order(block)
        base_fee_wei = 0 if self._spec.is_base_fee_zero else next_base_fee_wei(self._head)
        state = build_state(
            self._database,
            self._head.state_root,
            block,
            self._spec.chain_id,
            base_fee_wei,
            self._hashes[: -BLOCK_HASH_WINDOW - 1 : -1],
        )
        if self._spec.is_metered:
            state.meter = ReferenceMeter(self._database, self._head.state_root)
        execution = _BlockExecution(state, self._spec.chain_id, block, base_fee_wei)
        for system_transaction in block.system_transactions:
            execution.run_system(system_transaction)
        for index, raw in enumerate(block.transactions):
            execution.run(index, raw)
        return self._seal(block, execution)

    def _check_order(self, block: BlockInput) -> None:
        expected = self._head.number + 1
        if block.number != expected:
            raise BlockRejectedError(f"block number: expected {expected}, got {block.number}")
        if block.timestamp_seconds < self._head.timestamp_seconds:
            raise BlockRejectedError(
                f"timestamp: expected at least {self._head.timestamp_seconds} s, "
                f"got {block.timestamp_seconds} s"
            )

    def _seal(self, block: BlockInput, execution: "_BlockExecution") -> BlockOutput:
        witness = execution.state.persist()
        state_root = Hash32(execution.state.state_root)
        receipts = execution.receipts
        header = Header(
            parent_hash=self.head_hash,
            coinbase=block.coinbase,
            state_root=state_root,
            transactions_root=ordered_trie_root(execution.included),
            receipts_root=ordered_trie_root([encode_receipt(receipt) for receipt in receipts]),
            logs_bloom=logs_bloom(log for receipt in receipts for log in receipt.logs),
            number=block.number,
            gas_limit=block.gas_limit,
            gas_used=execution.user_gas_used,
            timestamp_seconds=block.timestamp_seconds,
            prev_randao=block.prev_randao,
            base_fee_wei=execution.base_fee_wei,
        )
        header_rlp = encode_header(header)
        changes = state_changes(self._database, self._head.state_root, state_root, witness)
        self._head = header
        self._hashes.append(Hash32(keccak(header_rlp)))
        return BlockOutput(
            number=header.number,
            block_hash=self.head_hash,
            header_rlp=header_rlp,
            state_root=header.state_root,
            transactions_root=header.transactions_root,
            receipts_root=header.receipts_root,
            logs_bloom=header.logs_bloom,
            gas_used=header.gas_used,
            base_fee_wei=header.base_fee_wei,
            included=tuple(execution.included),
            receipts=tuple(receipts),
            skipped=tuple(execution.skipped),
            changes=changes,
            proving_costs=tuple(execution.proving_costs),
        )


class _BlockExecution:
    """What the transactions of one block have done so far."""

    def __init__(
        self, state: EvmState, chain_id: int, block: BlockInput, base_fee_wei: int
    ) -> None:
        self.state = state
        self.base_fee_wei = base_fee_wei
        self.user_gas_used = 0
        self.included: list[bytes] = []
        self.receipts: list[Receipt] = []
        self.skipped: list[SkippedTransaction] = []
        self._chain_id = chain_id
        self._gas_limit = block.gas_limit
        self._budget = BlockBudget(block.transactions) if self.state.meter else None
        self._is_forcing = any(map(is_forced_delivery, block.system_transactions))
        self.proving_costs: list[int] = []
        self._cumulative_gas_used = 0

    def run_system(self, transaction: SystemTransaction) -> None:
        """Execute a call of the protocol; its gas counts in the receipts only."""
        raw = encode_system_transaction(transaction)
        if self.state.meter is not None:
            self.state.meter.begin_protocol()
            self.state.meter.charge(costs.transaction(len(raw)))
        outcome = apply_system_transaction(self.state, transaction)
        self._settle(is_included=True)
        self._include(raw, SYSTEM_TRANSACTION_TYPE, SYSTEM_ADDRESS, transaction.to, 0, outcome)

    def run(self, index: int, raw: bytes) -> None:
        """Execute a user's transaction, or note why it has no effect."""
        is_short = False
        if self._budget is not None:
            limit = self._budget.grant(is_forced=self._is_forcing and index == 0)
            if limit is None:
                self._skip(index, skip_reasons.BLOCK_PROVING_BUDGET)
                return
            is_short = limit < costs.TRANSACTION_BUDGET
            self.state.meter.begin(limit)
        try:
            self._try(raw, is_short)
        except Skip as skip:
            self._settle(is_included=False)
            is_left_over = skip.reason == skip_reasons.PROVING_BUDGET and is_short
            if is_left_over and self._budget is not None:
                self._budget.close()
            self._skip(index, skip_reasons.BLOCK_PROVING_BUDGET if is_left_over else skip.reason)

    def _try(self, raw: bytes, is_short: bool) -> None:
        transaction, sender = self._admit(raw)
        outcome = apply_transaction(self.state, transaction, is_short=is_short)
        if outcome is None:
            raise Skip(skip_reasons.PROVING_BUDGET)
        self._settle(is_included=True)
        self.user_gas_used += outcome.gas_used
        price_wei = min(
            transaction.max_fee_per_gas,
            transaction.max_priority_fee_per_gas + self.base_fee_wei,
        )
        to = Address(transaction.to) if transaction.to else None
        self._include(raw, transaction_type(raw), sender, to, price_wei, outcome)

    def _admit(self, raw: bytes) -> tuple[EvmTransaction, Address]:
        meter = self.state.meter
        if meter is not None and raw[:1] != b"\x03":
            meter.charge(costs.transaction(len(raw)))
        transaction = decode(raw)
        if meter is not None:
            if transaction_type(raw) == SET_CODE_TYPE:
                signatures = costs.AUTHORIZATION * len(transaction.authorization_list)
                meter.charge(min(signatures, costs.NEVER))
            if transaction_type(raw) != LEGACY_TYPE:
                meter.name(sum(1 + len(slots) for _, slots in transaction.access_list))
            if transaction.to == b"":
                meter.charge(costs.creation(len(transaction.data)))
            if meter.is_exhausted:
                raise Skip(skip_reasons.PROVING_BUDGET)
        gas_left = self._gas_limit - self.user_gas_used
        sender = check_without_state(transaction, raw, self._chain_id, self.base_fee_wei, gas_left)
        check_account(transaction, sender, self.state)
        return transaction, sender

    def _skip(self, index: int, reason: str) -> None:
        self.skipped.append(SkippedTransaction(index, reason))

    def _settle(self, *, is_included: bool) -> None:
        if self._budget is None:
            return
        cost = self.state.meter.settled
        self._budget.spend(cost)
        if is_included:
            self.proving_costs.append(cost)

    def _include(
        self,
        raw: bytes,
        kind: int,
        sender: Address,
        to: Address | None,
        price_wei: int,
        outcome: Outcome,
    ) -> None:
        self._cumulative_gas_used += outcome.gas_used
        self.included.append(raw)
        self.receipts.append(
            Receipt(
                transaction_hash=Hash32(keccak(raw)),
                transaction_type=kind,
                sender=sender,
                to=to,
                is_success=outcome.is_success,
                gas_used=outcome.gas_used,
                cumulative_gas_used=self._cumulative_gas_used,
                effective_gas_price_wei=price_wei,
                contract_address=outcome.created_address,
                logs=outcome.logs,
                output=outcome.output,
            )
        )
