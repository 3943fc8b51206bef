"""Sends as much as the network takes, of what is the most expensive to refuse."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from actors.messages import MAX_REQUESTED_BLOCKS, HistoryRequest, PayloadRequest, TransactionBatch
from actors.transport.channels import POLICIES
from actors.transport.interface import Channel
from cluster.chaos.traitors.base import Traitor
from ledger.block import BlockBody, BlockHeader, LedgerBlock, body_digest, seal
from ledger.codec import encode
from ledger.crossing import Attestation, Checkpoint
from ledger.signers import pack_signers
from ledger.types import (
    BlockNumber,
    BlsSignature,
    ChainRole,
    Ed25519Signature,
    EvmHash,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.votes import Finalization, Proposal

BURST_MESSAGES: Final = 64
PAUSE_SECONDS: Final = 0.002
STOCK_MESSAGES: Final = 256
STOCK_BYTES: Final = 16 * 1024 * 1024
STOCK_SECONDS: Final = 1.0
"""Messages are made in advance, since making them costs more than most of them do to refuse, and
anew after a while, since they name views to come."""
HORIZON_VIEWS: Final = 10
BATCH_TRANSACTIONS: Final = 1_000
BLOCK_TRANSACTIONS: Final = 12
TRANSACTION_BYTES: Final = 100_000


class Flooder(Traitor):
    """Keeps its queues to all peers full on some channels, until it is stopped.

    - ``CONSENSUS``: certificates and votes with wrong signatures, which have to be verified.
    - ``ATTESTATION``: checkpoints that nobody can compare yet, each with a wrong BLS signature.
    - ``TRANSACTIONS``: a thousand at a time that look like some until their sender is recovered.
    - ``PAYLOAD``: blocks of 1.2 MB of its own, for views to come.
    - ``BACKFILL``: requests for the whole history and for payloads.
    """

    def __init__(self, *channels: Channel, seed: int = 1) -> None:
        super().__init__(seed)
        self._channels = channels or tuple(Channel)
        self._makers: dict[Channel, Callable[[], bytes]] = {
            Channel.CONSENSUS: self._consensus,
            Channel.ATTESTATION: self._attestation,
            Channel.TRANSACTIONS: self._transactions,
            Channel.PAYLOAD: self._payload,
            Channel.BACKFILL: self._request,
        }
        self._flooding: Future[None] | None = None
        self._count = 0
        self._sent = 0

    def begin(self) -> None:
        """Open the gates."""
        self._flooding = asyncio.run_coroutine_threadsafe(self._flood(), self.mouth.loop)

    def leave(self) -> None:
        """Close them."""
        if self._flooding is not None:
            self._flooding.cancel()
            self._flooding = None

    async def _flood(self) -> None:
        loop = asyncio.get_running_loop()
        stock: dict[Channel, list[bytes]] = {}
        is_stale_at = loop.time()
        while True:
            if loop.time() >= is_stale_at:
                stock = {channel: self._stock(channel) for channel in self._channels}
                is_stale_at = loop.time() + STOCK_SECONDS
            for channel, messages in stock.items():
                self._burst(channel, messages)
            await asyncio.sleep(PAUSE_SECONDS)

    def _stock(self, channel: Channel) -> list[bytes]:
        make = self._makers[channel]
        first = make()
        count = min(STOCK_MESSAGES, STOCK_BYTES // len(first))
        return [first, *(make() for _ in range(count - 1))]

    def _burst(self, channel: Channel, messages: list[bytes]) -> None:
        policy = POLICIES[channel]
        limit = min(policy.queue_messages, policy.queue_bytes // max(map(len, messages)))
        for peer in self.mouth.peers:
            room = max(0, min(BURST_MESSAGES, limit - self.mouth.backlog(peer, channel) - 1))
            for _ in range(room):
                self._sent += 1
                self.mouth.say(peer, channel, messages[self._sent % len(messages)])
            self.deeds[f"flood on {channel.name}"] += room

    # WHAT IS EXPENSIVE

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _view(self) -> View:
        return View(self.node.view + 1 + self._number() % HORIZON_VIEWS)

    def _consensus(self) -> bytes:
        view = self._view()
        proposal = Proposal(self.node.genesis.epoch, view, View(view - 1), self.invented_digest())
        own = self.notarize(proposal)
        if self._number() % 2:
            return encode(replace(own, signature=self._signature()))
        signers = pack_signers(ValidatorIndex(i) for i in range(self.node.validators.count))
        signatures = tuple(self._signature() for _ in range(self.node.validators.count))
        return encode(Finalization(proposal, signers, signatures))

    def _attestation(self) -> bytes:
        chain = self.node.final_state.zk
        noise = EvmHash(self.random.randbytes(32))
        number = BlockNumber(chain.number + 1 + self._number() % 64)
        checkpoint = Checkpoint(chain.chain_id, number, noise, noise, noise, noise, noise, 0)
        signature = BlsSignature(self.random.randbytes(96))
        return encode(Attestation(checkpoint, self.node.index, signature))

    def _transactions(self) -> bytes:
        head = b"\x02" + self.random.randbytes(8)
        raws = tuple(head + number.to_bytes(4) + bytes(90) for number in range(BATCH_TRANSACTIONS))
        return encode(TransactionBatch(ChainRole.FAST, raws))

    def _payload(self) -> bytes:
        state = self.node.final_state
        raw = self.random.randbytes(8).ljust(TRANSACTION_BYTES, b"\0")
        body = BlockBody((raw,) * BLOCK_TRANSACTIONS, (), (), (), ())
        header = BlockHeader(
            epoch=self.node.genesis.epoch,
            view=View(state.view + 1 + self._number() % 1_000),
            height=Height(state.height + 1),
            parent=self.invented_digest(),
            chain=ChainRole.FAST,
            chain_block_number=BlockNumber(state.fast.number + 1),
            timestamp_ms=TimestampMs(state.timestamp_ms),
            proposer=self.node.index,
            body=body_digest(body),
        )
        return seal(LedgerBlock(header, body)).encoded

    def _request(self) -> bytes:
        if self._number() % 2:
            return encode(HistoryRequest(Height(1), Height(MAX_REQUESTED_BLOCKS)))
        return encode(PayloadRequest(self.node.final_state.digest))

    def _signature(self) -> Ed25519Signature:
        return Ed25519Signature(self.random.randbytes(64))
