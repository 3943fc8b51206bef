"""Serving final blocks to peers: in turn, at a bounded rate, from bounded queues.

A request of 40 bytes is answered with megabytes, so requests are not answered as they
come. Each peer has a short queue of its own; over its bound a request is dropped and
counted, and an honest peer asks again.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from actors.messages import (
    MAX_REQUESTED_BLOCKS,
    HistoryQuery,
    HistoryRequest,
    HistoryResponse,
    HistoryWindow,
    PayloadRequest,
)
from actors.snapshots.messages import SnapshotRequest
from actors.snapshots.server import SnapshotServer
from actors.transport.interface import Channel, Transport
from actors.transport.rate_limit import RateLimit
from actors.validator.archive import Archive
from actors.validator.block_tree import BlockTree
from actors.validator.history_proof import RESPONSE_BYTES, certified_link
from ledger.block import open_block
from ledger.codec import encode
from ledger.types import Digest, ValidatorIndex

Request = PayloadRequest | HistoryRequest | HistoryQuery | SnapshotRequest

SERVED_BYTES_PER_SECOND: Final = 32 * 1024 * 1024
SERVED_ANSWERS_PER_SECOND: Final = 1_000
"""Over all peers; one second's worth may go out at once."""

MAX_WAITING_PER_PEER: Final = 64


class HistoryServer:
    """Answers the requests of all peers, one after the other."""

    def __init__(
        self,
        archive: Archive,
        tree: BlockTree,
        transport: Transport,
        peers: Iterable[ValidatorIndex],
        snapshots: SnapshotServer | None = None,
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self.served_blocks = 0
        self._archive = archive
        self._tree = tree
        self._transport = transport
        self._snapshots = snapshots
        self._waiting: dict[ValidatorIndex, deque[Request]] = {peer: deque() for peer in peers}
        self._epochs = dict.fromkeys(self._waiting, archive.first_epoch)
        self._rate = RateLimit(SERVED_BYTES_PER_SECOND, SERVED_ANSWERS_PER_SECOND)
        self._wake = asyncio.Event()

    def add(self, peer: ValidatorIndex, request: Request) -> None:
        """Queue a request."""
        waiting = self._waiting[peer]
        if len(waiting) >= MAX_WAITING_PER_PEER:
            self.rejected["request dropped: too many of the peer wait"] += 1
            return
        waiting.append(request)
        self._wake.set()

    async def run(self) -> None:
        """Answer, a request of each peer in turn, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            is_idle = True
            for peer, waiting in self._waiting.items():
                if not waiting:
                    continue
                is_idle = False
                sent_bytes = self.answer(peer, waiting.popleft())
                pause_seconds = self._rate.charge(loop.time(), sent_bytes, 1)
                await asyncio.sleep(pause_seconds)
            if is_idle:
                await self._wake.wait()

    def answer(self, peer: ValidatorIndex, request: Request) -> int:
        """Answer one request now; gives the bytes that were sent."""
        if isinstance(request, PayloadRequest):
            return self._send_payload(peer, request.digest)
        if isinstance(request, HistoryQuery):
            self._epochs[peer] = request.epoch
            return self._send_window(peer)
        if not isinstance(request, HistoryRequest):
            return self._answer_about_snapshots(peer, request)
        response = self._response_to(request)
        if response is None:
            return self._send_window(peer)
        self.served_blocks += len(response.blocks)
        return self._send(peer, Channel.BACKFILL, encode(response))

    def _answer_about_snapshots(self, peer: ValidatorIndex, request: SnapshotRequest) -> int:
        """Serve peers of the own epoch only: others cannot check what its set vouches for."""
        is_of_own_epoch = self._archive.epoch_change(self._epochs[peer]) is None
        if self._snapshots is None or not is_of_own_epoch:
            return 0
        return self._snapshots.answer(peer, request)

    def _send_payload(self, peer: ValidatorIndex, digest: Digest) -> int:
        known = self._tree.get(digest)
        sealed = known.sealed if known is not None else self._archive.block_by_digest(digest)
        return 0 if sealed is None else self._send(peer, Channel.PAYLOAD, sealed.encoded)

    def _send_window(self, peer: ValidatorIndex) -> int:
        newest = self._archive.newest_height_in(self._epochs[peer])
        window = HistoryWindow(self._archive.oldest_height, newest)
        return self._send(peer, Channel.BACKFILL, encode(window))

    def _send(self, peer: ValidatorIndex, channel: Channel, payload: bytes) -> int:
        self._transport.send(peer, channel, payload)
        return len(payload)

    def _response_to(self, request: HistoryRequest) -> HistoryResponse | None:
        count = min(request.last_height - request.first_height + 1, MAX_REQUESTED_BLOCKS)
        raws: list[bytes] = []
        size = 0
        for raw in self._archive.encoded_blocks(request.first_height, max(count, 0)):
            size += len(raw) + 8
            if size > RESPONSE_BYTES:
                break
            raws.append(raw)
        if not raws:
            return None
        last = open_block(raws[-1])
        found = certified_link(self._archive, last)
        return None if found is None else HistoryResponse(tuple(raws), *found)
