"""L1's queue as this node sees it: what its leader proposes, and what others propose is held to.

A leader proposes entries that have been confirmed here for a while: a view of L1 runs a
little ahead on one node and behind on the next, and who sees an entry first would else
propose what the others have to wait for. A proposal with entries that came to nothing
makes the leader leave them out for a time, twice as long each time: where too many nodes
have lost their L1, deposits wait and the ledger goes on.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actors.validator.clients import L1View, PartUnavailable
from actors.waiting import wait_at_most
from bridge.state import BridgeState
from ledger.crossing import Message
from ledger.types import View

MAX_CACHED_ENTRIES: Final = 512
"""4 MiB of the longest entries, and four blocks full of them."""

MAX_HOLD_BACK_SECONDS: Final = 30.0


class NoL1View:
    """The :class:`~actors.validator.clients.L1View` of a network without L1: nothing, ever."""

    async def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """No entries."""
        return ()


@dataclass(frozen=True, slots=True)
class _Seen:
    message: Message
    since: float


class L1Desk:
    """Keeps the next entries of L1's queue, and compares those of proposals with L1.

    Parameters
    ----------
    state
        After the newest final block.
    delta_ms
        Δ of the network. L1 is looked at once in Δ, and when there is news; an entry is
        proposed when it is 2Δ old here.
    on_work
        Called when entries become available to a proposal.
    """

    def __init__(
        self, state: BridgeState, view: L1View, delta_ms: int, on_work: Callable[[], None]
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._state = state
        self._view = view
        self._interval_seconds = delta_ms / 1000
        self._on_work = on_work
        self._entries: tuple[_Seen, ...] = ()
        """Consecutive; the first may be behind the final ledger."""
        self._announced_nonce = 0
        self._wake = asyncio.Event()
        self._proposed_view: View | None = None
        self._held_until = 0.0
        self._next_hold_seconds = 4 * self._interval_seconds

    @property
    def seen_count(self) -> int:
        """Confirmed entries here that the final ledger does not have."""
        first = self._state.next_l1_nonce
        return sum(entry.message.nonce >= first for entry in self._entries)

    # FOR THE PROPOSER

    def available(self, first_nonce: int) -> tuple[Message, ...]:
        """Entries to propose, from a nonce on."""
        now = time.monotonic()
        if now < self._held_until:
            return ()
        return tuple(
            entry.message
            for entry in self._entries
            if entry.message.nonce >= first_nonce and self._is_old_enough(entry, now)
        )

    def proposed(self, view: View) -> None:
        """Note that this node's proposal of a view has entries."""
        self._proposed_view = view

    def nullified(self, view: View) -> None:
        """Note that a view has come to nothing."""
        if view != self._proposed_view:
            return
        self.rejected["own proposal with entries of L1 came to nothing"] += 1
        self._proposed_view = None
        self._held_until = time.monotonic() + self._next_hold_seconds
        self._next_hold_seconds = min(2 * self._next_hold_seconds, MAX_HOLD_BACK_SECONDS)

    def settle(self, state: BridgeState) -> None:
        """Forget what the final ledger holds."""
        has_news = state.next_l1_nonce > self._state.next_l1_nonce
        self._state = state
        if not has_news:
            return
        first = state.next_l1_nonce
        self._entries = tuple(entry for entry in self._entries if entry.message.nonce >= first)
        self._held_until = 0.0
        self._next_hold_seconds = 4 * self._interval_seconds
        self._wake.set()

    # FOR PROPOSALS OF OTHERS

    async def agrees(self, messages: tuple[Message, ...]) -> bool | None:
        """Whether entries are those of L1; None as long as L1 does not show all of them here."""
        known = {entry.message.nonce: entry.message for entry in self._entries}
        if all(known.get(message.nonce) == message for message in messages):
            return True
        try:
            seen = await self._view.messages(messages[0].nonce, len(messages))
        except PartUnavailable:
            return None
        if any(message != own for message, own in zip(messages, seen, strict=False)):
            return False
        return True if len(seen) >= len(messages) else None

    # LOOKING AT L1

    def notice(self) -> None:
        """L1 has news: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Look at L1 until cancelled; not at all in a network without one."""
        while self._state.l1_chain_id:
            self._wake.clear()
            await self._look()
            await wait_at_most(self._wake, self._interval_seconds)

    async def _look(self) -> None:
        first = self._state.next_l1_nonce
        try:
            messages = await self._view.messages(first, MAX_CACHED_ENTRIES)
        except PartUnavailable:
            self.rejected["L1 is away"] += 1
            return
        if not self._is_queue(messages, first):
            self.rejected["L1's entries are not in order"] += 1
            return
        now = time.monotonic()
        before = {entry.message: entry.since for entry in self._entries}
        self._entries = tuple(
            _Seen(message, before.get(message, now))
            for message in messages
            if message.nonce >= self._state.next_l1_nonce
        )
        self._announce(now)

    def _is_queue(self, messages: tuple[Message, ...], first: int) -> bool:
        is_in_order = all(
            (message.source_chain_id, message.nonce) == (self._state.l1_chain_id, nonce)
            for nonce, message in enumerate(messages, start=first)
        )
        return is_in_order and len(messages) <= MAX_CACHED_ENTRIES

    def _announce(self, now: float) -> None:
        """Wake the proposer for what it was not told of yet."""
        nonces = [entry.message.nonce for entry in self._entries if self._is_old_enough(entry, now)]
        newest = max(nonces, default=-1)
        if newest >= self._announced_nonce:
            self._announced_nonce = newest + 1
            self._on_work()

    def _is_old_enough(self, entry: _Seen, now: float) -> bool:
        return now - entry.since >= 2 * self._interval_seconds
