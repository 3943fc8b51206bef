"""Catching up on final blocks: in ranges, from several peers at a time.

A peer answers a :class:`HistoryRequest` with consecutive final blocks, headers that
lead on to a certified block, and its finalization. The chain of parent digests and
that one certificate prove them all, whatever lies below: so ranges may come from
different peers in any order, and each is judged when it comes. Who sends anything else
is named and not asked again soon (:mod:`actors.validator.peer_standing`).

All that is asked for is of the own epoch: only its set is known here. What follows is the
next node's. A follower has no validator in the epoch, hears of no finalization, and so
looks for new blocks all the time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

from actors.messages import (
    HistoryQuery,
    HistoryRequest,
    HistoryResponse,
    HistoryWindow,
)
from actors.transport.interface import Channel, Transport
from actors.validator.archive import Archive
from actors.validator.errors import (
    PeerMisbehaved,
    PeerSilent,
    UnknownParent,
    WrongBlocks,
    WrongRange,
)
from actors.validator.history_proof import open_blocks, prove
from actors.validator.peer_standing import PeerStandings
from actors.validator.range_plan import ProvenRange, RangePlan
from actors.waiting import wait_at_most
from bridge.errors import BlockRejected
from ledger.block import SealedBlock
from ledger.codec import encode
from ledger.types import Height, ValidatorIndex
from ledger.validators import ValidatorSet
from ledger.votes import Finalization

ANSWER_SECONDS: Final = 4.0
WINDOW_SECONDS: Final = 0.5
"""How often peers are asked which blocks they have, while some are missing here."""


HEARING_SECONDS: Final = 1.0
"""So long f+1 peers have time to say how far they are."""

SNAPSHOT_RETRY_SECONDS: Final = 600.0
"""After a snapshot could not be had, blocks are fetched for so long before the next try."""


class SnapshotSource(Protocol):
    """Where a snapshot comes from: :class:`actors.validator.snapshots.NodeSnapshots`."""

    def is_wanted(self, height: Height, target: Height) -> bool:
        """Whether so many blocks are missing that a snapshot is to be fetched instead."""
        ...

    async def fetch(self, height: Height) -> bool:
        """Fetch one of a later height; whether it has come and the node starts again from it."""
        ...


@dataclass(slots=True)
class _Stretch:
    """One time of being behind, for whoever watches."""

    first_height: int
    began_at: float
    ended_at: float | None = None


class History:
    """Backfill of one validator.

    Parameters
    ----------
    on_blocks
        Takes proven blocks of a peer, oldest first, with a finalization that covers the last one.
        They extend the own final ledger.
    snapshots
        Asked for a snapshot when too many blocks are missing.
    is_follower
        Whether the node has no validator.
    """

    def __init__(
        self,
        archive: Archive,
        validators: ValidatorSet,
        transport: Transport,
        standings: PeerStandings,
        peers: list[ValidatorIndex],
        on_blocks: Callable[[ValidatorIndex, list[SealedBlock], Finalization], None],
        random: Random,
        snapshots: SnapshotSource,
        is_follower: bool = False,
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self.fetched_blocks = 0
        self._archive = archive
        self._validators = validators
        self._transport = transport
        self._standings = standings
        self._peers = peers
        self._on_blocks = on_blocks
        self._random = random
        self._snapshots = snapshots
        self._next_snapshot_at = 0.0
        self._is_follower = is_follower
        self._plan = RangePlan(peers)
        self._windows: dict[ValidatorIndex, HistoryWindow] = {}
        self._queried_at: float | None = None
        self._stretch: _Stretch | None = None
        self._is_behind = asyncio.Event()
        self._news = asyncio.Event()

    # WHAT THE NODE SAYS

    def request(self) -> None:
        """Note that final blocks are missing here."""
        if not self._is_behind.is_set():
            self._stretch = _Stretch(self._archive.height, asyncio.get_running_loop().time())
            self._queried_at = None
            self._is_behind.set()

    def settled(self) -> None:
        """Note that none is missing any more."""
        if self._is_behind.is_set() and not self._is_follower:
            self._is_behind.clear()
            self._plan.clear()
            if self._stretch is not None:
                self._stretch.ended_at = asyncio.get_running_loop().time()

    def status(self) -> dict[str, Any]:
        """How far catching up is, ready for JSON."""
        seconds, blocks = 0.0, 0
        if self._stretch is not None:
            now = asyncio.get_running_loop().time()
            ended_at = now if self._stretch.ended_at is None else self._stretch.ended_at
            seconds = ended_at - self._stretch.began_at
            blocks = self._archive.height - self._stretch.first_height
        is_behind = self._is_behind.is_set()
        return {
            "is_behind": is_behind,
            "target_height": self.target_height() if is_behind else None,
            "ranges_asked": self._plan.asked_count,
            "ranges_waiting": self._plan.ready_count,
            "fetched_blocks": self.fetched_blocks,
            "blocks_per_second": round(blocks / seconds, 1) if is_behind and seconds else None,
        }

    def target_height(self) -> Height | None:
        """A height that at least one honest peer says it has: f may lie about theirs."""
        tolerated = self._validators.count - self._validators.quorum
        heights = sorted((window.newest_height for window in self._windows.values()), reverse=True)
        return heights[tolerated] if len(heights) > tolerated else None

    # FETCHING

    async def run(self) -> None:
        """Fetch while blocks are missing, until cancelled."""
        if self._is_follower:
            self.request()
        while True:
            await self._is_behind.wait()
            if not self._peers:
                return
            self._news.clear()
            self._expire()
            self._query_windows()
            if self._hears_peers_still():
                await self._wait_for_news()
                continue
            if await self._is_replaced_by_snapshot():
                return
            self._send_requests()
            if self._adopt_next():
                await asyncio.sleep(0)  # Votes and other peers' answers have their turn in between.
            else:
                await self._wait_for_news()

    def _hears_peers_still(self) -> bool:
        """Whether too few have said how far they are to decide on a snapshot, and may yet."""
        assert self._stretch is not None
        is_early = asyncio.get_running_loop().time() < self._stretch.began_at + HEARING_SECONDS
        return is_early and self.target_height() is None

    async def _is_replaced_by_snapshot(self) -> bool:
        """Whether a snapshot has come in place of too many blocks; the node starts again then."""
        target = self.target_height()
        now = asyncio.get_running_loop().time()
        if target is None or now < self._next_snapshot_at:
            return False
        if not self._snapshots.is_wanted(self._archive.height, target):
            return False
        has_come = await self._snapshots.fetch(self._archive.height)
        self._next_snapshot_at = asyncio.get_running_loop().time() + SNAPSHOT_RETRY_SECONDS
        return has_come

    async def _wait_for_news(self) -> None:
        deadline = self._plan.next_deadline()
        now = asyncio.get_running_loop().time()
        seconds = WINDOW_SECONDS if deadline is None else min(WINDOW_SECONDS, deadline - now)
        await wait_at_most(self._news, seconds)

    def _expire(self) -> None:
        overdue = self._plan.expire(asyncio.get_running_loop().time())
        statuses = self._transport.status().peers if overdue else {}
        for peer, wanted in overdue:
            if statuses[peer].is_connected:
                self._standings.caught(
                    peer, PeerSilent(f"blocks {wanted.first} to {wanted.last} did not come")
                )

    def _query_windows(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._queried_at is None or now >= self._queried_at + WINDOW_SECONDS:
            self._queried_at = now
            query = HistoryQuery(self._validators.epoch)
            for peer in self._peers:
                self._transport.send(peer, Channel.BACKFILL, encode(query))

    def _send_requests(self) -> None:
        statuses = self._transport.status().peers
        candidates = [
            peer for peer in self._peers if peer in self._windows and statuses[peer].is_connected
        ]
        self._random.shuffle(candidates)
        able = {peer: self._windows[peer] for peer in self._standings.best_of(candidates)}
        deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
        next_height = Height(self._archive.height + 1)
        while (found := self._plan.next_request(next_height, able)) is not None:
            peer, wanted = found
            self._plan.asked(peer, wanted, deadline)
            request = HistoryRequest(wanted.first, wanted.last)
            self._transport.send(peer, Channel.BACKFILL, encode(request))

    def _adopt_next(self) -> bool:
        """Hand the next range on, if it is here; gives whether there was one."""
        proven = self._plan.take(Height(self._archive.height + 1))
        if proven is None:
            return False
        blocks = [block for block in proven.blocks if block.header.height > self._archive.height]
        try:
            self._on_blocks(proven.peer, blocks, proven.finalization)
        except (BlockRejected, UnknownParent) as error:
            self._caught(proven.peer, WrongBlocks(f"{type(error).__name__}: {error}"))
        else:
            self.fetched_blocks += len(blocks)
        return True

    # WHAT COMES

    def owes(self, peer: ValidatorIndex) -> bool:
        """Whether blocks of the peer may come."""
        return self._plan.owes(peer)

    def take(self, peer: ValidatorIndex, response: HistoryResponse) -> None:
        """Take a peer's answer."""
        try:
            proven = self._prove(peer, response)
        except PeerMisbehaved as error:
            self._caught(peer, error)
            return
        if proven is not None:
            self._standings.answered_well(peer)
            if self._is_behind.is_set():
                self._plan.keep(proven)
                self._news.set()

    def take_window(self, peer: ValidatorIndex, window: HistoryWindow) -> None:
        """Take what a peer says it has."""
        self._windows[peer] = window
        self._news.set()

    def give_up_on(self, peer: ValidatorIndex) -> None:
        """Ask others for what a peer owes: it was caught at something else."""
        self._plan.give_up(peer)
        self._news.set()

    def _prove(self, peer: ValidatorIndex, response: HistoryResponse) -> ProvenRange | None:
        blocks = open_blocks(response)
        first = blocks[0].header.height
        asked = self._plan.answered(peer, first)
        if asked is None:
            void = self._plan.give_up(peer)
            if void:
                raise WrongRange(f"blocks from {first} on, expected from {void[0].first} on")
            self._count_unasked(peer)
            return None
        if asked.last <= self._archive.height:
            return None  # A late answer to a request that another peer has answered.
        prove(blocks, response, asked, self._validators)
        return ProvenRange(peer, blocks, response.finalization)

    def _count_unasked(self, peer: ValidatorIndex) -> None:
        self.rejected["history that nobody asked for"] += 1
        self._standings.unasked(peer)

    def _caught(self, peer: ValidatorIndex, fault: PeerMisbehaved) -> None:
        self.rejected[f"bad history: {type(fault).__name__}"] += 1
        self._standings.caught(peer, fault)
        self._plan.give_up(peer)
        self._news.set()
