"""Cost per transaction of every mempool operation, in a pool that is already full of others.

Run ``python benchmarks/mempool.py``; the limit for adding and taking is 5 µs.
"""

import gc
from random import Random
from statistics import median
from time import thread_time_ns

from execution.mempool import Mempool, PooledTransaction, PoolLimits
from execution.types import Address, Hash32
from ledger.types import Digest

LIMIT_MICROSECONDS = 5.0
BLOCK_SIZE = 1_000
BLOCKS = 40
BASE_FEE_WEI = 100
RESTING = 20_000


def make(random: Random, sender: Address, nonce: int, tip_wei: int) -> PooledTransaction:
    """A transfer with a random hash."""
    return PooledTransaction(
        raw=b"",
        hash=Hash32(random.randbytes(32)),
        sender=sender,
        nonce=nonce,
        gas_limit=21_000,
        max_fee_wei=tip_wei + BASE_FEE_WEI,
        tip_wei=tip_wei,
        value_wei=1,
        size_bytes=110,
    )


def measure(sender_count: int, is_arrival_ordered: bool) -> dict[str, float]:
    """Microseconds of CPU per transaction, the median over the blocks."""
    random = Random(1)
    limits = PoolLimits(max_transactions=100_000, is_arrival_ordered=is_arrival_ordered)
    pool = Mempool(limits)
    senders = [Address(random.randbytes(20)) for _ in range(sender_count)]
    nonces = dict.fromkeys(senders, 0)
    committed = dict.fromkeys(senders, 0)

    def fresh(count: int) -> list[PooledTransaction]:
        made = []
        for _ in range(count):
            sender = random.choice(senders)
            made.append(make(random, sender, nonces[sender], random.randrange(1_000)))
            nonces[sender] += 1
        return made

    for transaction in fresh(RESTING):
        pool.add(transaction, committed[transaction.sender])
    spent_ns: dict[str, list[int]] = {"add": [], "take": [], "mark": [], "commit": []}
    gc.collect()
    for number in range(BLOCKS):
        block = Digest(number.to_bytes(32, "big"))
        arriving = fresh(BLOCK_SIZE)

        start = thread_time_ns()
        for transaction in arriving:
            pool.add(transaction, committed[transaction.sender])
        added = thread_time_ns()
        taken = pool.take(BASE_FEE_WEI, 21_000 * BLOCK_SIZE, 2**21, BLOCK_SIZE)
        chosen = thread_time_ns()
        pool.mark_in_flight(block, [transaction.hash for transaction in taken])
        marked = thread_time_ns()
        assert len(taken) == BLOCK_SIZE
        moved = {transaction.sender: transaction.nonce + 1 for transaction in taken}
        committed.update(moved)
        before_commit = thread_time_ns()
        pool.commit(block, moved)
        end = thread_time_ns()

        spent_ns["add"].append(added - start)
        spent_ns["take"].append(chosen - added)
        spent_ns["mark"].append(marked - chosen)
        spent_ns["commit"].append(end - before_commit)
    return {name: median(values) / BLOCK_SIZE / 1_000 for name, values in spent_ns.items()}


def main() -> None:
    """Print one row per shape of the pool."""
    print(f"µs of CPU per transaction, blocks of {BLOCK_SIZE}, {RESTING} waiting", end="; ")
    print(f"limit {LIMIT_MICROSECONDS} for add and for take")
    print(f"{'senders':>8} {'order':>8} {'add':>6} {'take':>6} {'mark':>6} {'commit':>6}")
    for is_arrival_ordered in (False, True):
        for sender_count in (10, 1_000, 10_000):
            row = measure(sender_count, is_arrival_ordered)
            order = "arrival" if is_arrival_ordered else "tip"
            figures = " ".join(f"{value:6.2f}" for value in row.values())
            print(f"{sender_count:>8} {order:>8} {figures}")


if __name__ == "__main__":
    main()
