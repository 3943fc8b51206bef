"""Whose votes are worth a look: a peer that breaks the protocol over and over is not heard.

A wrong signature costs its sender nothing and a validator a tenth of a millisecond, so that a
flood of them could keep it from its own votes. No honest peer is ever named for a fault, and n−f
honest validators need nobody else: deafness to the others costs no progress.
"""

from dataclasses import dataclass
from typing import Final

from ledger.types import ValidatorIndex

MAX_FAULTS_PER_WINDOW: Final = 32
WINDOW_MS: Final = 1_000


@dataclass(slots=True)
class _Window:
    """Faults of one peer since a moment."""

    began_ms: int
    faults: int


class Patience:
    """Counts faults by peer; a peer with too many in a window is not heard until its end."""

    def __init__(self) -> None:
        self._windows: dict[ValidatorIndex, _Window] = {}

    def note_fault(self, peer: ValidatorIndex, now_ms: int) -> None:
        """Count a fault of a peer, which the transport has authenticated."""
        window = self._windows.get(peer)
        if window is None or now_ms >= window.began_ms + WINDOW_MS:
            window = self._windows[peer] = _Window(now_ms, 0)
        window.faults += 1

    def is_exhausted(self, peer: ValidatorIndex, now_ms: int) -> bool:
        """Whether a peer's messages are to be dropped for now."""
        window = self._windows.get(peer)
        is_over = window is None or now_ms >= window.began_ms + WINDOW_MS
        return not is_over and window is not None and window.faults >= MAX_FAULTS_PER_WINDOW
