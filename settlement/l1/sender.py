"""Sends the transactions of one key: writes each down, then lets it go."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog
from eth_account.signers.local import LocalAccount

from execution.transactions import decode_transaction, transaction_hash
from execution.types import Address, CallRequest, Hash32
from ledger.types import BlockNumber, ChainId, EvmHash
from settlement.errors import (
    AlreadyKnown,
    InsufficientFunds,
    L1Error,
    L1Refused,
    NonceTooLow,
    Underpriced,
)
from settlement.l1 import account
from settlement.l1.account import (
    AccountPolicy,
    AccountState,
    Attempt,
    Call,
    Confirmed,
    Displaced,
    Effect,
    Observed,
    Send,
    Settled,
    Sign,
    Slot,
    TooDear,
)
from settlement.l1.answers import FeeMarket, L1Receipt
from settlement.l1.client import L1Client
from settlement.l1.fees import Fees
from settlement.records import (
    MAX_PURPOSE_BYTES,
    NonceDisplaced,
    Record,
    TransactionSettled,
    TransactionSigned,
)

log = structlog.get_logger(__name__)

Monotonic = Callable[[], float]


class SigningJournal(Protocol):
    """Where signed transactions are written down; :class:`settlement.journal.SettlementJournal`."""

    signed: dict[int, tuple[TransactionSigned, ...]]
    next_nonce: int

    def append(self, record: Record) -> None:
        """Write a record; it is on the disk when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class SenderStatus:
    """What the sender has done since it started, and what bothers it."""

    transactions_signed: int = 0
    replacements_signed: int = 0
    transactions_settled: int = 0
    gas_used: int = 0
    largest_gas_used: int = 0
    fees_paid_wei: int = 0
    reverted: int = 0
    displaced: int = 0
    problem: str | None = None


class TransactionSender:
    """The transactions of one key on one L1.

    Parameters
    ----------
    monotonic
        Clock of the resends and bumps, in seconds.
    """

    def __init__(
        self,
        client: L1Client,
        signer: LocalAccount,
        l1_chain_id: ChainId,
        policy: AccountPolicy,
        journal: SigningJournal,
        monotonic: Monotonic,
    ) -> None:
        self._client = client
        self._signer = signer
        self._chain_id = l1_chain_id
        self._journal = journal
        self._monotonic = monotonic
        self.address = Address(bytes.fromhex(signer.address[2:]))
        self.status = SenderStatus()
        self._market = FeeMarket(0, 0)
        self._head_number = 0
        self._state = AccountState(policy, next_nonce=journal.next_nonce)
        for nonce in sorted(journal.signed):
            for record in journal.signed[nonce]:
                self._state = account.signed(self._state, nonce, *_from_record(record))

    @property
    def head_number(self) -> int:
        """L1's newest block at the last look."""
        return self._head_number

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What is under way."""
        return self._state.slots

    def outcome(self, call_id: Hash32) -> L1Receipt | None:
        """Receipt of a call that was settled lately."""
        done: list[Settled] = [item for item in self._state.settled if item.call_id == call_id]
        return done[-1].receipt if done else None

    def is_under_way(self, call_id: Hash32) -> bool:
        """Whether a call has a nonce, or was settled lately with success."""
        return self._state.slot_of(call_id) is not None or self._state.is_remembered(call_id)

    async def observe(self) -> None:
        """Look at L1, and do what follows: resend, replace, settle.

        Raises
        ------
        L1Error
            One of its subclasses; the next look makes up for it.
        """
        self.status = replace(self.status, problem=None)
        observed = await self._look()
        self._head_number, self._market = observed.head_number, observed.market
        self._state, effects = account.observe(
            self._state, observed, self.address, self._monotonic()
        )
        await self._run(effects)

    async def ensure(self, calls: Iterable[Call]) -> None:
        """Get calls done, in order; those under way or done lately need nothing.

        Raises
        ------
        L1Error
        """
        self._state, effects = account.want(self._state, calls, self._market)
        await self._run(effects)

    # PARTS

    async def _look(self) -> Observed:
        head_number = await self._client.block_number()
        used = await self._client.nonce(self.address)
        pending = await self._client.nonce(self.address, is_pending=True)
        market = await self._client.fee_market()
        receipts: dict[Hash32, L1Receipt] = {}
        for slot in self._state.slots:
            if slot.nonce >= used:
                continue
            for attempt in reversed(slot.attempts):
                receipt = await self._client.receipt(attempt.transaction_hash)
                if receipt is not None:
                    receipts[attempt.transaction_hash] = receipt
                    break
        return Observed(head_number, used, max(used, pending), market, receipts)

    async def _run(self, effects: Iterable[Effect]) -> None:
        # What needs the journal alone comes first: L1 may go down at any of the others.
        for effect in sorted(effects, key=lambda item: isinstance(item, (Sign, Send))):
            if isinstance(effect, Sign):
                await self._sign_and_send(effect)
            elif isinstance(effect, Send):
                await self._send(effect.nonce, effect.attempt)
            elif isinstance(effect, Confirmed):
                await self._settle(effect)
            elif isinstance(effect, Displaced):
                self._journal.append(NonceDisplaced(effect.nonce))
                self.status = replace(self.status, displaced=self.status.displaced + 1)
                log.warning("somebody else used our nonce", nonce=effect.nonce)
            elif isinstance(effect, TooDear):
                self._note(
                    f"{effect.purpose}: the base fee is {effect.base_fee_wei} wei, "
                    f"the limit {effect.limit_wei}"
                )

    async def _sign_and_send(self, order: Sign) -> None:
        attempt = self._sign(order)
        is_replacement = any(slot.nonce == order.nonce for slot in self._state.slots)
        self._journal.append(
            TransactionSigned(
                nonce=order.nonce,
                max_fee_wei=order.fees.max_fee_wei,
                tip_wei=order.fees.tip_wei,
                purpose=order.call.purpose[:MAX_PURPOSE_BYTES],
                raw=attempt.raw,
            )
        )
        self._state = account.signed(self._state, order.nonce, order.call, attempt)
        self.status = replace(
            self.status,
            transactions_signed=self.status.transactions_signed + (not is_replacement),
            replacements_signed=self.status.replacements_signed + is_replacement,
        )
        await self._send(order.nonce, attempt)

    def _sign(self, order: Sign) -> Attempt:
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": order.nonce,
            "value": order.call.value_wei,
            "data": order.call.data,
            "gas": order.call.gas_limit,
            "maxFeePerGas": order.fees.max_fee_wei,
            "maxPriorityFeePerGas": order.fees.tip_wei,
        }
        if order.call.to is not None:
            fields["to"] = order.call.to
        raw = bytes(self._signer.sign_transaction(fields).raw_transaction)
        return Attempt(transaction_hash(raw), raw, order.fees)

    async def _send(self, nonce: int, attempt: Attempt) -> None:
        try:
            await self._client.send(attempt.raw)
        except (AlreadyKnown, NonceTooLow):
            # It is there, or its nonce is used: the next look tells by whom.
            pass
        except Underpriced as error:
            self._state = account.underpriced(self._state, nonce)
            self._note(f"nonce {nonce}: {error.message}")
        except InsufficientFunds as error:
            self._note(f"0x{self.address.hex()} cannot pay: {error.message}")
            return
        except L1Refused as error:
            self._note(f"nonce {nonce}: {error.message}")
            return
        self._state = account.sent(
            self._state, attempt.transaction_hash, self._head_number, self._monotonic()
        )

    async def _settle(self, effect: Confirmed) -> None:
        receipt = effect.settled.receipt
        self._journal.append(
            TransactionSettled(
                nonce=effect.settled.nonce,
                transaction_hash=EvmHash(receipt.transaction_hash),
                l1_block=BlockNumber(receipt.block_number),
                is_success=receipt.is_success,
            )
        )
        status = self.status
        self.status = replace(
            status,
            transactions_settled=status.transactions_settled + 1,
            gas_used=status.gas_used + receipt.gas_used,
            largest_gas_used=max(status.largest_gas_used, receipt.gas_used),
            fees_paid_wei=status.fees_paid_wei + receipt.gas_used * receipt.effective_gas_price_wei,
            reverted=status.reverted + (not receipt.is_success),
        )
        if not receipt.is_success:
            await self._tell_revert(effect.call, receipt)

    async def _tell_revert(self, call: Call, receipt: L1Receipt) -> None:
        """Find out why, if L1 still tells; nothing depends on it."""
        try:
            reason = await self._client.revert_reason(
                request_of(call, self.address), receipt.block_number
            )
        except L1Error:
            reason = None
        self._note(f"{call.purpose} reverted: {reason or 'nobody knows why'}")

    def _note(self, problem: str) -> None:
        self.status = replace(self.status, problem=problem)
        log.warning("settlement transaction", problem=problem)


def request_of(call: Call, sender: Address) -> CallRequest:
    """The call as ``eth_call`` and ``eth_estimateGas`` take it."""
    return CallRequest(sender, call.to, call.data, call.value_wei)


def _from_record(record: TransactionSigned) -> tuple[Call, Attempt]:
    decoded = decode_transaction(record.raw)
    call = Call(
        to=decoded.to,
        data=decoded.data,
        gas_limit=decoded.gas_limit,
        purpose=record.purpose,
        value_wei=decoded.value_wei,
    )
    fees = Fees(record.max_fee_wei, record.tip_wei)
    return call, Attempt(decoded.hash, record.raw, fees)
