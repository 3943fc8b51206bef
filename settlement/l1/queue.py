"""The confirmed part of L1's queue: pure."""

from collections.abc import Iterable
from typing import Final

from bridge.outbox import message_leaf
from execution.types import ZERO_HASH, Hash32
from ledger.crossing import Message
from ledger.hashing import keccak
from settlement.errors import MalformedAnswer

MAX_MESSAGES_GIVEN: Final = 1024


def next_queue_hash(before: Hash32, message: Message) -> Hash32:
    """Hash of the queue after one more entry (docs/settlement.md)."""
    return Hash32(keccak(before + keccak(message_leaf(message))))


class ConfirmedQueue:
    """Entries in order from nonce 0, with the hash after each."""

    def __init__(self) -> None:
        self._first_kept = 0
        self._messages: list[Message] = []
        self._hashes: list[Hash32] = [ZERO_HASH]
        self._count_by_hash: dict[Hash32, int] = {ZERO_HASH: 0}

    @property
    def length(self) -> int:
        """How many entries there are."""
        return len(self._hashes) - 1

    @property
    def head_hash(self) -> Hash32:
        """Hash after the last entry."""
        return self._hashes[-1]

    def extended(self, messages: Iterable[Message]) -> list[tuple[Message, Hash32]]:
        """What appending entries would give; appends nothing.

        Raises
        ------
        MalformedAnswer
            If they are not the next ones.
        """
        result: list[tuple[Message, Hash32]] = []
        chain = self.head_hash
        for nonce, message in enumerate(messages, start=self.length):
            if message.nonce != nonce:
                raise MalformedAnswer(f"queue entry {message.nonce}, expected {nonce}")
            chain = next_queue_hash(chain, message)
            result.append((message, chain))
        return result

    def append(self, entries: Iterable[tuple[Message, Hash32]]) -> None:
        """Append what :meth:`extended` gave."""
        for message, chain in entries:
            self._messages.append(message)
            self._hashes.append(chain)
            self._count_by_hash[chain] = self.length

    def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Entries from a nonce on, at most ``limit``.

        Raises
        ------
        ValueError
            If some of them were forgotten.
        """
        if first_nonce < self._first_kept:
            raise ValueError(f"entries before {self._first_kept} were forgotten")
        start = first_nonce - self._first_kept
        return tuple(self._messages[start : start + min(limit, MAX_MESSAGES_GIVEN)])

    def forget_before(self, nonce: int) -> None:
        """Drop entries that nobody will ask for any more; their hashes stay."""
        drop = max(0, min(nonce, self.length) - self._first_kept)
        del self._messages[:drop]
        self._first_kept += drop

    def count_with_hash(self, chain: Hash32) -> int | None:
        """After how many entries the queue has this hash; ``None`` for never."""
        return self._count_by_hash.get(chain)
