"""Which peers answer well: who was caught is named, and not asked for a while.

A lie and a silence differ. The first has a proof and costs the peer 30 s, doubled each
time up to an hour; the second may be the link's fault, costs seconds, and the next
good answer forgives it.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from actors.validator.errors import PeerMisbehaved, PeerSilent, UnaskedAnswer
from ledger.types import ValidatorIndex

DISTRUST_SECONDS: Final = 30.0
MAX_DISTRUST_SECONDS: Final = 3600.0
SILENCE_SECONDS: Final = 1.0
MAX_SILENCE_SECONDS: Final = 64.0
TOLERATED_UNASKED: Final = 8
MAX_NAMED: Final = 32
"""Of the latest misbehaviours, so many are told in full."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Standing:
    faults: Counter[str] = field(default_factory=Counter)
    lies: int = 0
    unasked: int = 0
    silences_in_a_row: int = 0
    demoted_until: float = 0.0


class PeerStandings:
    """What is held against each peer.

    Parameters
    ----------
    name_of
        Gives a peer's libp2p id.
    clock
        Seconds of a monotonic clock.
    """

    def __init__(
        self,
        peers: Iterable[ValidatorIndex],
        name_of: Callable[[ValidatorIndex], str],
        clock: Callable[[], float],
    ) -> None:
        self._standings = {peer: _Standing() for peer in peers}
        self._name_of = name_of
        self._clock = clock
        self._named: deque[dict[str, Any]] = deque(maxlen=MAX_NAMED)

    def caught(self, peer: ValidatorIndex, fault: PeerMisbehaved) -> None:
        """Hold a misbehaviour against a peer, and name it."""
        standing = self._standings[peer]
        kind = type(fault).__name__
        standing.faults[kind] += 1
        if isinstance(fault, PeerSilent):
            seconds = min(SILENCE_SECONDS * 2**standing.silences_in_a_row, MAX_SILENCE_SECONDS)
            standing.silences_in_a_row = min(standing.silences_in_a_row + 1, 32)
        else:
            seconds = min(DISTRUST_SECONDS * 2**standing.lies, MAX_DISTRUST_SECONDS)
            standing.lies = min(standing.lies + 1, 32)
        standing.demoted_until = max(standing.demoted_until, self._clock() + seconds)
        name = self._name_of(peer)
        self._named.append(
            {"validator": peer, "peer_id": name, "fault": kind, "reason": str(fault)}
        )
        count = standing.faults[kind]
        is_worth_a_line = count & (count - 1) == 0  # 1, 2, 4, …: a flood does not fill the disk.
        if is_worth_a_line:
            log.warning(
                "peer misbehaves",
                validator=peer,
                peer_id=name,
                fault=kind,
                times=count,
                reason=str(fault),
            )

    def unasked(self, peer: ValidatorIndex) -> None:
        """Note an answer to no question: one may come twice over a lost connection, not many."""
        standing = self._standings[peer]
        standing.unasked += 1
        if standing.unasked % TOLERATED_UNASKED == 0:
            self.caught(peer, UnaskedAnswer(f"{standing.unasked} by now"))

    def answered_well(self, peer: ValidatorIndex) -> None:
        """Forgive a peer's silences."""
        standing = self._standings[peer]
        if standing.silences_in_a_row:
            standing.silences_in_a_row = 0
            if not standing.lies:
                standing.demoted_until = 0.0

    def is_demoted(self, peer: ValidatorIndex) -> bool:
        """Whether a peer is not to be asked now if there is another one."""
        return self._standings[peer].demoted_until > self._clock()

    def best_of(self, peers: Iterable[ValidatorIndex]) -> list[ValidatorIndex]:
        """Those that are not demoted; if all are, the one whose time is over first."""
        candidates = list(peers)
        trusted = [peer for peer in candidates if not self.is_demoted(peer)]
        if trusted or not candidates:
            return trusted
        return [min(candidates, key=lambda peer: self._standings[peer].demoted_until)]

    def status(self) -> dict[str, Any]:
        """What is held against whom, ready for JSON."""
        return {
            "peers": {
                str(peer): self._status_of(peer, standing)
                for peer, standing in self._standings.items()
                if standing.faults
            },
            "latest": list(self._named),
        }

    def _status_of(self, peer: ValidatorIndex, standing: _Standing) -> Mapping[str, Any]:
        return {
            "peer_id": self._name_of(peer),
            "faults": dict(standing.faults),
            "is_demoted": self.is_demoted(peer),
        }
