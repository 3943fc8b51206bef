"""Which logs a caller wants: Ethereum's address and topic filter, with its bloom shortcut."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from execution.types import Address, Hash32, Log
from gateway.views import LocatedLog, StoredBlock
from ledger.hashing import keccak


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Logs of the blocks ``first_number`` to ``last_number``, both included.

    Empty ``addresses`` means any address. ``topics[i]`` lists what topic ``i``
    may be; an empty list means anything, but the topic has to exist.
    """

    first_number: int
    last_number: int
    addresses: frozenset[Address] = frozenset()
    topics: tuple[frozenset[Hash32], ...] = ()

    def matches(self, log: Log) -> bool:
        """Whether a log is wanted, its block aside."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(log.topics) < len(self.topics):
            return False
        return all(
            not wanted or topic in wanted
            for wanted, topic in zip(self.topics, log.topics, strict=False)
        )

    def may_match(self, logs_bloom: bytes) -> bool:
        """Whether a block with this 256-byte bloom can hold a wanted log."""
        bloom = int.from_bytes(logs_bloom, "big")
        groups = (self.addresses, *self.topics)
        return all(
            not group or any(bloom & mask == mask for mask in map(bloom_mask, group))
            for group in groups
        )


@lru_cache(maxsize=4096)
def bloom_mask(item: bytes) -> int:
    """The three bits that an address or a topic sets in a 2048-bit bloom (Yellow Paper, 4.3.1)."""
    digest = keccak(item)
    mask = 0
    for offset in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[offset : offset + 2], "big") & 2047)
    return mask


def select_logs(blocks: Iterable[StoredBlock], query: LogQuery) -> Iterator[LocatedLog]:
    """The wanted logs of blocks in order; blocks outside the query's range are left out."""
    for block in blocks:
        is_in_range = query.first_number <= block.number <= query.last_number
        if is_in_range and query.may_match(block.logs_bloom):
            yield from (log for log in block.located_logs() if query.matches(log.log))
