"""The way of a user's transaction into the mempool, many at a time.

Each batch takes one job in a thread (decoding and sender recovery, which
releases the interpreter lock) and two backend calls: one for the accounts, one
to submit. While a batch is on its way the next one gathers.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from execution.errors import SenderRecoveryError, TransactionDecodeError
from execution.mempool import pooled_transaction
from execution.transactions import DecodedTransaction, decode_transaction, recover_senders
from execution.types import ZERO_HASH, AccountState, Address, Hash32
from gateway.admission import check_size, check_with_state, check_without_state, refusal
from gateway.backend import ChainBackend, SubmittedTransaction
from gateway.batcher import Batcher
from gateway.errors import RpcError, TransactionRejected
from gateway.limits import Limits
from gateway.status import IngressStatus
from gateway.views import ChainInfo
from ledger.hashing import keccak

ACCEPTED: Final = "accepted"

DELEGATION_PREFIX: Final = bytes.fromhex("ef0100")
DELEGATION_BYTES: Final = 23
"""Code of an account that delegates to a contract (EIP-7702)."""

MAX_KNOWN_CODES: Final = 4096

_CODELESS: Final = (ZERO_HASH, Hash32(keccak(b"")))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A transaction of a batch that has passed the checks so far."""

    index: int
    decoded: DecodedTransaction
    sender: Address


class Ingress:
    """Takes raw transactions for one chain."""

    def __init__(
        self, info: ChainInfo, backend: ChainBackend, limits: Limits, threads: Executor
    ) -> None:
        self._info = info
        self._backend = backend
        self._threads = threads
        self._outcomes: Counter[str] = Counter()
        self._may_send: dict[Hash32, bool] = dict.fromkeys(_CODELESS, True)
        self._batcher: Batcher[bytes, str | RpcError] = Batcher(
            self._take,
            max_items=limits.ingress_batch,
            max_waiting=limits.ingress_waiting,
            linger_seconds=limits.ingress_linger_seconds,
        )

    def submit(self, raw: bytes) -> "asyncio.Future[str | RpcError]":
        """Take one transaction; the future gives its hash in hex, or why it was refused.

        Raises
        ------
        LimitExceeded
            If too many transactions wait already.
        TransactionRejected
            If it is too long.
        """
        check_size(raw)
        return self._batcher.submit(raw)

    def status(self) -> IngressStatus:
        """Counts since the start."""
        return {
            "batches": self._batcher.batch_count,
            "transactions": self._batcher.item_count,
            "outcomes": dict(self._outcomes),
        }

    async def close(self) -> None:
        """Give up the transactions that wait."""
        await self._batcher.close()

    async def _take(self, raws: Sequence[bytes]) -> Sequence[str | RpcError]:
        loop = asyncio.get_running_loop()
        answers: list[str | RpcError | None] = [None] * len(raws)
        candidates = await loop.run_in_executor(
            self._threads, _decode_and_recover, raws, self._info, answers
        )
        if candidates:
            await self._submit(candidates, answers)
        final = [answer for answer in answers if answer is not None]
        assert len(final) == len(raws), "every transaction of a batch has an answer"
        for answer in final:
            self._outcomes[_outcome_name(answer)] += 1
        return final

    async def _submit(
        self, candidates: Sequence[_Candidate], answers: list[str | RpcError | None]
    ) -> None:
        """Check candidates against their accounts and offer them to the mempool."""
        senders = list({candidate.sender: None for candidate in candidates})
        state = await self._backend.admission_state(senders)
        accounts: dict[Address, AccountState] = dict(zip(senders, state.accounts, strict=True))
        contracts = await self._contracts_among(accounts)
        admitted: list[_Candidate] = []
        submitted: list[SubmittedTransaction] = []
        for candidate in candidates:
            decoded, account = candidate.decoded, accounts[candidate.sender]
            if candidate.sender in contracts:
                answers[candidate.index] = TransactionRejected(
                    f"sender not an eoa: address 0x{candidate.sender.hex()}"
                )
                continue
            try:
                check_with_state(decoded, candidate.sender, account, state.next_base_fee_wei)
            except TransactionRejected as error:
                answers[candidate.index] = error
                continue
            admitted.append(candidate)
            submitted.append(
                SubmittedTransaction(pooled_transaction(decoded, candidate.sender), account.nonce)
            )
        if not submitted:
            return
        outcomes = await self._backend.submit(submitted)
        for candidate, outcome in zip(admitted, outcomes, strict=True):
            answers[candidate.index] = (
                "0x" + candidate.decoded.hash.hex() if outcome.is_accepted else refusal(outcome)
            )

    async def _contracts_among(self, accounts: Mapping[Address, AccountState]) -> set[Address]:
        """Accounts with code that is no EIP-7702 delegation: they send nothing (EIP-3607).

        Each code costs one call once: its hash tells it again.
        """
        contracts: set[Address] = set()
        for address, account in accounts.items():
            may_send = self._may_send.get(account.code_hash)
            if may_send is None:
                code = await self._backend.code(address, None)
                is_delegation = len(code) == DELEGATION_BYTES and code.startswith(DELEGATION_PREFIX)
                may_send = is_delegation or not code
                self._remember(account.code_hash, code, may_send)
            if not may_send:
                contracts.add(address)
        return contracts

    def _remember(self, code_hash: Hash32, code: bytes, may_send: bool) -> None:
        """Keep the answer for a code, unless a newer block has changed the account meanwhile."""
        if keccak(code) != code_hash:
            return
        if len(self._may_send) >= MAX_KNOWN_CODES:
            self._may_send = dict.fromkeys(_CODELESS, True)
        self._may_send[code_hash] = may_send


def _decode_and_recover(
    raws: Sequence[bytes], info: ChainInfo, answers: list[str | RpcError | None]
) -> list[_Candidate]:
    """Everything that needs no state; refusals go into ``answers``. Runs in a thread."""
    decoded: list[tuple[int, DecodedTransaction]] = []
    for index, raw in enumerate(raws):
        try:
            transaction = decode_transaction(raw)
            check_without_state(transaction, info)
        except TransactionDecodeError as error:
            answers[index] = TransactionRejected(f"invalid transaction: {error}")
        except TransactionRejected as error:
            answers[index] = error
        else:
            decoded.append((index, transaction))
    candidates: list[_Candidate] = []
    senders = recover_senders([transaction for _, transaction in decoded])
    for (index, transaction), sender in zip(decoded, senders, strict=True):
        if isinstance(sender, SenderRecoveryError):
            answers[index] = TransactionRejected(f"invalid sender: {sender}")
        else:
            candidates.append(_Candidate(index, transaction, sender))
    return candidates


def _outcome_name(answer: str | RpcError) -> str:
    """What an answer is counted under: geth's message without its numbers."""
    return ACCEPTED if isinstance(answer, str) else answer.message.partition(":")[0]
