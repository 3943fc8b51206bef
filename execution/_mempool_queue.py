"""One sender's transactions, by nonce.

Three nonces divide a queue::

    account_nonce   ready_nonce      pending_nonce
         |  in flight    |   executable    |   gap   | waiting behind the gap

``ready_nonce`` is the first one that is not in an in-flight block: if the
queue has a transaction there, it is the queue's head.
"""

from collections.abc import Container
from dataclasses import dataclass, field

from execution._mempool_types import PooledTransaction
from execution.types import Hash32

Entry = tuple[int, int, PooledTransaction]
"""Priority (smaller goes first), arrival number, transaction: in the order of a heap."""


@dataclass(slots=True, eq=False)
class SenderQueue:
    """See the module; ``entries`` maps nonce to entry."""

    account_nonce: int
    ready_nonce: int
    pending_nonce: int
    entries: dict[int, Entry] = field(default_factory=dict)
    head: Entry | None = None

    def insert(self, entry: Entry) -> None:
        """Add or replace the entry of a nonce."""
        nonce = entry[2].nonce
        self.entries[nonce] = entry
        if nonce == self.pending_nonce:
            self._advance_pending()

    def discard(self, nonce: int) -> None:
        """Remove the entry of a nonce, which leaves a gap there; :meth:`settle` has to follow."""
        del self.entries[nonce]
        self.pending_nonce = min(self.pending_nonce, nonce)
        self.ready_nonce = min(self.ready_nonce, nonce)

    def stale_entries(self, account_nonce: int) -> list[Entry]:
        """Entries with nonces below ``account_nonce``."""
        if account_nonce - self.account_nonce < len(self.entries):
            nonces = range(self.account_nonce, account_nonce)
            return [self.entries[nonce] for nonce in nonces if nonce in self.entries]
        return [entry for nonce, entry in self.entries.items() if nonce < account_nonce]

    def settle(self, account_nonce: int, in_flight: Container[Hash32]) -> bool:
        """Bring the three nonces and the head up to date; True if there is a new head."""
        self.account_nonce = account_nonce
        self.pending_nonce = max(self.pending_nonce, account_nonce)
        self._advance_pending()
        nonce = max(self.ready_nonce, account_nonce)
        entries = self.entries
        while (entry := entries.get(nonce)) is not None and entry[2].hash in in_flight:
            nonce += 1
        self.ready_nonce = nonce
        is_new_head = entry is not None and entry is not self.head
        self.head = entry
        return is_new_head

    def tail(self) -> Entry:
        """The entry with the highest nonce."""
        is_without_gap = self.pending_nonce - self.account_nonce == len(self.entries)
        return self.entries[self.pending_nonce - 1 if is_without_gap else max(self.entries)]

    def _advance_pending(self) -> None:
        nonce = self.pending_nonce
        while nonce in self.entries:
            nonce += 1
        self.pending_nonce = nonce
