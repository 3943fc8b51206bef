"""Puts an executor together from its configuration and its disk."""

from collections.abc import Sequence
from typing import Any, Final

from actors.boot import load_genesis
from actors.config import NodeConfig
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.reader import BlockReader, ChainReader
from actors.executor.snapshot_places import SnapshotPlaces
from execution.genesis import chain_spec
from gateway.engine_reader import EngineReader
from ledger.genesis import genesis_digest
from ledger.types import ChainRole
from storage.store import Store

READS: Final = frozenset(
    name
    for reader in (EngineReader, BlockReader, ChainReader)
    for name in vars(reader)
    if not name.startswith("_")
)
"""Methods that the gateway may call on an executor."""


class CurrentReader:
    """Reads of an executor, whichever engine it has at the moment."""

    def __init__(self, executor: ChainExecutor) -> None:
        self._executor = executor
        self._reader = ChainReader(executor)

    def read(self, method: str, arguments: Sequence[Any]) -> Any:
        """Run one of :data:`READS`.

        Raises
        ------
        ValueError
            If there is no such read.
        """
        if method not in READS:
            raise ValueError(f"no read is called {method!r}")
        if self._reader.is_outdated:
            self._reader = ChainReader(self._executor)
        return getattr(self._reader, method)(*arguments)


def assemble(config: NodeConfig, role: ChainRole) -> tuple[ChainExecutor, CurrentReader]:
    """The executor of one chain, loaded from disk, and its reads."""
    genesis = load_genesis(config)
    spec = chain_spec(genesis, role)
    places = SnapshotPlaces(config.snapshot_directory, role)
    store = ChainStore(Store(config.chain_directory(role)), spec.chain_id, places)
    executor = ChainExecutor(role, spec, genesis_digest(genesis), store)
    return executor, CurrentReader(executor)
