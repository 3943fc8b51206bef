"""The executor as a Ray actor."""

from collections.abc import Sequence
from typing import Any, Final

import ray

from actors.boot import load_genesis
from actors.config import NodeConfig
from actors.execution_messages import (
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
)
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.reader import ChainReader
from actors.logs import configure_logs
from execution.genesis import chain_spec
from execution.types import Address
from gateway.engine_reader import EngineReader
from ledger.genesis import genesis_digest
from ledger.types import ChainRole
from storage.store import Store

READS: Final = frozenset(
    name
    for reader in (EngineReader, ChainReader)
    for name in vars(reader)
    if not name.startswith("_")
)
"""Methods that the gateway may call on an executor."""


@ray.remote(num_cpus=0, max_restarts=-1)
class ExecutorActor:
    """Executes one chain; one call at a time."""

    def __init__(self, config: NodeConfig, role: ChainRole) -> None:
        configure_logs(config, f"executor-{role.name.lower()}")
        genesis = load_genesis(config)
        spec = chain_spec(genesis, role)
        self._store = ChainStore(Store(config.chain_directory(role)), spec.chain_id)
        self._executor = ChainExecutor(role, spec, genesis_digest(genesis), self._store)
        self._reader = ChainReader(self._executor)

    def ready(self) -> bool:
        """Answers once the chain is loaded."""
        return True

    def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands of the validator."""
        answer = self._executor.apply(commands)
        if self._reader.is_outdated:
            self._reader = ChainReader(self._executor)
        return answer

    def account_nonces(self, addresses: Sequence[Address]) -> list[int]:
        """Nonces at the newest executed block."""
        return self._executor.account_nonces(addresses)

    def progress(self) -> ExecutorProgress:
        """Where the executor stands on disk."""
        return self._executor.progress()

    def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        """Results of final blocks."""
        return self._executor.final_results(first_number, limit)

    def read(self, method: str, *arguments: Any) -> Any:
        """Run one of the reads of :class:`ChainReader`."""
        if method not in READS:
            raise ValueError(f"no read is called {method!r}")
        return getattr(self._reader, method)(*arguments)

    def stop(self) -> None:
        """Flush and close; no call follows."""
        self._store.close()
