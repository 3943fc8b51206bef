"""Whole validators in one process: real engines, stores and journals, no Ray, no libp2p."""

import asyncio
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from local_l1 import ANCHOR, LocalL1, LocalL1View
from signing import signed_transfer

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
from actors.executor.snapshot_places import SnapshotPlaces
from actors.transport.interface import Channel, Received, Transport, TransportStatus
from actors.transport.memory import MemoryNetwork, MemoryTransport
from actors.validator.archive import Archive
from actors.validator.clients import PartUnavailable
from actors.validator.inspection import NodeInspector
from actors.validator.node import ValidatorNode
from actors.validator.snapshots import SnapshotSettings
from cluster.dev_genesis import FAST_CHAIN_ID, ZK_CHAIN_ID, dev_account, dev_genesis
from consensus.messages import CHALLENGE_BYTES
from execution.genesis import chain_spec
from execution.mempool import AddOutcome, pooled_transaction
from execution.transactions import decode_transaction, recover_senders
from execution.types import Address
from gateway.backend import SubmittedTransaction
from ledger.crossing import Attestation, CheckpointCertificate
from ledger.genesis import NO_L1, Genesis, Timing, genesis_digest
from ledger.keys import ValidatorKeys, own_validator
from ledger.types import BlockNumber, ChainRole, Digest, TimestampMs, ValidatorIndex
from ledger.validators import ValidatorSet
from storage.journal import DEFAULT_SEGMENT_BYTES, Journal
from storage.store import Store

GENESIS_TIMESTAMP_MS = TimestampMs(1_700_000_000_000)
QUICK = Timing(
    delta_ms=250,
    idle_interval_ms=25,
    zk_interval_ms=60,
    zk_idle_interval_ms=300,
    max_drift_ms=2_000,
)
"""Timing for tests: idle chains beat ten times as fast as on a development network."""


CHAIN_IDS = {ChainRole.ZK: ZK_CHAIN_ID, ChainRole.FAST: FAST_CHAIN_ID}


def transfer(role: ChainRole, account: int, nonce: int, **fields: Any) -> str:
    """A signed transfer of a development account that can pay its fee on this chain."""
    fee = {"max_fee_wei": 0} if role is ChainRole.FAST else {}
    return signed_transfer(dev_account(account), CHAIN_IDS[role], nonce, **(fee | fields))


def address_of(account: int) -> Address:
    """Address of a development account."""
    return Address(bytes.fromhex(dev_account(account).address[2:]))


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
        places = SnapshotPlaces(self._directory.parent / "snapshots", self._role)
        store = ChainStore(Store(self._directory), spec.chain_id, places)
        self.core = ChainExecutor(self._role, spec, genesis_digest(self._genesis), store)

    def kill(self) -> None:
        if self.core is not None:
            self.core.store.close()
        self.core = None

    async def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        await asyncio.sleep(0)
        try:
            return self.running().apply(commands)
        except OutOfStep as error:
            raise PartUnavailable(str(error)) from error

    async def account_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        await asyncio.sleep(0)
        return self.running().account_nonces(addresses)

    async def progress(self) -> ExecutorProgress:
        await asyncio.sleep(0)
        return self.running().progress()

    async def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        await asyncio.sleep(0)
        return self.running().final_results(first_number, limit)

    async def final_headers(self, first_number: int, count: int) -> Sequence[bytes]:
        await asyncio.sleep(0)
        return self.running().final_headers(first_number, count)

    def running(self) -> ChainExecutor:
        if self.core is None:
            raise PartUnavailable("killed")
        return self.core


class LocalBridge:
    """A bridge client without an actor; ``replace`` acts as a restart by Ray."""

    def __init__(self, genesis: Genesis, *keyring: ValidatorKeys) -> None:
        self._genesis = genesis
        self.keyring = keyring
        self._validators = ValidatorSet(genesis)
        self.desk = BridgeDesk(genesis, *keyring)

    def replace(self) -> None:
        self.desk = BridgeDesk(self._genesis, *self.keyring)
        self.desk.begin_epoch(self._validators, *self.keyring)

    def begin_epoch(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self.desk.begin_epoch(validators, *self.keyring)

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

    async def restart_after(self, role: ChainRole, number: BlockNumber) -> None:
        await asyncio.sleep(0)
        self.desk.restart_after(role, number)


class MemberTransport:
    """A machine's transport in one epoch: peers are the epoch's validators, by their numbers.

    What comes from a machine without a validator is refused, as by an allow-list.
    """

    def __init__(self, machine: MemoryTransport, machines: Sequence[int]) -> None:
        self._machine = machine
        self._machines = list(machines)
        self.refused = 0

    async def start(self) -> None:
        await self._machine.start()

    async def close(self) -> None:
        await self._machine.close()

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        self._machine.send(self._machines[peer], channel, payload)

    def broadcast(self, channel: Channel, payload: bytes) -> None:
        for machine in self._machines:
            if machine != self._machine.index:
                self._machine.send(machine, channel, payload)

    async def receive(self) -> list[Received]:
        received = await self._machine.receive()
        known = [message for message in received if message.peer in self._machines]
        self.refused += len(received) - len(known)
        return [
            Received(self._machines.index(message.peer), message.channel, message.payload)
            for message in known
        ]

    def status(self) -> TransportStatus:
        status = self._machine.status()
        peers = {
            index: status.peers[machine]
            for index, machine in enumerate(self._machines)
            if machine != self._machine.index
        }
        return TransportStatus(status.listen_address, self.refused, peers)


class LocalNetwork:
    """Validators over a :class:`MemoryNetwork`; a node may be stopped and started again.

    A node whose epoch is over makes way for the next one by itself. ``spare`` machines
    have keys that are not in the genesis, and are not started with the others.
    """

    def __init__(
        self,
        directory: Path,
        validators: int = 4,
        *,
        timing: Timing = QUICK,
        seed: int = 1,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        l1: LocalL1 | None = None,
        snapshots: SnapshotSettings = SnapshotSettings(Path()),
        spare: int = 0,
    ) -> None:
        self.snapshots = snapshots
        self.restarts: list[asyncio.Task[None]] = []
        self.directory = directory
        self.count = validators
        self.spare = spare
        machines = validators + spare
        self.keys = [ValidatorKeys(bytes([index + 1]) * 32) for index in range(machines)]
        self.keyrings = {index: [keys] for index, keys in enumerate(self.keys)}
        anchor = NO_L1 if l1 is None else ANCHOR
        genesis = dev_genesis(self.keys[:validators], GENESIS_TIMESTAMP_MS, anchor)
        self.genesis = replace(genesis, timing=timing)
        self.views = {index: LocalL1View(l1 or LocalL1()) for index in range(machines)}
        self.memory = MemoryNetwork(range(machines), seed=seed)
        self._successions: set[asyncio.Task[None]] = set()
        self.nodes: dict[int, ValidatorNode] = {}
        self.executors: dict[int, dict[ChainRole, LocalExecutor]] = {}
        self.bridges: dict[int, LocalBridge] = {}
        self.failures: list[BaseException] = []
        self.asking: set[int] = set()
        """Nodes that do not take an empty journal for that of a new validator."""
        self.open_journal: Callable[[int, Path], Journal] = lambda _, directory: Journal(
            directory, segment_bytes=segment_bytes
        )

    # LIFE

    async def start(self, *indices: int) -> None:
        for index in indices or range(self.count):
            await self._start_node(index)

    async def stop(self, *indices: int) -> None:
        while self._successions:
            await asyncio.gather(*self._successions, return_exceptions=True)
        for index in indices or tuple(self.nodes):
            await self.nodes.pop(index).close()
            for executor in self.executors.pop(index).values():
                executor.kill()

    async def kill(self, *indices: int) -> None:
        """End nodes as ``kill -9`` does: nothing is flushed that was not written by now."""
        for index in indices or tuple(self.nodes):
            directory = self.node_directory(index)
            copy = directory.with_suffix(".killed")
            shutil.copytree(directory, copy)
            await self.stop(index)
            shutil.rmtree(directory)
            copy.rename(directory)

    def identity_of(self, index: int) -> int:
        """Which validator a node is."""
        return index

    def transport_of(self, index: int) -> Transport:
        """How a node that starts now talks with the others."""
        return self.memory.transports[index]

    def node_directory(self, index: int) -> Path:
        return self.directory / f"node-{index}"

    async def _start_node(self, index: int) -> None:
        directory = self.node_directory(index)
        identity = self.identity_of(index)
        self.executors[index] = {
            role: LocalExecutor(role, self.genesis, directory / role.name) for role in ChainRole
        }
        self.bridges[index] = LocalBridge(self.genesis, *self.keyrings[identity])
        await self._start_validator(index)

    async def _start_validator(self, machine: int) -> None:
        """Start a machine's validator in the epoch that its ledger has come to."""
        directory = self.node_directory(machine)
        store = Store(directory / "ledger")
        archive = Archive(store, self.genesis, ValidatorSet(self.genesis))
        validators = archive.validators_after(archive.state_after(archive.height))
        identity = self.identity_of(machine)
        index, keys = own_validator(validators, self.keyrings[identity])
        self.bridges[machine].keyring = tuple(self.keyrings[identity])
        node = ValidatorNode(
            index=index,
            genesis=self.genesis,
            keys=keys,
            transport=self._transport(machine, validators),
            journal=self.open_journal(machine, directory / "journal"),
            store=store,
            executors=dict(self.executors[machine]),
            bridge=self.bridges[machine],
            l1=self.views[identity],
            on_failure=self.failures.append,
            challenge=secrets.token_bytes(CHALLENGE_BYTES) if machine in self.asking else None,
            snapshots=replace(self.snapshots, root=directory / "snapshots"),
            on_restart=partial(self._restart, machine),
            on_epoch_over=lambda: self._epoch_over(machine),
        )
        self.nodes[machine] = node
        await node.start()

    def _restart(self, index: int) -> None:
        """Start a node again, as Ray does."""

        async def restart() -> None:
            await self.stop(index)
            await self.start(index)

        self.restarts.append(asyncio.get_running_loop().create_task(restart()))

    def _transport(self, machine: int, validators: ValidatorSet) -> Transport:
        if not self.spare:
            return self.transport_of(machine)
        holders = {
            keys.consensus.public_key: holder
            for holder, keyring in self.keyrings.items()
            for keys in keyring
        }
        machines = [holders[member.entry.consensus_key] for member in validators.members]
        return MemberTransport(self.memory.transports[machine], machines)

    def _epoch_over(self, machine: int) -> None:
        task = asyncio.get_running_loop().create_task(self._succeed(machine))
        self._successions.add(task)
        task.add_done_callback(self._succeeded)

    async def _succeed(self, machine: int) -> None:
        node = self.nodes[machine]
        waiting = node.pools.waiting()
        await node.close()
        if self.nodes.get(machine) is node:  # Otherwise it was stopped meanwhile.
            await self._start_validator(machine)
            self.nodes[machine].pools.offer_again(waiting)

    def _succeeded(self, task: asyncio.Task[None]) -> None:
        self._successions.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failures.append(error)

    # WAITING

    async def wait_for_height(self, height: int, *indices: int, seconds: float = 60) -> None:
        """Wait until the nodes have made this ledger height final."""
        await self.wait_until(
            lambda: all(
                self.nodes[index].archive.height >= height for index in indices or tuple(self.nodes)
            ),
            seconds,
        )

    async def wait_for_growth(self, blocks: int, *indices: int, seconds: float = 60) -> None:
        """Wait until the nodes have made so many blocks final beyond the highest of now."""
        chosen = indices or tuple(self.nodes)
        height = max(self.nodes[index].archive.height for index in chosen)
        await self.wait_for_height(height + blocks, *chosen, seconds=seconds)

    async def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self.failures:
                    raise self.failures[0]
                await asyncio.sleep(0.005)

    async def wait_for_execution(
        self, role: ChainRole, number: int, *indices: int, seconds: float = 60
    ) -> None:
        """Wait until the executors of the nodes have this block of a chain final."""

        def is_executed() -> bool:
            cores = [self.executors[index][role].core for index in indices or tuple(self.nodes)]
            return all(core is not None and core.final_number >= number for core in cores)

        await self.wait_until(is_executed, seconds)

    # LOOKING

    def height(self, *indices: int) -> int:
        """The lowest final height."""
        return min(self.nodes[index].archive.height for index in indices or tuple(self.nodes))

    def digests(self, index: int, last: int) -> list[Digest]:
        blocks = [self.nodes[index].archive.block(height) for height in range(1, last + 1)]
        return [block.digest for block in blocks if block is not None]

    def core(self, index: int, role: ChainRole) -> ChainExecutor:
        return self.executors[index][role].running()

    def state_root(self, index: int, role: ChainRole, number: int) -> bytes | None:
        """State root that a node's executor has on disk for a final block."""
        result = self.core(index, role).store.result(number)
        return None if result is None else bytes(result.state_root)

    def state_roots(self, index: int, role: ChainRole, last: int) -> list[bytes | None]:
        return [self.state_root(index, role, number) for number in range(1, last + 1)]

    def balance(self, index: int, role: ChainRole, address: str) -> int:
        account = self.core(index, role).engine.accounts([Address(bytes.fromhex(address[2:]))])
        return account[0].balance_wei

    def rejected(self, index: int, part: str) -> dict[str, int]:
        found: dict[str, int] = self.inspector(index).status()["rejected"][part]
        return found

    def inspector(self, index: int) -> NodeInspector:
        return NodeInspector(self.nodes[index])

    # ACTING

    def submit(self, index: int, role: ChainRole, raws: Sequence[str]) -> list[AddOutcome]:
        """Offer signed transactions as the node's gateway does."""
        decoded = [decode_transaction(bytes.fromhex(raw[2:])) for raw in raws]
        senders = recover_senders(decoded)
        core = self.core(index, role)
        submitted = []
        for transaction, sender in zip(decoded, senders, strict=True):
            assert isinstance(sender, bytes)
            pooled = pooled_transaction(transaction, sender)
            submitted.append(SubmittedTransaction(pooled, core.account_nonces([sender])[0]))
        return self.nodes[index].submit(role, submitted)

    def inject(self, sender: int, receiver: int, channel: Channel, payload: bytes) -> None:
        """Have a message arrive as if a validator had sent it."""
        self.memory.transports[receiver].deliver(sender, channel, payload)
