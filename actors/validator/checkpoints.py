"""Attestations and checkpoints: between executors, peers, the bridge and the proposer.

Everything that the final ledger has not certified is offered again every second, to
the bridge and to the peers: a message may be lost, a peer away, the bridge a fresh one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from actors.execution_messages import BridgeAnswer, ExecutedBlock, FinalBlock
from actors.transport.interface import Channel, Transport
from actors.validator.clients import BridgeClient, PartUnavailable
from actors.validator.latency import NodeLatencies
from bridge.attestations import Divergence
from bridge.checkpoints import needs_checkpoint
from bridge.state import BridgeState
from bridge.work import ChainWork
from ledger.codec import decode, encode
from ledger.crossing import Attestation, CertifiedCheckpoint
from ledger.errors import CodecError
from ledger.genesis import Genesis
from ledger.types import BlockNumber, ChainRole, ValidatorIndex

MAX_WAITING_PER_PEER: Final = 512
MAX_AVAILABLE_PER_CHAIN: Final = 1024
RETRY_SECONDS: Final = 0.2
REPEAT_SECONDS: Final = 1.0
MAX_REPEATED_PER_CHAIN: Final = 64
MAX_TIMED_MESSAGES: Final = 4096


@dataclass(slots=True)
class _Uncertified:
    block: FinalBlock
    offered_at: float


class CheckpointDesk:
    """Sends final blocks to be attested, spreads attestations, keeps certified checkpoints.

    Parameters
    ----------
    on_work
        Called when a checkpoint becomes available to a proposal.
    on_divergence
        Called with each disagreement between validators about a block's result.
    """

    def __init__(
        self,
        genesis: Genesis,
        state: BridgeState,
        bridge: BridgeClient,
        transport: Transport,
        latencies: NodeLatencies,
        on_work: Callable[[], None],
        on_divergence: Callable[[Divergence], None],
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._genesis = genesis
        self._state = state
        self._bridge = bridge
        self._transport = transport
        self._latencies = latencies
        self._on_work = on_work
        self._on_divergence = on_divergence
        self._available: dict[ChainRole, dict[BlockNumber, CertifiedCheckpoint]] = {
            role: {} for role in ChainRole
        }
        self._uncertified: dict[ChainRole, dict[BlockNumber, _Uncertified]] = {
            role: {} for role in ChainRole
        }
        self._final: list[FinalBlock] = []
        self._received: list[tuple[ValidatorIndex, Attestation]] = []
        self._received_counts: Counter[ValidatorIndex] = Counter()
        # The bridge may be older than this process, and know a void execution.
        self._restarts = {role: state.chain(role).certified.number for role in ChainRole}
        self._told: dict[ChainRole, BlockNumber] = {}
        self._wake = asyncio.Event()
        self._message_final_at: dict[tuple[ChainRole, int], float] = {}

    def available(self) -> list[CertifiedCheckpoint]:
        """Certified checkpoints that the final ledger lacks, ascending per chain."""
        return [
            checkpoint
            for checkpoints in self._available.values()
            for _, checkpoint in sorted(checkpoints.items())
        ]

    # FROM THE OWN NODE

    def executed_final(self, blocks: tuple[FinalBlock, ...]) -> None:
        """Note final blocks that were executed: those that need it are attested soon."""
        now = time.monotonic()
        for block in blocks:
            executed = block.executed
            for message in executed.messages:
                self._message_final_at[executed.role, message.nonce] = now
            chain = self._genesis.chain(executed.role)
            is_certified = executed.number <= self._state.chain(executed.role).certified.number
            has_to = needs_checkpoint(chain, executed.number, len(executed.messages))
            if has_to and not is_certified:
                kept = replace(block, executed=replace(executed, account_nonces={}))
                self._uncertified[executed.role][executed.number] = _Uncertified(kept, now)
                self._final.append(kept)
        while len(self._message_final_at) > MAX_TIMED_MESSAGES:
            del self._message_final_at[next(iter(self._message_final_at))]
        if self._final:
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

    def settle(self, state: BridgeState) -> None:
        """Forget what the final ledger holds."""
        before, self._state = self._state, state
        for role in ChainRole:
            certified = state.chain(role).certified.number
            if certified == before.chain(role).certified.number:
                continue
            for kept in (self._available[role], self._uncertified[role]):
                for number in [number for number in kept if number <= certified]:
                    del kept[number]
            self._wake.set()

    def restart_after(self, role: ChainRole, number: BlockNumber) -> None:
        """Forget what was attested of a chain's later blocks: the ledger orders a replay."""
        self._restarts[role] = number
        self._available[role].clear()
        self._uncertified[role].clear()
        self._final = [block for block in self._final if block.executed.role is not role]
        self._wake.set()

    # FROM PEERS

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Queue a peer's attestation; over the bound it is dropped and counted."""
        try:
            attestation = decode(payload, Attestation, limit_bytes=len(payload))
        except CodecError as error:
            self.rejected[f"malformed attestation: {type(error).__name__}"] += 1
            return
        if self._received_counts[peer] >= MAX_WAITING_PER_PEER:
            self.rejected["attestation dropped: too many wait"] += 1
            return
        if not self._is_of_this_ledger(attestation):
            self.rejected["attestation of another ledger block"] += 1
            return
        self._received.append((peer, attestation))
        self._received_counts[peer] += 1
        self._wake.set()

    def _is_of_this_ledger(self, attestation: Attestation) -> bool:
        """Whether it names the block as the final ledger does, as far as that is known here.

        A peer that has not seen a replay's order yet repeats what it attested before;
        counted, that would take the place of what it attests after.
        """
        checkpoint = attestation.checkpoint
        role = self._state.role_of(checkpoint.chain_id)
        if role is None:
            return False
        is_ahead = checkpoint.number > self._state.chain(role).number
        expected = self._state.expected_ledger_digest(role, checkpoint.number)
        return is_ahead or bytes(checkpoint.ledger_digest) == expected

    # WITH THE BRIDGE

    async def repeat(self) -> None:
        """Offer again what is not certified, until cancelled."""
        while True:
            await asyncio.sleep(REPEAT_SECONDS)
            self._told = {}
            now = time.monotonic()
            for entries in self._uncertified.values():
                for number in sorted(entries)[:MAX_REPEATED_PER_CHAIN]:
                    entry = entries[number]
                    if entry.offered_at <= now - REPEAT_SECONDS:
                        entry.offered_at = now
                        self._final.append(entry.block)
            self._wake.set()

    async def run(self) -> None:
        """Talk to the bridge until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._tell_where_the_ledger_is()
                await self._exchange()
            except PartUnavailable:
                self._told = {}
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _tell_where_the_ledger_is(self) -> None:
        while self._restarts:
            role, number = next(iter(self._restarts.items()))
            await self._bridge.restart_after(role, number)
            if self._restarts[role] == number:
                del self._restarts[role]
        settled = {role: self._state.chain(role).certified.number for role in ChainRole}
        if settled != self._told:
            await self._bridge.settled(settled)
            self._told = settled

    async def _exchange(self) -> None:
        final, self._final = self._final, []
        received, self._received = self._received, []
        self._received_counts.clear()
        # What a failing call loses is repeated, by this node or by the peer.
        if final:
            self._use(await self._bridge.attest(final))
        if received:
            self._use(await self._bridge.collect(received))

    def _use(self, answer: BridgeAnswer) -> None:
        self.rejected.update(answer.rejected)
        for divergence in answer.divergences:
            self._on_divergence(divergence)
        for attestation in answer.attestations:
            if self._is_of_this_ledger(attestation):
                self._transport.broadcast(Channel.ATTESTATION, encode(attestation))
        has_news = False
        for certified in answer.certified:
            has_news = self._keep(certified) or has_news
        if has_news:
            self._on_work()

    def _keep(self, certified: CertifiedCheckpoint) -> bool:
        checkpoint = certified.certificate.checkpoint
        role = self._state.role_of(checkpoint.chain_id)
        if role is None or checkpoint.number <= self._state.chain(role).certified.number:
            return False
        available = self._available[role]
        is_news = checkpoint.number not in available
        available[checkpoint.number] = certified
        if len(available) > MAX_AVAILABLE_PER_CHAIN:
            del available[max(available)]  # The bridge gives it again when it is offered again.
        return is_news
