"""The executor as a Ray actor."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray

from actors.config import NodeConfig
from actors.execution_messages import (
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
)
from actors.logs import configure_logs
from execution.types import Address
from ledger.types import ChainRole


@ray.remote(num_cpus=0, max_restarts=-1)
class ExecutorActor:
    """Executes one chain; one call at a time."""

    def __init__(self, config: NodeConfig, role: ChainRole) -> None:
        configure_logs(config, f"executor-{role.name.lower()}")
        # Here and not above: who looks this actor up by name imports this module too.
        from actors.executor.assembly import assemble

        self._executor, self._reader = assemble(config, role)

    def ready(self) -> bool:
        """Answers once the chain is loaded."""
        return True

    def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands of the validator."""
        return self._executor.apply(commands)

    def account_nonces(self, addresses: Sequence[Address]) -> list[int]:
        """Nonces at the newest executed block."""
        return self._executor.account_nonces(addresses)

    def progress(self) -> ExecutorProgress:
        """Where the executor stands on disk."""
        return self._executor.progress()

    def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        """Results of final blocks."""
        return self._executor.final_results(first_number, limit)

    def final_headers(self, first_number: int, count: int) -> list[bytes]:
        """Headers of final blocks."""
        return self._executor.final_headers(first_number, count)

    def read(self, method: str, *arguments: Any) -> Any:
        """Run one of the reads of :class:`ChainReader`."""
        return self._reader.read(method, arguments)

    def copy_to(self, target: Path) -> int:
        """Write the final part of the chain into a directory; gives its newest block's number."""
        self._executor.store.copy_to(target)
        return self._executor.final_number

    def stop(self) -> None:
        """Flush and close; no call follows."""
        self._executor.store.close()
