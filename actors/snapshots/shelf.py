"""The snapshots that a node keeps: which heights, which states belong to them, what is on disk.

A snapshot is due at every multiple of the spacing. The states that belong to it are those after
each chain's first block behind the height. Executors put copies of them into ``<height>/zk``
and ``<height>/fast`` when these blocks become final; chunks are made only when a peer asks, and
both chains have checkpoints of these blocks or later ones.
"""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.snapshots.files import SnapshotFiles
from bridge.state import BridgeState
from ledger.types import BlockNumber, ChainRole, Height

MAX_KEPT: Final = 3
"""Copies: the newest may have no checkpoint yet, and peers may have made an older one."""

MADE: Final = "made"


@dataclass(frozen=True, slots=True)
class SnapshotPlan:
    """A height, and the chains' blocks after which states are kept for its snapshot."""

    height: Height
    numbers: dict[ChainRole, BlockNumber]


def plan_for(state: BridgeState) -> SnapshotPlan:
    """The snapshot of the height that a state is of."""
    numbers = {role: BlockNumber(state.chain(role).number + 1) for role in ChainRole}
    return SnapshotPlan(state.height, numbers)


class SnapshotShelf:
    """One node's folder of snapshots.

    Parameters
    ----------
    spacing_blocks
        Ledger blocks between two of them; 0 for none at all.
    """

    def __init__(self, root: Path, spacing_blocks: int) -> None:
        self.root = root
        self.spacing_blocks = spacing_blocks
        self._plans: dict[Height, SnapshotPlan] = {}

    def is_due(self, height: int) -> bool:
        """Whether a snapshot of this height is kept."""
        return self.spacing_blocks > 0 and height % self.spacing_blocks == 0

    def last_due(self, height: int) -> Height | None:
        """The newest height up to this one of which a snapshot is kept."""
        if self.spacing_blocks <= 0 or height < self.spacing_blocks:
            return None
        return Height(height - height % self.spacing_blocks)

    def add(self, state: BridgeState) -> None:
        """Plan the snapshot of a state's height, and forget what is too old."""
        self._plans[state.height] = plan_for(state)
        while len(self._plans) > MAX_KEPT:
            del self._plans[min(self._plans)]
        for height in self.heights():
            if height not in self._plans:
                for role in ChainRole:
                    shutil.rmtree(self.state_of(height, role), ignore_errors=True)
                with contextlib.suppress(OSError):  # Chunks that are served stay.
                    (self.root / str(height)).rmdir()

    def height_for(self, role: ChainRole, number: int) -> Height | None:
        """Height of the snapshot that the state after a chain's block belongs to."""
        for plan in self._plans.values():
            if plan.numbers[role] == number:
                return plan.height
        return None

    def is_planned(self, height: Height) -> bool:
        """Whether copies for a height are kept, or will be."""
        return height in self._plans

    def executed(self) -> list[SnapshotPlan]:
        """Plans whose states are both on disk, the newest first."""
        return [
            plan
            for height, plan in sorted(self._plans.items(), reverse=True)
            if all(self.state_of(height, role).exists() for role in ChainRole)
        ]

    def state_of(self, height: Height, role: ChainRole) -> Path:
        """Folder of the copy of a chain's state."""
        return self.root / str(height) / role.name.lower()

    def files(self, height: Height) -> SnapshotFiles:
        """The chunks that were made of a snapshot."""
        return SnapshotFiles(self.root / str(height) / MADE)

    def heights(self) -> list[Height]:
        """Heights of which anything is on disk."""
        if not self.root.exists():
            return []
        names = (path.name for path in self.root.iterdir())
        return sorted(Height(int(name)) for name in names if name.isdigit())

    def forget(self, height: Height) -> None:
        """Delete all that is on disk of a height."""
        self._plans.pop(height, None)
        shutil.rmtree(self.root / str(height), ignore_errors=True)
