"""Values that go into a mempool and come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from execution.transactions import DecodedTransaction
from execution.types import Address, Hash32


@dataclass(frozen=True, slots=True)
class PooledTransaction:
    """A decoded transaction with a recovered sender, as the pool keeps it.

    ``tip_wei`` is the most that goes to the proposer per gas, ``max_fee_wei``
    the most that is paid per gas in all; a legacy transaction has its gas price in both.
    """

    raw: bytes
    hash: Hash32
    sender: Address
    nonce: int
    gas_limit: int
    max_fee_wei: int
    tip_wei: int
    value_wei: int
    size_bytes: int


def pooled_transaction(decoded: DecodedTransaction, sender: Address) -> PooledTransaction:
    """A decoded transaction, with the sender that its signature gives, as the pool keeps it."""
    return PooledTransaction(
        raw=decoded.raw,
        hash=decoded.hash,
        sender=sender,
        nonce=decoded.nonce,
        gas_limit=decoded.gas_limit,
        max_fee_wei=decoded.max_fee_wei,
        tip_wei=decoded.tip_wei,
        value_wei=decoded.value_wei,
        size_bytes=len(decoded.raw),
    )


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one pool.

    ``max_nonce_gap`` is how far a nonce may lie beyond the sender's next one.
    ``is_arrival_ordered`` is for chains without fees: first come, first served,
    nobody is evicted.
    """

    max_transactions: int = 50_000
    max_bytes: int = 64 * 1024 * 1024
    max_transactions_per_sender: int = 4096
    max_nonce_gap: int = 64
    max_transaction_bytes: int = 128 * 1024
    max_transaction_gas: int = 30_000_000
    min_max_fee_wei: int = 0
    replacement_bump_percent: int = 10
    is_arrival_ordered: bool = False


class AddOutcome(StrEnum):
    """What became of a transaction that was offered to the pool."""

    ACCEPTED = "accepted"
    REPLACED = "replaced a transaction with the same nonce"
    ALREADY_KNOWN = "already known"
    NONCE_TOO_LOW = "nonce too low"
    NONCE_GAP_TOO_LARGE = "nonce gap too large"
    REPLACEMENT_UNDERPRICED = "replacement transaction underpriced"
    REPLACEMENT_IN_FLIGHT = "a transaction with this nonce is already in a block"
    SENDER_QUEUE_FULL = "too many transactions of this sender"
    POOL_FULL = "transaction pool is full"
    TOO_LARGE = "transaction too large"
    GAS_ABOVE_LIMIT = "gas limit above the block's"
    FEE_BELOW_MINIMUM = "fee below the minimum"

    @property
    def is_accepted(self) -> bool:
        """Whether the transaction is in the pool because of this call."""
        return self is AddOutcome.ACCEPTED or self is AddOutcome.REPLACED


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """Counts for metrics; ``outcomes`` counts every :meth:`Mempool.add` since the start."""

    transaction_count: int
    size_bytes: int
    sender_count: int
    in_flight_block_count: int
    in_flight_transaction_count: int
    evicted_count: int
    outcomes: Mapping[AddOutcome, int]
