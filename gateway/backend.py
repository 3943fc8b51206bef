"""What the gateway asks a node for.

Each call may be a remote call of about 1.5 ms, so everything that traffic
repeats is batched: one call for many transactions, accounts or hashes.

A method raises only :class:`gateway.errors.BackendError` and its subclasses;
the gateway turns them into JSON-RPC errors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from execution.mempool import AddOutcome, PooledTransaction
from execution.types import AccountProof, AccountState, Address, CallRequest, CallResult, Hash32
from gateway.log_query import LogQuery
from gateway.views import (
    BlockFees,
    Heads,
    IncludedTransaction,
    LocatedLog,
    PendingTransaction,
    StoredBlock,
)
from ledger.types import ChainRole

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A JSON value; integers up to 2^53, larger ones as text."""


@dataclass(frozen=True, slots=True)
class SubmittedTransaction:
    """A transaction that passed every check which needs no mempool.

    ``account_nonce`` is the sender's as :class:`AdmissionState` gave it.
    """

    transaction: PooledTransaction
    account_nonce: int


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """What the checks of incoming transactions read, all at block ``latest``.

    ``accounts`` is in the order of the addresses asked for.
    """

    accounts: Sequence[AccountState]
    next_base_fee_wei: int


@dataclass(frozen=True, slots=True)
class FeeRange:
    """Fees of consecutive blocks, oldest first, and the base fee of the block after them."""

    blocks: Sequence[BlockFees]
    next_base_fee_wei: int


class ChainBackend(Protocol):
    """One EVM chain of a node.

    ``at`` names the block after which state is read; ``None`` means the newest
    executed block at the moment of reading, which spares a call for its number.
    """

    async def heads(self) -> Heads:
        """Newest block number of each confirmation tier."""
        ...

    async def block(self, number: int) -> StoredBlock | None:
        """Executed block of that number."""
        ...

    async def block_by_hash(self, block_hash: Hash32) -> StoredBlock | None:
        """Executed block of that hash."""
        ...

    async def block_number(self, block_hash: Hash32) -> int | None:
        """Number of the executed block of that hash: cheaper than the block."""
        ...

    async def block_hashes(self, first_number: int, last_number: int) -> Sequence[Hash32]:
        """Hashes of the existing blocks of a range, both ends included, in order."""
        ...

    async def transactions(
        self, hashes: Sequence[Hash32]
    ) -> Sequence[IncludedTransaction | PendingTransaction | None]:
        """Executed or waiting transactions, in the order of ``hashes``; ``None`` if unknown."""
        ...

    async def logs(self, query: LogQuery, limit: int) -> Sequence[LocatedLog]:
        """Logs that match, in chain order, and no more than ``limit`` of them."""
        ...

    async def admission_state(self, addresses: Sequence[Address]) -> AdmissionState:
        """Accounts at ``latest`` and the base fee that the next block will have."""
        ...

    async def accounts(
        self, addresses: Sequence[Address], at: int | None
    ) -> Sequence[AccountState]:
        """Account states in the order of ``addresses``."""
        ...

    async def pending_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        """Nonce that each account's next transaction needs, counting those in the mempool."""
        ...

    async def code(self, address: Address, at: int | None) -> bytes:
        """Contract code; empty if there is none."""
        ...

    async def storage_at(self, address: Address, slot: int, at: int | None) -> int:
        """Value of a storage slot."""
        ...

    async def call(self, request: CallRequest, at: int | None) -> CallResult:
        """Run a call and forget its effects."""
        ...

    async def estimate_gas(self, request: CallRequest, at: int | None) -> CallResult:
        """Find the least gas limit with which a call succeeds: it is in ``gas_used``.

        A call that no gas limit makes succeed gives the failed result.
        """
        ...

    async def proof(self, address: Address, slots: Sequence[int], at: int | None) -> AccountProof:
        """EIP-1186 proof of an account and some of its slots."""
        ...

    async def fees(self, first_number: int, last_number: int) -> FeeRange:
        """Fees of the existing blocks from ``first_number`` to ``last_number``, both included."""
        ...

    async def submit(self, transactions: Sequence[SubmittedTransaction]) -> Sequence[AddOutcome]:
        """Offer transactions to the mempool; one outcome for each, in order."""
        ...


class LedgerBackend(Protocol):
    """The ledger as the ``braid_`` methods show it; every answer is ready for JSON."""

    async def status(self) -> Json:
        """State of this node: heights, views, tiers, peers."""
        ...

    async def ledger_block(self, height: int) -> Json:
        """Ledger block at a height with its certificate; null if there is none."""
        ...

    async def peer_count(self) -> int:
        """Validators that this node is connected to."""
        ...

    async def ledger_height(self) -> int:
        """Height of the newest finalized ledger block."""
        ...

    async def checkpoint(self, chain: ChainRole, number: int | None) -> Json:
        """Checkpoint certificate of a chain's block, or the newest; null if there is none."""
        ...

    async def round(self, round_id: int) -> Json:
        """A game round with its caps and what is left of them; null if there is none."""
        ...

    async def loss_bound(self) -> Json:
        """The live loss bound and what it is the sum of."""
        ...

    async def settlement(self) -> Json:
        """Settlement on L1 as this node sees it; null in a network that settles nowhere."""
        ...

    async def validators(self) -> Json:
        """The validators, their keys and how they take part."""
        ...

    async def epoch(self) -> Json:
        """The epoch, its set, and changes of it that are voted on or decided."""
        ...

    async def evidence(self, limit: int) -> Json:
        """The newest evidence of misbehaviour, at most ``limit`` entries."""
        ...
