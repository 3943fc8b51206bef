"""The mempool against a model that is too simple to be wrong, under random histories."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from execution.mempool import AddOutcome, Mempool, PooledTransaction, PoolLimits
from execution.types import Address, Hash32
from ledger.types import Digest

SENDERS = [Address(bytes([number]) * 20) for number in range(1, 5)]
MIN_GAS = 21_000


@dataclass
class Model:
    """Lists and full scans."""

    limits: PoolLimits
    pooled: list[PooledTransaction] = field(default_factory=list)  # by arrival
    blocks: dict[Digest, list[Hash32]] = field(default_factory=dict)
    nonces: dict[Address, int] = field(default_factory=lambda: dict.fromkeys(SENDERS, 0))

    def in_flight(self) -> set[Hash32]:
        return {member for block in self.blocks.values() for member in block}

    def at(self, sender: Address, nonce: int) -> PooledTransaction | None:
        return next((t for t in self.pooled if (t.sender, t.nonce) == (sender, nonce)), None)

    def of(self, sender: Address) -> list[PooledTransaction]:
        return [t for t in self.pooled if t.sender == sender]

    def pending_nonce(self, sender: Address) -> int:
        nonce = self.nonces[sender]
        while self.at(sender, nonce) is not None:
            nonce += 1
        return nonce

    def add(self, new: PooledTransaction) -> AddOutcome:
        limits = self.limits
        if any(t.hash == new.hash for t in self.pooled):
            return AddOutcome.ALREADY_KNOWN
        if new.nonce < self.nonces[new.sender]:
            return AddOutcome.NONCE_TOO_LOW
        old = self.at(new.sender, new.nonce)
        size_bytes = sum(t.size_bytes for t in self.pooled) + new.size_bytes
        if old is not None:
            if old.hash in self.in_flight():
                return AddOutcome.REPLACEMENT_IN_FLIGHT
            if not (
                is_bump(old.tip_wei, new.tip_wei) and is_bump(old.max_fee_wei, new.max_fee_wei)
            ):
                return AddOutcome.REPLACEMENT_UNDERPRICED
            if size_bytes - old.size_bytes > limits.max_bytes:
                return AddOutcome.POOL_FULL
            self.pooled.remove(old)
            self.pooled.append(new)
            return AddOutcome.REPLACED
        if new.nonce - self.pending_nonce(new.sender) > limits.max_nonce_gap:
            return AddOutcome.NONCE_GAP_TOO_LARGE
        if len(self.of(new.sender)) >= limits.max_transactions_per_sender:
            return AddOutcome.SENDER_QUEUE_FULL
        is_full = len(self.pooled) >= limits.max_transactions or size_bytes > limits.max_bytes
        if is_full:
            victim = self.victim(new)
            if victim is None or size_bytes - victim.size_bytes > limits.max_bytes:
                return AddOutcome.POOL_FULL
            self.pooled.remove(victim)
        self.pooled.append(new)
        return AddOutcome.ACCEPTED

    def victim(self, new: PooledTransaction) -> PooledTransaction | None:
        in_flight = self.in_flight()
        idle = [t for t in self.pooled if t.hash not in in_flight]
        if self.limits.is_arrival_ordered or not idle:
            return None
        cheapest = min(reversed(idle), key=lambda t: t.tip_wei)
        if cheapest.tip_wei >= new.tip_wei or cheapest.sender == new.sender:
            return None
        tail = max(self.of(cheapest.sender), key=lambda t: t.nonce)
        return cheapest if tail.hash in in_flight else tail

    def take(
        self, base_fee_wei: int, gas_limit: int, max_bytes: int, max_count: int
    ) -> list[PooledTransaction]:
        in_flight = self.in_flight()
        taken: list[PooledTransaction] = []
        next_nonces: dict[Address, int] = {}
        for sender, nonce in self.nonces.items():
            while (t := self.at(sender, nonce)) is not None and t.hash in in_flight:
                nonce += 1
            next_nonces[sender] = nonce
        while len(taken) < max_count and gas_limit >= MIN_GAS:
            heads = [
                t
                for t in self.pooled
                if next_nonces.get(t.sender) == t.nonce
                and t.max_fee_wei >= base_fee_wei
                and t.hash not in in_flight
            ]
            if not heads:
                break
            best = max(heads, key=lambda t: self.price(t, base_fee_wei))
            if best.gas_limit > gas_limit or best.size_bytes > max_bytes:
                del next_nonces[best.sender]
                continue
            taken.append(best)
            gas_limit -= best.gas_limit
            max_bytes -= best.size_bytes
            next_nonces[best.sender] += 1
        return taken

    def price(self, t: PooledTransaction, base_fee_wei: int) -> int:
        is_free = self.limits.is_arrival_ordered
        return 0 if is_free else min(t.tip_wei, t.max_fee_wei - base_fee_wei)

    def drop_stale(self) -> None:
        self.pooled = [t for t in self.pooled if t.nonce >= self.nonces[t.sender]]


def is_bump(old_wei: int, new_wei: int) -> bool:
    return new_wei * 10 >= old_wei * 11 and new_wei > old_wei


class MempoolMachine(RuleBasedStateMachine):
    pool: Mempool
    model: Model

    @initialize(is_arrival_ordered=st.booleans())
    def start(self, is_arrival_ordered: bool) -> None:
        limits = PoolLimits(
            max_transactions=10,
            max_bytes=2_000,
            max_transactions_per_sender=6,
            max_nonce_gap=2,
            is_arrival_ordered=is_arrival_ordered,
        )
        self.pool, self.model = Mempool(limits), Model(limits)
        self.block_count = 0
        self.seen: list[PooledTransaction] = []

    @rule(
        sender=st.sampled_from(SENDERS),
        offset=st.sampled_from([0, 0, 0, 0, 0, -1, -2, 1, 2, 3]),  # mostly extends the queue
        tip_wei=st.integers(0, 30),
        premium_wei=st.integers(0, 40),
        gas_limit=st.sampled_from([21_000, 50_000, 200_000]),
        size_bytes=st.sampled_from([100, 100, 150, 700]),
    )
    def add(
        self,
        sender: Address,
        offset: int,
        tip_wei: int,
        premium_wei: int,
        gas_limit: int,
        size_bytes: int,
    ) -> None:
        nonce = max(0, self.model.pending_nonce(sender) + offset)
        max_fee_wei = tip_wei + premium_wei
        name = repr((sender, nonce, tip_wei, max_fee_wei, gas_limit, size_bytes)).encode()
        new = PooledTransaction(
            name, Hash32(name), sender, nonce, gas_limit, max_fee_wei, tip_wei, 0, size_bytes
        )
        self.seen.append(new)
        assert self.pool.add(new, self.model.nonces[sender]) is self.model.add(new)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def add_again(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from(self.seen))
        assert self.pool.add(known, self.model.nonces[known.sender]) is self.model.add(known)

    @rule(
        base_fee_wei=st.sampled_from([0, 5, 20]),
        gas_limit=st.sampled_from([20_000, 100_000, 10**9]),
        max_bytes=st.sampled_from([250, 10**6]),
        max_count=st.sampled_from([1, 3, 100]),
        is_proposed=st.booleans(),
    )
    def take(
        self, base_fee_wei: int, gas_limit: int, max_bytes: int, max_count: int, is_proposed: bool
    ) -> None:
        taken = self.pool.take(base_fee_wei, gas_limit, max_bytes, max_count)
        assert taken == self.model.take(base_fee_wei, gas_limit, max_bytes, max_count)
        if is_proposed:
            self.mark(t.hash for t in taken)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def foreign_proposal(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(self.seen), max_size=4, unique=True))
        self.mark(t.hash for t in chosen)

    def mark(self, hashes: Iterable[Hash32]) -> None:
        self.block_count += 1
        block = Digest(self.block_count.to_bytes(32, "big"))
        self.model.blocks[block] = list(hashes)
        self.pool.mark_in_flight(block, self.model.blocks[block])

    @precondition(lambda self: self.model.blocks)
    @rule(data=st.data())
    def drop_block(self, data: st.DataObject) -> None:
        block = data.draw(st.sampled_from(sorted(self.model.blocks)))
        self.pool.release(block)
        del self.model.blocks[block]

    @precondition(lambda self: self.model.blocks)
    @rule(data=st.data(), steps=st.lists(st.sampled_from([0, 0, 1, 2]), min_size=4, max_size=4))
    def commit_block(self, data: st.DataObject, steps: list[int]) -> None:
        block = data.draw(st.sampled_from(sorted(self.model.blocks)))
        members = self.model.blocks.pop(block)
        moved = {
            sender: self.model.nonces[sender] + step
            for sender, step in zip(SENDERS, steps, strict=True)
            if step > 0
        }
        self.model.nonces.update(moved)
        self.model.pooled = [t for t in self.model.pooled if t.hash not in members]
        self.model.drop_stale()
        self.pool.commit(block, moved)

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "model"):
            return
        status = self.pool.status()
        assert status.transaction_count == len(self.model.pooled)
        assert status.size_bytes == sum(t.size_bytes for t in self.model.pooled)
        assert status.in_flight_transaction_count == len(self.model.in_flight())
        for sender in SENDERS:
            expected = self.model.pending_nonce(sender) if self.model.of(sender) else None
            assert self.pool.pending_nonce(sender) == expected


MempoolMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, derandomize=True
)
TestMempoolMachine = MempoolMachine.TestCase
