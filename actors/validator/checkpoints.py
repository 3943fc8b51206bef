"""Attestations and checkpoints: between executors, peers, the bridge and the proposer."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from actors.execution_messages import BridgeAnswer, ExecutedBlock, FinalBlock
from actors.transport.interface import Channel, Transport
from actors.validator.clients import BridgeClient, PartUnavailable
from actors.validator.latency import NodeLatencies
from bridge.state import BridgeState
from bridge.work import ChainWork
from ledger.codec import decode, encode
from ledger.crossing import Attestation, CertifiedCheckpoint
from ledger.errors import CodecError
from ledger.types import BlockNumber, ChainRole, ValidatorIndex

MAX_WAITING: Final = 4096
MAX_AVAILABLE: Final = 1024
RETRY_SECONDS: Final = 0.2
REPEAT_SECONDS: Final = 1.0
MAX_REPEATED: Final = 64
MAX_TIMED_MESSAGES: Final = 4096


class CheckpointDesk:
    """Sends final blocks to be attested, spreads attestations, keeps certified checkpoints.

    Parameters
    ----------
    on_work
        Called when a checkpoint becomes available to a proposal.
    """

    def __init__(
        self,
        bridge: BridgeClient,
        transport: Transport,
        latencies: NodeLatencies,
        on_work: Callable[[], None],
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._bridge = bridge
        self._transport = transport
        self._latencies = latencies
        self._on_work = on_work
        self._available: dict[tuple[int, BlockNumber], CertifiedCheckpoint] = {}
        self._own: dict[tuple[int, BlockNumber], tuple[float, Attestation]] = {}
        self._final: list[FinalBlock] = []
        self._received: list[tuple[ValidatorIndex, Attestation]] = []
        self._settled: dict[ChainRole, BlockNumber] = {}
        self._wake = asyncio.Event()
        self._message_final_at: dict[tuple[ChainRole, int], float] = {}

    def available(self) -> list[CertifiedCheckpoint]:
        """Certified checkpoints that the final ledger lacks, ascending per chain."""
        return [self._available[key] for key in sorted(self._available)]

    def executed_final(self, blocks: tuple[FinalBlock, ...]) -> None:
        """Note final blocks that were executed: they are attested soon."""
        now = time.monotonic()
        for block in blocks:
            self._final.append(block)
            for message in block.executed.messages:
                self._message_final_at[block.executed.role, message.nonce] = now
        while len(self._message_final_at) > MAX_TIMED_MESSAGES:
            del self._message_final_at[next(iter(self._message_final_at))]
        self._wake.set()

    def executed(self, block: ExecutedBlock, work: ChainWork) -> None:
        """Note a block's execution: its deliveries have arrived."""
        now = time.monotonic()
        source = block.role.other
        for delivery in work.deliveries:
            final_at = self._message_final_at.pop((source, delivery.message.nonce), None)
            if final_at is None:
                continue
            is_from_zk = source is ChainRole.ZK
            samples = self._latencies.zk_to_fast_ms if is_from_zk else self._latencies.fast_to_zk_ms
            samples.add((now - final_at) * 1000)

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Queue a peer's attestation; over the bound it is dropped and counted."""
        try:
            attestation = decode(payload, Attestation, limit_bytes=len(payload))
        except CodecError as error:
            self.rejected[f"malformed attestation: {type(error).__name__}"] += 1
            return
        if len(self._received) >= MAX_WAITING:
            self.rejected["attestation dropped: too many wait"] += 1
            return
        self._received.append((peer, attestation))
        self._wake.set()

    def settle(self, state: BridgeState) -> None:
        """Forget what the final ledger holds."""
        settled = {role: state.chain(role).certified.number for role in ChainRole}
        if settled == self._settled:
            return
        self._settled = settled
        by_chain_id = {state.chain(role).chain_id: number for role, number in settled.items()}
        self._available = {
            key: checkpoint
            for key, checkpoint in self._available.items()
            if key[1] > by_chain_id[checkpoint.certificate.checkpoint.chain_id]
        }
        self._own = {
            key: entry
            for key, entry in self._own.items()
            if key[1] > by_chain_id[entry[1].checkpoint.chain_id]
        }
        self._wake.set()

    async def repeat(self) -> None:
        """Send own attestations that have no certificate yet once more, until cancelled.

        A message to a peer that was away is lost, and without a quorum of
        attestations no message would ever cross.
        """
        while True:
            await asyncio.sleep(REPEAT_SECONDS)
            due = time.monotonic() - REPEAT_SECONDS
            for sent_at, attestation in list(self._own.values())[:MAX_REPEATED]:
                if sent_at < due:
                    self._transport.broadcast(Channel.ATTESTATION, encode(attestation))

    async def run(self) -> None:
        """Talk to the bridge until cancelled."""
        told_settled: dict[ChainRole, BlockNumber] = {}
        while True:
            await self._wake.wait()
            self._wake.clear()
            final, self._final = self._final, []
            received, self._received = self._received, []
            try:
                if self._settled != told_settled:
                    told_settled = self._settled
                    await self._bridge.settled(told_settled)
                if final:
                    self._use(await self._bridge.attest(final))
                    final = []
                if received:
                    self._use(await self._bridge.collect(received))
                    received = []
            except PartUnavailable:
                self._final = final + self._final
                self._received = (received + self._received)[:MAX_WAITING]
                told_settled = {}
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    def _use(self, answer: BridgeAnswer) -> None:
        for attestation in answer.attestations:
            checkpoint = attestation.checkpoint
            self._own[checkpoint.chain_id, checkpoint.number] = (time.monotonic(), attestation)
            self._transport.broadcast(Channel.ATTESTATION, encode(attestation))
        for certified in answer.certified:
            checkpoint = certified.certificate.checkpoint
            self._available[checkpoint.chain_id, checkpoint.number] = certified
        while len(self._available) > MAX_AVAILABLE:
            del self._available[min(self._available)]
        if answer.certified:
            self._on_work()
