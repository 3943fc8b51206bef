"""The watcher against an L1 that lies about its queue, or refuses to tell all at once."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from eth_abi.abi import encode

from execution.types import ZERO_HASH, Address, Hash32
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import ChainId, EvmAddress
from settlement import rollup
from settlement.errors import DeepReorg, MalformedAnswer, QueueMismatch, TooManyResults
from settlement.l1.answers import BlockHead, L1Log
from settlement.l1.queue import ConfirmedQueue, next_queue_hash
from settlement.l1.watcher import L1Watcher, WatcherSettings

ROLLUP = Address(b"\x42" * 20)
L1 = ChainId(271_800)


def message(nonce: int) -> Message:
    sender = EvmAddress(b"\x07" * 20)
    return Message(L1, nonce, sender, EvmAddress(b"\x08" * 20), nonce + 1, 100_000, b"x" * nonce)


def hash_after(count: int) -> Hash32:
    chain = ZERO_HASH
    for nonce in range(count):
        chain = next_queue_hash(chain, message(nonce))
    return chain


def enqueued(nonce: int, block: int) -> L1Log:
    entry = message(nonce)
    topics = (
        rollup.ENQUEUED,
        Hash32(nonce.to_bytes(32, "big")),
        Hash32(bytes(12) + entry.sender),
        Hash32(bytes(12) + entry.target),
    )
    data = encode(("uint256", "uint256", "bytes"), (entry.value_wei, entry.gas_limit, entry.data))
    return L1Log(ROLLUP, topics, data, block, Hash32(bytes(32)), nonce)


@dataclass
class FakeClient:
    """The reads that a watcher makes, of an L1 with one queue entry in each tenth block."""

    head_number: int = 100
    entries: int = 5
    most_blocks: int = 1_000
    asked: list[tuple[int, int]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    fork: str = ""

    async def block_number(self) -> int:
        return self.head_number

    async def head(self, number: int | None = None) -> BlockHead | None:
        assert number is not None
        name = Hash32(keccak(f"{self.fork}{number}".encode()))
        return BlockHead(number, name, ZERO_HASH, number, 0)

    async def logs(self, contract: Address, topics: Any, first: int, last: int) -> Any:
        self.asked.append((first, last))
        if last - first + 1 > self.most_blocks:
            raise TooManyResults(-32005, "query returned more than 10000 results")
        return tuple(
            enqueued(nonce, 10 * (nonce + 1))
            for nonce in range(self.entries)
            if first <= 10 * (nonce + 1) <= last and nonce not in self.hidden
        )

    async def call(self, to: Address, call_data: bytes, at: int | None = None) -> bytes:
        if call_data == rollup.QUEUE_LENGTH_CALL:
            limit = self.head_number if at is None else at
            length = sum(1 for nonce in range(self.entries) if 10 * (nonce + 1) <= limit)
            return length.to_bytes(32, "big")
        return hash_after(int.from_bytes(call_data[4:], "big"))


def watcher_of(client: FakeClient, **changes: Any) -> L1Watcher:
    settings = replace(WatcherSettings(ROLLUP, L1, 1, confirmations=4), **changes)
    return L1Watcher(client, settings)  # type: ignore[arg-type]  # the reads it makes


async def test_entries_are_given_out_in_order_once_confirmed() -> None:
    client = FakeClient(head_number=32)
    watcher = watcher_of(client)
    await watcher.poll()
    assert watcher.messages(0, 10) == (message(0), message(1))
    client.head_number = 33
    await watcher.poll()
    assert watcher.messages(1, 1) == (message(1),)
    assert watcher.messages(0, 10) == (message(0), message(1), message(2))
    assert watcher.queue.count_with_hash(hash_after(3)) == 3
    assert watcher.queue.count_with_hash(hash_after(4)) is None


async def test_nothing_is_read_before_the_rollup_has_its_confirmations() -> None:
    watcher = watcher_of(FakeClient(head_number=50), start_block=49)
    await watcher.poll()
    assert watcher.read_up_to == 48


async def test_ranges_are_bounded_and_shrink_when_l1_asks_for_it() -> None:
    client = FakeClient(most_blocks=20)
    watcher = watcher_of(client, range_blocks=64)
    await watcher.poll()
    assert watcher.is_caught_up
    assert len(watcher.messages(0, 10)) == 5
    assert client.asked[:3] == [(1, 64), (1, 32), (1, 16)]


async def test_one_block_with_too_many_logs_is_an_error() -> None:
    with pytest.raises(TooManyResults):
        await watcher_of(FakeClient(most_blocks=0)).poll()


async def test_an_entry_left_out_is_noticed() -> None:
    with pytest.raises(MalformedAnswer, match="queue entry 3, expected 2"):
        await watcher_of(FakeClient(hidden={2})).poll()


async def test_the_last_entry_left_out_is_noticed() -> None:
    with pytest.raises(MalformedAnswer, match="4 queue entries, the contract has 5"):
        await watcher_of(FakeClient(hidden={4})).poll()


async def test_a_changed_entry_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = watcher_of(FakeClient())
    monkeypatch.setattr(rollup, "decode_enqueued", _with_more_value)
    with pytest.raises(QueueMismatch, match="after 5 entries"):
        await watcher.poll()
    assert watcher.messages(0, 10) == ()


def _with_more_value(log: L1Log, chain_id: ChainId) -> Message:
    nonce = int.from_bytes(log.topics[1], "big")
    return replace(message(nonce), value_wei=10**18)


async def test_a_reorg_below_what_was_read_is_an_alarm() -> None:
    client = FakeClient()
    watcher = watcher_of(client)
    await watcher.poll()
    client.fork = "other"
    client.head_number += 1
    with pytest.raises(DeepReorg, match="L1 block 97 was confirmed"):
        await watcher.poll()


def test_forgotten_messages_are_not_given_out_again() -> None:
    queue = ConfirmedQueue()
    queue.append(queue.extended(message(nonce) for nonce in range(5)))
    queue.forget_before(3)
    assert queue.messages(3, 10) == (message(3), message(4))
    with pytest.raises(ValueError, match="forgotten"):
        queue.messages(2, 1)
    assert queue.count_with_hash(hash_after(2)) == 2
    assert queue.length == 5
