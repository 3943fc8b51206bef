"""Where copies of a chain's state lie until a snapshot is made of them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ledger.types import ChainRole, Height


@dataclass(frozen=True, slots=True)
class SnapshotPlaces:
    """Folders of one chain: ``<root>/<height>/<chain>``, each a store of its own."""

    root: Path
    role: ChainRole

    def of(self, height: Height) -> Path:
        """Folder of the snapshot of a ledger height."""
        return self.root / str(height) / self.role.name.lower()

    def clear(self) -> None:
        """Forget all of them: the chain is executed anew."""
        for place in self.root.glob(f"*/{self.role.name.lower()}"):
            shutil.rmtree(place, ignore_errors=True)
