"""What a node keeps of an executed block, and the parts of it that JSON-RPC shows.

All values are frozen and picklable: they travel from the executor to the gateway.
"""

from dataclasses import dataclass

from execution.types import Address, BlockInput, BlockOutput, Hash32, Log, Receipt
from ledger.types import Digest, Height, TimestampMs, View


@dataclass(frozen=True, slots=True)
class ChainInfo:
    """What never changes about one EVM chain and every answer may need.

    ``name`` is the chain's path. ``transaction_gas_limit`` is for a chain on which one
    transaction may have less gas than a block (EIP-7825).
    """

    name: str
    chain_id: int
    gas_limit: int
    is_base_fee_zero: bool
    min_priority_fee_wei: int = 0
    transaction_gas_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """Block numbers of one chain, one for each confirmation tier.

    ``latest`` is notarized and executed (soft: a rollback may still drop it),
    ``safe`` is finalized by consensus. ``finalized`` is the last block that L1
    accepted a validity proof for on the ZK chain: 0, the genesis, as long as
    nothing is settled. The fast chain is never proven: there it is ``safe``.
    """

    latest: int
    safe: int
    finalized: int


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """The ledger block that carries a chain's block; ``timestamp_ms`` is Unix time."""

    height: Height
    view: View
    digest: Digest
    timestamp_ms: TimestampMs


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """One executed block: Ethereum header, transactions and receipts, and its ledger position.

    ``transactions[i]`` is the raw encoding whose receipt is ``receipts[i]``, system
    transactions first. ``ledger`` is ``None`` for the genesis block only.
    """

    number: int
    block_hash: Hash32
    header_rlp: bytes
    logs_bloom: bytes
    base_fee_wei: int
    gas_limit: int
    gas_used: int
    timestamp_seconds: int
    transactions: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]
    ledger: LedgerPosition | None

    def transaction(self, index: int) -> "IncludedTransaction":
        """The transaction at ``index``, which has to exist."""
        first_log_index = sum(len(receipt.logs) for receipt in self.receipts[:index])
        return self._included(index, first_log_index)

    def all_transactions(self) -> tuple["IncludedTransaction", ...]:
        """Every transaction of the block, in order."""
        included = []
        first_log_index = 0
        for index, receipt in enumerate(self.receipts):
            included.append(self._included(index, first_log_index))
            first_log_index += len(receipt.logs)
        return tuple(included)

    def located_logs(self) -> tuple["LocatedLog", ...]:
        """Every log of the block with its place, in order."""
        located: list[LocatedLog] = []
        for index, receipt in enumerate(self.receipts):
            for log in receipt.logs:
                located.append(
                    LocatedLog(
                        log=log,
                        block_number=self.number,
                        block_hash=self.block_hash,
                        timestamp_seconds=self.timestamp_seconds,
                        transaction_hash=receipt.transaction_hash,
                        transaction_index=index,
                        log_index=len(located),
                    )
                )
        return tuple(located)

    def _included(self, index: int, first_log_index: int) -> "IncludedTransaction":
        return IncludedTransaction(
            raw=self.transactions[index],
            receipt=self.receipts[index],
            block_number=self.number,
            block_hash=self.block_hash,
            timestamp_seconds=self.timestamp_seconds,
            base_fee_wei=self.base_fee_wei,
            transaction_index=index,
            first_log_index=first_log_index,
        )


@dataclass(frozen=True, slots=True)
class IncludedTransaction:
    """One executed transaction with its receipt and its place in the chain."""

    raw: bytes
    receipt: Receipt
    block_number: int
    block_hash: Hash32
    timestamp_seconds: int
    base_fee_wei: int
    transaction_index: int
    first_log_index: int


@dataclass(frozen=True, slots=True)
class PendingTransaction:
    """A transaction that waits in the mempool."""

    raw: bytes
    transaction_hash: Hash32
    sender: Address


@dataclass(frozen=True, slots=True)
class LocatedLog:
    """One log with its place in the chain."""

    log: Log
    block_number: int
    block_hash: Hash32
    timestamp_seconds: int
    transaction_hash: Hash32
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class BlockFees:
    """What one block's transactions paid, for fee suggestions.

    ``tips`` holds, for each transaction that is not a system transaction, the
    priority fee per gas in wei and the gas it used.
    """

    number: int
    base_fee_wei: int
    gas_used: int
    gas_limit: int
    tips: tuple[tuple[int, int], ...]


def stored_block(
    block_input: BlockInput, output: BlockOutput, ledger: LedgerPosition
) -> StoredBlock:
    """Put together what a node keeps of a block that it has executed."""
    return StoredBlock(
        number=output.number,
        block_hash=output.block_hash,
        header_rlp=output.header_rlp,
        logs_bloom=output.logs_bloom,
        base_fee_wei=output.base_fee_wei,
        gas_limit=block_input.gas_limit,
        gas_used=output.gas_used,
        timestamp_seconds=block_input.timestamp_seconds,
        transactions=output.included,
        receipts=output.receipts,
        ledger=ledger,
    )
