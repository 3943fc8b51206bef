"""Which peer is asked for which heights while this node is behind: plain data, no clock.

The next ``WINDOW_BLOCKS`` heights are fetched in ranges from several peers at a time. What
came waits until everything before it is adopted, so memory is bounded by the window.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from actors.messages import MAX_REQUESTED_BLOCKS, HistoryWindow
from ledger.block import SealedBlock
from ledger.types import Height, ValidatorIndex
from ledger.votes import Finalization

WINDOW_RANGES: Final = 8
WINDOW_BLOCKS: Final = WINDOW_RANGES * MAX_REQUESTED_BLOCKS
MAX_ASKED_PER_PEER: Final = 2
MAX_LATE_PER_PEER: Final = 16


@dataclass(frozen=True, slots=True)
class HeightRange:
    """Heights from ``first`` to ``last``, both included."""

    first: Height
    last: Height


@dataclass(frozen=True, slots=True)
class ProvenRange:
    """Consecutive blocks of a peer's answer, and the certificate that proves them."""

    peer: ValidatorIndex
    blocks: tuple[SealedBlock, ...]
    finalization: Finalization

    @property
    def first(self) -> Height:
        """Height of the first block."""
        return self.blocks[0].header.height

    @property
    def last(self) -> Height:
        """Height of the last block."""
        return self.blocks[-1].header.height


@dataclass(slots=True)
class _Asked:
    """What one peer owes: open requests with their deadlines, and those that it was late for."""

    open: dict[HeightRange, float] = field(default_factory=dict)
    late: list[HeightRange] = field(default_factory=list)


class RangePlan:
    """Ranges that are asked for, and those that have come and wait for earlier ones."""

    def __init__(self, peers: Iterable[ValidatorIndex]) -> None:
        self._asked = {peer: _Asked() for peer in peers}
        self._ready: dict[Height, ProvenRange] = {}

    @property
    def ready_count(self) -> int:
        """Ranges that wait for earlier ones."""
        return len(self._ready)

    @property
    def asked_count(self) -> int:
        """Requests whose answer is due."""
        return sum(len(asked.open) for asked in self._asked.values())

    def next_deadline(self) -> float | None:
        """When the next request is overdue."""
        return min(
            (deadline for asked in self._asked.values() for deadline in asked.open.values()),
            default=None,
        )

    def owes(self, peer: ValidatorIndex) -> bool:
        """Whether an answer of the peer may come."""
        asked = self._asked[peer]
        return bool(asked.open or asked.late)

    def next_request(
        self, next_height: Height, windows: Mapping[ValidatorIndex, HistoryWindow]
    ) -> tuple[ValidatorIndex, HeightRange] | None:
        """A peer, and the first range that nobody is asked for and that it says it has.

        Parameters
        ----------
        windows
            What each peer that may be asked says it has, the peer to prefer first.
        """
        for gap in self._gaps(next_height):
            able = [
                peer
                for peer, window in windows.items()
                if window.oldest_height <= gap.first <= window.newest_height
                and len(self._asked[peer].open) < MAX_ASKED_PER_PEER
            ]
            if able:
                peer = min(able, key=lambda peer: len(self._asked[peer].open))
                newest = windows[peer].newest_height
                return peer, HeightRange(gap.first, Height(min(gap.last, newest)))
        return None

    def asked(self, peer: ValidatorIndex, wanted: HeightRange, deadline: float) -> None:
        """Note a request."""
        self._asked[peer].open[wanted] = deadline

    def expire(self, now: float) -> list[tuple[ValidatorIndex, HeightRange]]:
        """Requests that are overdue; others may be asked now, and a late answer is still taken."""
        overdue = [
            (peer, wanted)
            for peer, asked in self._asked.items()
            for wanted, deadline in asked.open.items()
            if deadline <= now
        ]
        for peer, wanted in overdue:
            self._make_late(peer, wanted)
        return overdue

    def answered(self, peer: ValidatorIndex, first: Height) -> HeightRange | None:
        """Take a peer's request that starts at a height off the list; None if there is none."""
        asked = self._asked[peer]
        for wanted in asked.open:
            if wanted.first == first:
                del asked.open[wanted]
                return wanted
        for wanted in asked.late:
            if wanted.first == first:
                asked.late.remove(wanted)
                return wanted
        return None

    def give_up(self, peer: ValidatorIndex) -> list[HeightRange]:
        """Ask others for what a peer is asked for; gives what that is."""
        wanted = list(self._asked[peer].open)
        for one in wanted:
            self._make_late(peer, one)
        return wanted

    def keep(self, proven: ProvenRange) -> None:
        """Keep an answer until its turn comes; the longer one of two for the same height."""
        known = self._ready.get(proven.first)
        if known is None or known.last < proven.last:
            self._ready[proven.first] = proven

    def take(self, next_height: Height) -> ProvenRange | None:
        """The answer that holds a height, if it has come; forgets those that are of no use."""
        for first in [first for first, held in self._ready.items() if held.last < next_height]:
            del self._ready[first]
        for first, held in self._ready.items():
            if first <= next_height:
                del self._ready[first]
                return held
        return None

    def clear(self) -> None:
        """Nothing is missing any more."""
        self._ready.clear()
        for peer in self._asked:
            self.give_up(peer)

    def _make_late(self, peer: ValidatorIndex, wanted: HeightRange) -> None:
        asked = self._asked[peer]
        del asked.open[wanted]
        asked.late.append(wanted)
        del asked.late[:-MAX_LATE_PER_PEER]

    def _gaps(self, next_height: Height) -> list[HeightRange]:
        """Ranges of the window that nobody is asked for and that have not come."""
        covered = sorted(
            [(held.first, held.last) for held in self._ready.values()]
            + [(wanted.first, wanted.last) for one in self._asked.values() for wanted in one.open]
        )
        end = next_height + WINDOW_BLOCKS
        covered.append((Height(end), Height(end)))
        gaps: list[HeightRange] = []
        height: int = next_height
        for first, last in covered:
            while height < min(first, end):
                gap_last = min(height + MAX_REQUESTED_BLOCKS, first, end) - 1
                gaps.append(HeightRange(Height(height), Height(gap_last)))
                height = gap_last + 1
            height = max(height, last + 1)
        return gaps
