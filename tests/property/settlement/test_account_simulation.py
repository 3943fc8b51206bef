"""The account core against a small L1 that misbehaves in every way that one does, by seed.

Blocks leave transactions out, reorgs drop blocks, mempools forget, fees jump, somebody else
uses the key, and the process is killed beside every write and send. In the end every call
that was wanted has happened, and none of them twice.
"""

from dataclasses import dataclass, field
from random import Random

import pytest

from execution.types import Address, Hash32
from ledger.hashing import keccak
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
    Sign,
)
from settlement.l1.answers import FeeMarket, L1Receipt
from settlement.l1.fees import FeePolicy, Fees

OWN = Address(b"\x11" * 20)
GWEI = 10**9
CONFIRMATIONS = 3
POLICY = AccountPolicy(
    confirmations=CONFIRMATIONS,
    fees=FeePolicy(max_fee_limit_wei=1_000 * GWEI),
    resend_after_seconds=20,
    bump_after_seconds=30,
    max_in_flight=3,
)
FOREIGN = Call(Address(b"\x99" * 20), b"foreign", 21_000, "foreign")


@dataclass(frozen=True)
class Transaction:
    """What the model puts into its mempool and blocks."""

    nonce: int
    call: Call
    fees: Fees

    @property
    def hash(self) -> Hash32:
        text = f"{self.nonce} {self.call.call_id.hex()} {self.fees}"
        return Hash32(keccak(text.encode()))


@dataclass
class ModelL1:
    """One account's part of an L1."""

    blocks: list[list[Transaction]] = field(default_factory=lambda: [[]])
    mempool: dict[int, Transaction] = field(default_factory=dict)
    base_fee_wei: int = GWEI

    @property
    def used(self) -> int:
        return sum(len(block) for block in self.blocks)

    def send(self, transaction: Transaction) -> str:
        """Take a transaction, or say why not."""
        if transaction.nonce < self.used:
            return "nonce too low"
        held = self.mempool.get(transaction.nonce)
        if held == transaction:
            return "already known"
        if held is not None:
            needed = held.fees.max_fee_wei * 110 // 100, held.fees.tip_wei * 110 // 100
            if transaction.fees.max_fee_wei < needed[0] or transaction.fees.tip_wei < needed[1]:
                return "underpriced"
        self.mempool[transaction.nonce] = transaction
        return ""

    def mine(self, random: Random) -> None:
        block: list[Transaction] = []
        used = self.used
        while (found := self.mempool.get(used + len(block))) is not None:
            pays = found.fees.max_fee_wei >= self.base_fee_wei
            if not pays or random.random() < 0.2:
                break
            block.append(found)
        for transaction in block:
            del self.mempool[transaction.nonce]
        self.blocks.append(block)
        for stale in [nonce for nonce in self.mempool if nonce < self.used]:
            del self.mempool[stale]

    def reorg(self, depth: int, random: Random) -> None:
        """Drop blocks; their transactions go back to the mempool, or are lost."""
        depth = min(depth, len(self.blocks) - 1)
        dropped = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        for transaction in (item for block in dropped for item in block):
            if random.random() < 0.5:
                self.mempool.setdefault(transaction.nonce, transaction)
        self.blocks.extend([] for _ in range(depth + 1))

    def observed(self, state: AccountState) -> Observed:
        places = {
            transaction.hash: number
            for number, block in enumerate(self.blocks)
            for transaction in block
        }
        receipts = {
            attempt.transaction_hash: L1Receipt(
                attempt.transaction_hash,
                places[attempt.transaction_hash],
                Hash32(bytes(32)),
                True,
                21_000,
                GWEI,
                None,
            )
            for slot in state.slots
            for attempt in slot.attempts
            if attempt.transaction_hash in places
        }
        pending = self.used
        while pending in self.mempool:
            pending += 1
        market = FeeMarket(self.base_fee_wei, GWEI // 10)
        return Observed(len(self.blocks) - 1, self.used, pending, market, receipts)


class Killed(Exception):
    """The process dies here."""


@dataclass
class Process:
    """What the shell does, with a journal that outlives it."""

    l1: ModelL1
    random: Random
    kill_chance: float
    journal: dict[int, list[tuple[Call, Transaction]]] = field(default_factory=dict)
    next_nonce: int = 0
    now: float = 0.0
    state: AccountState = field(default_factory=lambda: AccountState(POLICY))

    def restart(self) -> None:
        self.state = AccountState(POLICY, next_nonce=self.next_nonce)
        for nonce in sorted(self.journal):
            for call, transaction in self.journal[nonce]:
                attempt = Attempt(transaction.hash, b"", transaction.fees)
                self.state = account.signed(self.state, nonce, call, attempt)

    def tick(self, wanted: list[Call]) -> None:
        observed = self.l1.observed(self.state)
        self.state, effects = account.observe(self.state, observed, OWN, self.now)
        self.run(effects, observed)
        self.state, effects = account.want(self.state, wanted, observed.market)
        self.run(effects, observed)

    def run(self, effects: tuple[Effect, ...], observed: Observed) -> None:
        for effect in sorted(effects, key=lambda item: isinstance(item, (Sign, Send))):
            if isinstance(effect, Sign):
                self.sign(effect, observed)
            elif isinstance(effect, Send):
                self.send(effect.nonce, effect.attempt, observed)
            elif isinstance(effect, Confirmed):
                self.maybe_die()
                self.journal.pop(effect.settled.nonce)
            elif isinstance(effect, Displaced):
                self.maybe_die()
                self.journal.pop(effect.nonce)

    def sign(self, order: Sign, observed: Observed) -> None:
        transaction = Transaction(order.nonce, order.call, order.fees)
        earlier = self.journal.get(order.nonce, [])
        names = {call.call_id for call, _ in earlier} | {order.call.call_id}
        assert len(names) == 1, "one nonce was given to two calls"
        self.maybe_die()
        self.journal.setdefault(order.nonce, []).append((order.call, transaction))
        self.next_nonce = max(self.next_nonce, order.nonce + 1)
        self.maybe_die()
        attempt = Attempt(transaction.hash, b"", order.fees)
        self.state = account.signed(self.state, order.nonce, order.call, attempt)
        self.send(order.nonce, attempt, observed)

    def send(self, nonce: int, attempt: Attempt, observed: Observed) -> None:
        (call,) = {slot.call for slot in self.state.slots if slot.nonce == nonce}
        self.maybe_die()
        answer = self.l1.send(Transaction(nonce, call, attempt.fees))
        self.maybe_die()
        if answer == "underpriced":
            self.state = account.underpriced(self.state, nonce)
        self.state = account.sent(
            self.state, attempt.transaction_hash, observed.head_number, self.now
        )

    def maybe_die(self) -> None:
        if self.random.random() < self.kill_chance:
            raise Killed


def happened(l1: ModelL1) -> list[Hash32]:
    """Calls in blocks, fillers and foreign ones left out."""
    ours = (transaction.call for block in l1.blocks for transaction in block)
    return [call.call_id for call in ours if call.to not in (OWN, FOREIGN.to)]


def disturb(process: Process) -> None:
    """Something that L1, or somebody with the same key, does now and then."""
    l1, random = process.l1, process.random
    draw = random.random()
    if draw < 0.08:
        l1.reorg(random.randrange(1, CONFIRMATIONS), random)
    elif draw < 0.14:
        l1.mempool.clear()
    elif draw < 0.24:
        l1.base_fee_wei = random.choice([1, 3, 10, 40]) * GWEI
    elif draw < 0.28:
        nonce = l1.observed(process.state).pending_nonces
        l1.send(Transaction(nonce, FOREIGN, Fees(50 * GWEI, GWEI)))


def settle(seed: int, kill_chance: float, has_trouble: bool) -> tuple[Process, list[Call]]:
    """Ask for calls until all are settled."""
    random = Random(seed)
    process = Process(ModelL1(), random, kill_chance)
    calls = [Call(Address(b"\x22" * 20), bytes([index]), 50_000, f"{index}") for index in range(6)]
    done: set[Hash32] = set()
    for turn in range(600):
        is_quiet = turn > 300 or not has_trouble
        if not is_quiet:
            disturb(process)
        else:
            process.l1.base_fee_wei = GWEI
        # A caller asks for what L1 does not show, as the pipeline does.
        done = set(happened(process.l1))
        wanted = [call for call in calls if call.call_id not in done]
        try:
            process.tick(wanted)
        except Killed:
            process.restart()
        process.now += 12
        process.l1.mine(random)
        if is_quiet and not wanted and not process.journal:
            break
    return process, calls


@pytest.mark.parametrize("block", range(8))
def test_every_call_happens_once_whatever_l1_does(block: int) -> None:
    for seed in range(block * 25, (block + 1) * 25):
        process, calls = settle(seed, kill_chance=0.0, has_trouble=True)
        assert sorted(happened(process.l1)) == sorted(call.call_id for call in calls), seed
        assert process.journal == {}, seed


@pytest.mark.parametrize("block", range(8))
def test_every_call_happens_once_however_often_the_process_dies(block: int) -> None:
    for seed in range(block * 25, (block + 1) * 25):
        process, calls = settle(seed, kill_chance=0.08, has_trouble=True)
        assert sorted(happened(process.l1)) == sorted(call.call_id for call in calls), seed
        assert process.journal == {}, seed


def test_without_trouble_nothing_is_replaced_and_no_nonce_is_lost() -> None:
    for seed in range(40):
        process, calls = settle(seed, kill_chance=0.0, has_trouble=False)
        assert process.l1.used == len(calls), seed


def test_the_model_notices_a_core_that_forgets_what_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AccountState, "slot_of", lambda self, wanted: None)
    process, calls = settle(1, kill_chance=0.0, has_trouble=False)
    assert len(happened(process.l1)) > len(calls)


def test_the_model_notices_a_core_that_never_sends_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "_resend", lambda *_: [])
    monkeypatch.setattr(account, "_is_passed_by", lambda *_: False)
    missing = 0
    for seed in range(20):
        process, calls = settle(seed, kill_chance=0.0, has_trouble=True)
        missing += len(happened(process.l1)) < len(calls)
    assert missing > 0
