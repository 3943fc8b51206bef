"""One chain as JSON-RPC sees it: state from the executor, mempool from the validator."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from actors.calls import ActorAway, ActorLink
from actors.gateway.proven import ProvenBlock
from actors.packing import pack_transaction
from execution.mempool import AddOutcome
from execution.types import AccountProof, AccountState, Address, CallRequest, CallResult, Hash32
from gateway.backend import AdmissionState, FeeRange, SubmittedTransaction
from gateway.errors import BackendUnavailable
from gateway.log_query import LogQuery
from gateway.views import (
    Heads,
    IncludedTransaction,
    LocatedLog,
    PendingTransaction,
    StoredBlock,
)
from ledger.types import ChainRole


class ChainBackend:
    """A :class:`gateway.backend.ChainBackend` over Ray.

    Parameters
    ----------
    proven
        For a chain that settles on L1: what tells the newest block that is final there.
    """

    def __init__(
        self,
        role: ChainRole,
        executor: ActorLink,
        validator: ActorLink,
        proven: ProvenBlock | None = None,
    ) -> None:
        self._role = role
        self._executor = executor
        self._validator = validator
        self._proven = proven

    async def heads(self) -> Heads:
        """Newest block number of each confirmation tier."""
        heads = cast(Heads, await self._read("heads"))
        if self._proven is None:
            return heads
        # L1 may be ahead of a node that has yet to fetch blocks.
        return replace(heads, finalized=min(heads.safe, await self._proven.number()))

    async def block(self, number: int) -> StoredBlock | None:
        """Executed block of that number."""
        return cast(StoredBlock | None, await self._read("block", number))

    async def block_by_hash(self, block_hash: Hash32) -> StoredBlock | None:
        """Executed block of that hash."""
        return cast(StoredBlock | None, await self._read("block_by_hash", block_hash))

    async def block_number(self, block_hash: Hash32) -> int | None:
        """Number of the executed block of that hash."""
        return cast(int | None, await self._read("block_number", block_hash))

    async def block_hashes(self, first_number: int, last_number: int) -> Sequence[Hash32]:
        """Hashes of the existing blocks of a range."""
        return cast(Sequence[Hash32], await self._read("block_hashes", first_number, last_number))

    async def transactions(
        self, hashes: Sequence[Hash32]
    ) -> Sequence[IncludedTransaction | PendingTransaction | None]:
        """Executed or waiting transactions."""
        found: list[IncludedTransaction | PendingTransaction | None] = await self._read(
            "transactions", hashes
        )
        missing = [index for index, entry in enumerate(found) if entry is None]
        if missing:
            wanted = [hashes[index] for index in missing]
            waiting = await self._ask_validator("pending_transactions", self._role, wanted)
            for index, entry in zip(missing, waiting, strict=True):
                found[index] = entry
        return found

    async def logs(self, query: LogQuery, limit: int) -> Sequence[LocatedLog]:
        """Logs that match."""
        return cast(Sequence[LocatedLog], await self._read("logs", query, limit))

    async def admission_state(self, addresses: Sequence[Address]) -> AdmissionState:
        """Accounts at ``latest`` and the next block's base fee."""
        return cast(AdmissionState, await self._read("admission_state", addresses))

    async def accounts(
        self, addresses: Sequence[Address], at: int | None
    ) -> Sequence[AccountState]:
        """Account states."""
        return cast(Sequence[AccountState], await self._read("accounts", addresses, at))

    async def pending_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        """Next nonces, counting the mempool."""
        states = await self.accounts(addresses, None)
        pending: Sequence[int | None] = await self._ask_validator(
            "pending_nonces", self._role, addresses
        )
        return [
            state.nonce if nonce is None else max(nonce, state.nonce)
            for state, nonce in zip(states, pending, strict=True)
        ]

    async def code(self, address: Address, at: int | None) -> bytes:
        """Contract code."""
        return cast(bytes, await self._read("code", address, at))

    async def storage_at(self, address: Address, slot: int, at: int | None) -> int:
        """A storage slot."""
        return cast(int, await self._read("storage_at", address, slot, at))

    async def call(self, request: CallRequest, at: int | None) -> CallResult:
        """Run a call and forget its effects."""
        return cast(CallResult, await self._read("call", request, at))

    async def estimate_gas(self, request: CallRequest, at: int | None) -> CallResult:
        """Least gas limit with which a call succeeds."""
        return cast(CallResult, await self._read("estimate_gas", request, at))

    async def proof(self, address: Address, slots: Sequence[int], at: int | None) -> AccountProof:
        """EIP-1186 proof."""
        return cast(AccountProof, await self._read("proof", address, slots, at))

    async def fees(self, first_number: int, last_number: int) -> FeeRange:
        """Fees of a range of blocks."""
        return cast(FeeRange, await self._read("fees", first_number, last_number))

    async def submit(self, transactions: Sequence[SubmittedTransaction]) -> Sequence[AddOutcome]:
        """Offer transactions to the mempool."""
        packed = [pack_transaction(entry) for entry in transactions]
        outcomes: list[str] = await self._ask_validator("submit", self._role, packed)
        return [AddOutcome(outcome) for outcome in outcomes]

    async def _read(self, method: str, *arguments: Any) -> Any:
        try:
            return await self._executor.call("read", method, *arguments)
        except ActorAway as error:
            raise BackendUnavailable("the executor restarts; try again in a moment") from error

    async def _ask_validator(self, method: str, *arguments: Any) -> Any:
        try:
            return await self._validator.call(method, *arguments)
        except ActorAway as error:
            raise BackendUnavailable("the validator restarts; try again in a moment") from error
