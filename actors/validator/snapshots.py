"""The snapshots of one validator: those that it keeps for others, and the one that it begins from.

::

    <node>/snapshots/
      4096/zk  4096/fast   copies of the executors' stores, until somebody asks
      4096/made            chunks
      incoming/…           a snapshot on its way here
      ready                one that is verified: the node begins from it at its next start
      base                 the one that it began from; the executors load it from here
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from actors.config import DEFAULT_SPACING_BLOCKS, DEFAULT_THRESHOLD_BLOCKS
from actors.snapshots.errors import SnapshotError
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.shelf import MAX_KEPT, SnapshotShelf
from actors.snapshots.state_sync import StateSync
from actors.validator.archive import Archive
from actors.validator.ledger_base import install_base
from ledger.genesis import Genesis
from ledger.types import Height
from storage.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """What a node does about snapshots.

    Attributes
    ----------
    root
        Its folder for them.
    spacing_blocks
        Ledger blocks between two that are kept for others; 0 for none. Nodes with another spacing
        cannot vouch for one another's.
    threshold_blocks
        A node that is further behind fetches one instead of the blocks.
    """

    root: Path
    spacing_blocks: int = DEFAULT_SPACING_BLOCKS
    threshold_blocks: int = DEFAULT_THRESHOLD_BLOCKS

    @property
    def ready(self) -> Path:
        """A verified snapshot that the node is to begin from."""
        return self.root / "ready"

    @property
    def base(self) -> Path:
        """The snapshot that the node began from."""
        return self.root / "base"


def install_if_ready(settings: SnapshotSettings, store: Store, genesis: Genesis) -> None:
    """Begin from a snapshot that was fetched and verified before the last end of the node.

    Whoever is killed in the middle does all of it again.
    """
    if not settings.ready.exists():
        return
    install_base(store, genesis, SnapshotFiles(settings.ready))
    shutil.rmtree(settings.base, ignore_errors=True)
    settings.ready.rename(settings.base)
    shutil.rmtree(settings.root / "incoming", ignore_errors=True)


class NodeSnapshots:
    """Decides for :class:`~actors.validator.history.History` when a snapshot is fetched.

    Parameters
    ----------
    on_ready
        Called when a verified snapshot lies ready: the node has to start again.
    """

    def __init__(
        self, settings: SnapshotSettings, sync: StateSync, on_ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._sync = sync
        self._on_ready = on_ready

    def is_wanted(self, height: Height, target: Height) -> bool:
        """Whether so many blocks are missing that a snapshot is to be fetched instead."""
        return target - height > self._settings.threshold_blocks

    async def fetch(self, height: Height) -> bool:
        """Fetch one of a later height; whether it has come and the node starts again from it."""
        try:
            # One that saves little is not worth what it costs, nor to be followed by the next.
            above = Height(height + self._settings.threshold_blocks // 2)
            files = await self._sync.run(above)
        except SnapshotError as error:
            log.error("the snapshot is refused", reason=str(error))
            return False
        if files is None:
            log.warning("no snapshot is to be had: fetching blocks", height=height)
            return False
        shutil.rmtree(self._settings.ready, ignore_errors=True)
        files.directory.rename(self._settings.ready)
        log.info("a snapshot is here: starting again from it")
        self._on_ready()
        return True


def plan_recent(shelf: SnapshotShelf, archive: Archive, first_height: Height) -> None:
    """Plan the snapshots of the newest due heights anew after a start.

    Parameters
    ----------
    first_height
        Of the epoch: its set vouches for nothing before it.
    """
    newest = shelf.last_due(archive.height)
    if newest is None:
        return
    for distance in reversed(range(MAX_KEPT)):
        height = newest - distance * shelf.spacing_blocks
        if height >= max(archive.oldest_height, first_height):
            shelf.add(archive.state_after(Height(height)))
