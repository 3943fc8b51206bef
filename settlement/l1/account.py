"""The transactions of one key: pure.

Each call that is wanted gets a nonce, and keeps it until a transaction with that nonce has
all its confirmations::

    wanted ──▶ signed ──▶ sent ──▶ in a block ──▶ settled (confirmed)
                 ▲          │  ▲        │
                 └── bump ──┘  └─ reorg ┘

What L1 says is observed anew each time, and nothing else is believed:

- A transaction that is in no block is sent again from time to time, and replaced at a
  higher fee when blocks pass it by. One that was in a block and is no more is sent again
  at once, under the same nonce.
- A nonce that L1 counts as used although none of our transactions with it is in a block
  belongs to somebody else with the same key: after the confirmations the call is free to
  get another nonce.
- A nonce that L1 waits for and that we know nothing of (a gap) is filled by a transfer of
  nothing to ourselves, so that what waits behind it can go on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from execution.types import Address, Hash32
from ledger.hashing import keccak
from settlement.l1.answers import FeeMarket, L1Receipt
from settlement.l1.fees import FeePolicy, Fees

REMEMBERED_BLOCKS: Final = 64
"""So long after its confirmations a call is not sent anew, whatever a lagging node says."""

FILLER_GAS: Final = 21_000


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction to make; ``purpose`` is for people."""

    to: Address | None
    data: bytes = field(repr=False)
    gas_limit: int
    purpose: str
    value_wei: int = 0

    @property
    def call_id(self) -> Hash32:
        """What names it: recipient, value and data."""
        return call_id(self.to, self.value_wei, self.data)


def call_id(to: Address | None, value_wei: int, data: bytes) -> Hash32:
    """Name of a call."""
    return Hash32(keccak((to or b"") + value_wei.to_bytes(32, "big") + keccak(data)))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction; when it was sent is ``None`` until it was, in this process."""

    transaction_hash: Hash32
    raw: bytes = field(repr=False)
    fees: Fees
    first_sent_seconds: float | None = None
    first_sent_block: int | None = None
    last_sent_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """One nonce and what is to happen under it."""

    nonce: int
    call: Call
    attempts: tuple[Attempt, ...]
    receipt: L1Receipt | None = None
    displaced_since_block: int | None = None
    is_underpriced: bool = False

    @property
    def last(self) -> Attempt:
        """The newest transaction."""
        return self.attempts[-1]


@dataclass(frozen=True, slots=True)
class Settled:
    """A call whose transaction has its confirmations."""

    call_id: Hash32
    nonce: int
    receipt: L1Receipt


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """When to do what again."""

    confirmations: int
    fees: FeePolicy = field(default_factory=FeePolicy)
    resend_after_seconds: float = 24.0
    bump_after_seconds: float = 36.0
    bump_after_blocks: int = 2
    max_in_flight: int = 8


@dataclass(frozen=True, slots=True)
class AccountState:
    """All that is known of one key's transactions."""

    policy: AccountPolicy
    slots: tuple[Slot, ...] = ()
    settled: tuple[Settled, ...] = ()
    next_nonce: int = 0

    def slot_of(self, wanted: Hash32) -> Slot | None:
        """The slot of a call that is not settled."""
        return next((slot for slot in self.slots if slot.call.call_id == wanted), None)

    def is_remembered(self, wanted: Hash32) -> bool:
        """Whether the call was settled, with success, not long ago."""
        return any(done.call_id == wanted and done.receipt.is_success for done in self.settled)


@dataclass(frozen=True, slots=True)
class Observed:
    """What L1 says now; ``receipts`` are of attempts that are in a block."""

    head_number: int
    used_nonces: int
    pending_nonces: int
    market: FeeMarket
    receipts: Mapping[Hash32, L1Receipt]


# EFFECTS


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign this call under this nonce, write it down, tell :func:`signed`, then send it."""

    nonce: int
    call: Call
    fees: Fees


@dataclass(frozen=True, slots=True)
class Send:
    """Send a transaction that is written down."""

    nonce: int
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A call's transaction has its confirmations: write it down."""

    settled: Settled
    call: Call


@dataclass(frozen=True, slots=True)
class Displaced:
    """Somebody else used the nonce: write down that it is gone."""

    nonce: int
    purpose: str


@dataclass(frozen=True, slots=True)
class TooDear:
    """L1 costs more than the limit; the call waits."""

    purpose: str
    base_fee_wei: int
    limit_wei: int


Effect = Sign | Send | Confirmed | Displaced | TooDear


# STEPS


def observe(
    state: AccountState, observed: Observed, own_address: Address, now: float
) -> tuple[AccountState, tuple[Effect, ...]]:
    """Take in what L1 says; gives what follows."""
    effects: list[Effect] = []
    kept: list[Slot] = []
    settled = [
        done
        for done in state.settled
        if done.receipt.block_number + REMEMBERED_BLOCKS > observed.head_number
    ]
    for slot in state.slots:
        after, slot_effects = _observe_slot(state, slot, observed, now)
        effects.extend(slot_effects)
        if after is not None:
            kept.append(after)
        settled.extend(item.settled for item in slot_effects if isinstance(item, Confirmed))
    state = replace(
        state,
        slots=tuple(kept),
        settled=tuple(settled),
        next_nonce=max(state.next_nonce, observed.pending_nonces, observed.used_nonces),
    )
    effects.extend(_fill_gap(state, observed, own_address))
    return state, tuple(effects)


def want(
    state: AccountState, calls: Iterable[Call], market: FeeMarket
) -> tuple[AccountState, tuple[Effect, ...]]:
    """Ask for calls, in order; those that are under way or done already need nothing."""
    effects: list[Effect] = []
    in_flight = sum(1 for slot in state.slots if slot.receipt is None)
    next_nonce = state.next_nonce
    asked: set[Hash32] = set()
    for call in calls:
        name = call.call_id
        is_known = name in asked or state.slot_of(name) is not None or state.is_remembered(name)
        if is_known:
            continue
        if in_flight >= state.policy.max_in_flight:
            break
        fees = state.policy.fees.first(market)
        if fees is None:
            limit = state.policy.fees.max_fee_limit_wei
            effects.append(TooDear(call.purpose, market.base_fee_wei, limit))
            break
        asked.add(name)
        effects.append(Sign(next_nonce, call, fees))
        next_nonce += 1
        in_flight += 1
    return state, tuple(effects)


def signed(state: AccountState, nonce: int, call: Call, attempt: Attempt) -> AccountState:
    """A transaction was signed and is written down (now, or before the last restart)."""
    slots = {slot.nonce: slot for slot in state.slots}
    slot = slots.get(nonce)
    if slot is None or slot.call.call_id != call.call_id:
        slot = Slot(nonce, call, ())
    slots[nonce] = replace(slot, attempts=(*slot.attempts, attempt), is_underpriced=False)
    return replace(
        state,
        slots=tuple(slots[key] for key in sorted(slots)),
        next_nonce=max(state.next_nonce, nonce + 1),
    )


def sent(state: AccountState, attempt_hash: Hash32, head_number: int, now: float) -> AccountState:
    """A transaction has left; whether L1 took it shows later."""

    def marked(attempt: Attempt) -> Attempt:
        if attempt.transaction_hash != attempt_hash:
            return attempt
        if attempt.first_sent_seconds is not None:
            return replace(attempt, last_sent_seconds=now)
        return replace(
            attempt,
            first_sent_seconds=now,
            first_sent_block=head_number,
            last_sent_seconds=now,
        )

    slots = tuple(
        replace(slot, attempts=tuple(marked(attempt) for attempt in slot.attempts))
        for slot in state.slots
    )
    return replace(state, slots=slots)


def underpriced(state: AccountState, nonce: int) -> AccountState:
    """L1 refuses the newest transaction of a nonce as too cheap: the next step replaces it."""
    slots = tuple(
        replace(slot, is_underpriced=True) if slot.nonce == nonce else slot for slot in state.slots
    )
    return replace(state, slots=slots)


# PARTS


def _observe_slot(
    state: AccountState, slot: Slot, observed: Observed, now: float
) -> tuple[Slot | None, list[Effect]]:
    policy = state.policy
    found = (observed.receipts.get(attempt.transaction_hash) for attempt in slot.attempts)
    receipt = next((item for item in found if item is not None), None)
    if receipt is not None:
        slot = replace(slot, receipt=receipt, displaced_since_block=None)
        depth = observed.head_number - receipt.block_number + 1
        if depth < policy.confirmations:
            return slot, []
        settled = Settled(slot.call.call_id, slot.nonce, receipt)
        return None, [Confirmed(settled, slot.call)]

    was_in_block = slot.receipt is not None
    slot = replace(slot, receipt=None)
    if observed.used_nonces > slot.nonce:
        return _observe_displaced(policy, slot, observed)
    slot = replace(slot, displaced_since_block=None)
    last = slot.last
    is_new = last.last_sent_seconds is None
    if is_new or was_in_block:
        return slot, [Send(slot.nonce, last)]
    if slot.is_underpriced or _is_passed_by(policy, last, observed, now):
        fees = policy.fees.replacement(last.fees, observed.market)
        if fees is not None:
            return slot, [Sign(slot.nonce, slot.call, fees)]
        limit = policy.fees.max_fee_limit_wei
        dear = TooDear(slot.call.purpose, observed.market.base_fee_wei, limit)
        return slot, [dear, *_resend(policy, slot, now)]
    return slot, _resend(policy, slot, now)


def _observe_displaced(
    policy: AccountPolicy, slot: Slot, observed: Observed
) -> tuple[Slot | None, list[Effect]]:
    since = slot.displaced_since_block
    if since is None:
        return replace(slot, displaced_since_block=observed.head_number), []
    if observed.head_number - since + 1 < policy.confirmations:
        return slot, []
    return None, [Displaced(slot.nonce, slot.call.purpose)]


def _is_passed_by(policy: AccountPolicy, last: Attempt, observed: Observed, now: float) -> bool:
    """Whether blocks, and time, have gone by without the transaction."""
    if last.first_sent_seconds is None or last.first_sent_block is None:
        return False
    has_waited = now - last.first_sent_seconds >= policy.bump_after_seconds
    has_seen_blocks = observed.head_number - last.first_sent_block >= policy.bump_after_blocks
    return has_waited and has_seen_blocks


def _resend(policy: AccountPolicy, slot: Slot, now: float) -> list[Effect]:
    sent_at = slot.last.last_sent_seconds
    is_due = sent_at is not None and now - sent_at >= policy.resend_after_seconds
    return [Send(slot.nonce, slot.last)] if is_due else []


def _fill_gap(state: AccountState, observed: Observed, own_address: Address) -> list[Effect]:
    waiting = [slot for slot in state.slots if slot.receipt is None]
    if not waiting or min(slot.nonce for slot in state.slots) <= observed.used_nonces:
        return []
    is_recent = any(done.nonce >= observed.used_nonces for done in state.settled)
    is_held_by_pool = observed.pending_nonces > observed.used_nonces
    if is_recent or is_held_by_pool:
        return []
    fees = state.policy.fees.first(observed.market)
    if fees is None:
        return []
    filler = Call(own_address, b"", FILLER_GAS, f"filler of nonce {observed.used_nonces}")
    return [Sign(observed.used_nonces, filler, fees)]
