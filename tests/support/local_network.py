"""Four whole validators in one process: real engines, stores and journals, no Ray, no libp2p."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from actors.bridge.desk import BridgeDesk
from actors.execution_messages import (
    BridgeAnswer,
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
)
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.errors import OutOfStep
from actors.transport.memory import MemoryNetwork
from actors.validator.clients import PartUnavailable
from actors.validator.node import ValidatorNode
from cluster.dev_genesis import dev_genesis
from execution.genesis import chain_spec
from execution.types import Address
from ledger.crossing import Attestation, CheckpointCertificate
from ledger.genesis import Genesis, genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import BlockNumber, ChainRole, TimestampMs, ValidatorIndex
from storage.journal import Journal
from storage.store import Store

GENESIS_TIMESTAMP_MS = TimestampMs(1_700_000_000_000)


class LocalExecutor:
    """An executor client without an actor; ``kill`` and ``restart`` act as Ray would."""

    def __init__(self, role: ChainRole, genesis: Genesis, directory: Path) -> None:
        self._role = role
        self._genesis = genesis
        self._directory = directory
        self.core: ChainExecutor | None = None
        self.restart()

    def restart(self) -> None:
        spec = chain_spec(self._genesis, self._role)
        store = ChainStore(Store(self._directory), spec.chain_id)
        self.core = ChainExecutor(self._role, spec, genesis_digest(self._genesis), store)

    def kill(self) -> None:
        if self.core is not None:
            self.core.store.close()
        self.core = None

    async def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        await asyncio.sleep(0)
        try:
            return self._running().apply(commands)
        except OutOfStep as error:
            raise PartUnavailable(str(error)) from error

    async def account_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        await asyncio.sleep(0)
        return self._running().account_nonces(addresses)

    async def progress(self) -> ExecutorProgress:
        await asyncio.sleep(0)
        return self._running().progress()

    async def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        await asyncio.sleep(0)
        return self._running().final_results(first_number, limit)

    def _running(self) -> ChainExecutor:
        if self.core is None:
            raise PartUnavailable("killed")
        return self.core


class LocalBridge:
    """A bridge client without an actor."""

    def __init__(self, index: int, genesis: Genesis, keys: ValidatorKeys) -> None:
        self.desk = BridgeDesk(ValidatorIndex(index), genesis, keys)

    async def verify(self, certificates: Sequence[CheckpointCertificate]) -> bool:
        await asyncio.sleep(0)
        return self.desk.verify(certificates)

    async def attest(self, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        await asyncio.sleep(0)
        return self.desk.attest(blocks)

    async def collect(
        self, attestations: Sequence[tuple[ValidatorIndex, Attestation]]
    ) -> BridgeAnswer:
        await asyncio.sleep(0)
        return self.desk.collect(attestations)

    async def settled(self, certified: dict[ChainRole, BlockNumber]) -> None:
        await asyncio.sleep(0)
        self.desk.settled(certified)


class LocalNetwork:
    """Validators over a :class:`MemoryNetwork`; a node may be stopped and started again."""

    def __init__(self, directory: Path, validators: int = 4) -> None:
        self.directory = directory
        self.count = validators
        self.keys = [ValidatorKeys(bytes([index + 1]) * 32) for index in range(validators)]
        self.genesis = dev_genesis(self.keys, GENESIS_TIMESTAMP_MS)
        self.memory = MemoryNetwork(range(validators), seed=1)
        self.nodes: dict[int, ValidatorNode] = {}
        self.executors: dict[int, dict[ChainRole, LocalExecutor]] = {}
        self.bridges: dict[int, LocalBridge] = {}
        self.failures: list[BaseException] = []

    async def start(self, *indices: int) -> None:
        for index in indices or range(self.count):
            await self._start_node(index)

    async def stop(self, *indices: int) -> None:
        for index in indices or tuple(self.nodes):
            await self.nodes.pop(index).close()
            for executor in self.executors.pop(index).values():
                executor.kill()

    async def wait_for_height(self, height: int, *indices: int, seconds: float = 60) -> None:
        """Wait until the nodes have made this ledger height final."""
        await self.wait_until(
            lambda: all(
                self.nodes[index].archive.height >= height for index in indices or tuple(self.nodes)
            ),
            seconds,
        )

    async def wait_until(self, condition, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self.failures:
                    raise self.failures[0]
                await asyncio.sleep(0.005)

    async def _start_node(self, index: int) -> None:
        directory = self.directory / f"node-{index}"
        self.executors[index] = {
            role: LocalExecutor(role, self.genesis, directory / role.name) for role in ChainRole
        }
        self.bridges[index] = LocalBridge(index, self.genesis, self.keys[index])
        node = ValidatorNode(
            index=ValidatorIndex(index),
            genesis=self.genesis,
            keys=self.keys[index],
            transport=self.memory.transports[index],
            journal=Journal(directory / "journal"),
            store=Store(directory / "ledger"),
            executors=dict(self.executors[index]),
            bridge=self.bridges[index],
            on_failure=self.failures.append,
        )
        self.nodes[index] = node
        await node.start()
