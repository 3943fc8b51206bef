"""Catching up on final blocks from peers, and serving them.

A peer answers a :class:`HistoryRequest` with consecutive final blocks, headers that
lead on to a certified block, and its finalization. The chain of parent digests and
that one certificate prove them all; a peer that sends anything else is counted and not
asked again soon.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

import structlog

from actors.messages import (
    MAX_LINK_HEADERS,
    MAX_REQUESTED_BLOCKS,
    HistoryRequest,
    HistoryResponse,
    PayloadRequest,
)
from actors.transport.channels import POLICIES
from actors.transport.interface import Channel, Transport
from actors.validator.archive import Archive
from actors.validator.block_tree import BlockTree
from bridge.errors import BlockRejected
from ledger.block import BlockHeader, SealedBlock, header_digest, open_block
from ledger.codec import decode, encode
from ledger.errors import CodecError, LedgerError
from ledger.types import Digest, Height, ValidatorIndex
from ledger.validators import ValidatorSet
from ledger.votes import Finalization

ANSWER_SECONDS: Final = 1.0
DISTRUST_SECONDS: Final = 30.0
_RESPONSE_BYTES: Final = POLICIES[Channel.BACKFILL].maximum_message_bytes - 512 * 1024
"""Leaves room for the longest link and certificate."""

log = structlog.get_logger(__name__)


class HistoryError(LedgerError):
    """A peer's history that does not prove itself."""


class History:
    """Backfill of one validator.

    Parameters
    ----------
    on_blocks
        Takes proven blocks of a peer, oldest first, with the finalization of the last one.
    """

    def __init__(
        self,
        archive: Archive,
        tree: BlockTree,
        validators: ValidatorSet,
        transport: Transport,
        peers: list[ValidatorIndex],
        on_blocks: Callable[[ValidatorIndex, list[SealedBlock], Finalization], None],
        random: Random,
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self.fetched_blocks = 0
        self._archive = archive
        self._tree = tree
        self._validators = validators
        self._transport = transport
        self._peers = peers
        self._on_blocks = on_blocks
        self._random = random
        self._asked: set[ValidatorIndex] = set()
        self._distrusted_until: dict[ValidatorIndex, float] = {}
        self._is_behind = asyncio.Event()
        self._answered = asyncio.Event()

    def request(self) -> None:
        """Note that final blocks are missing here."""
        self._is_behind.set()

    def settled(self) -> None:
        """Note that none is missing any more."""
        self._is_behind.clear()

    async def run(self) -> None:
        """Fetch while blocks are missing, until cancelled."""
        while True:
            await self._is_behind.wait()
            if not self._peers:
                return
            self._answered.clear()
            peer = self._choose_peer()
            self._asked.add(peer)
            request = HistoryRequest(Height(self._archive.height + 1))
            self._transport.send(peer, Channel.BACKFILL, encode(request))
            try:
                # Not wait_for: before Python 3.12 it forgets a cancellation that comes together
                # with the answer, and a node that is stopped while it catches up never ends.
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._answered.wait()
            except TimeoutError:
                continue

    def _choose_peer(self) -> ValidatorIndex:
        return self._random.choice(self._trusted_peers() or self._peers)

    def _trusted_peers(self) -> list[ValidatorIndex]:
        now = asyncio.get_running_loop().time()
        return [peer for peer in self._peers if self._distrusted_until.get(peer, 0.0) <= now]

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Take a message of the backfill channel."""
        try:
            message = decode(
                payload, PayloadRequest, HistoryRequest, HistoryResponse, limit_bytes=len(payload)
            )
        except CodecError as error:
            self.rejected[f"malformed backfill message: {type(error).__name__}"] += 1
            return
        if isinstance(message, PayloadRequest):
            self._serve_payload(peer, message.digest)
        elif isinstance(message, HistoryRequest):
            self._serve_history(peer, message.first_height)
        elif isinstance(message, HistoryResponse):
            self._take(peer, message)

    def _serve_payload(self, peer: ValidatorIndex, digest: Digest) -> None:
        known = self._tree.get(digest)
        sealed = known.sealed if known is not None else self._archive.block_by_digest(digest)
        if sealed is not None:
            self._transport.send(peer, Channel.PAYLOAD, sealed.encoded)

    def _serve_history(self, peer: ValidatorIndex, first_height: int) -> None:
        blocks: list[SealedBlock] = []
        size = 0
        for height in range(first_height, self._archive.height + 1):
            sealed = self._archive.block(height)
            if sealed is None or len(blocks) == MAX_REQUESTED_BLOCKS:
                break
            size += len(sealed.encoded) + 8
            if size > _RESPONSE_BYTES:
                break
            blocks.append(sealed)
        if not blocks:
            return
        certificate = self._archive.certificate_from(blocks[-1].header.view)
        link = None if certificate is None else self._link(blocks[-1], certificate)
        if certificate is not None and link is not None:
            raws = tuple(block.encoded for block in blocks)
            response = HistoryResponse(raws, link, certificate)
            self._transport.send(peer, Channel.BACKFILL, encode(response))

    def _link(self, last: SealedBlock, certificate: Finalization) -> tuple[BlockHeader, ...] | None:
        """Headers after a block up to the one of a certificate; None if they are not all here."""
        headers: list[BlockHeader] = []
        block: SealedBlock | None = last
        while block is not None and block.digest != certificate.proposal.payload:
            block = self._archive.block(last.header.height + len(headers) + 1)
            if block is None or len(headers) == MAX_LINK_HEADERS:
                return None
            headers.append(block.header)
        return tuple(headers)

    def _take(self, peer: ValidatorIndex, response: HistoryResponse) -> None:
        if peer not in self._asked:
            self.rejected["history that nobody asked for"] += 1
            return
        self._asked.discard(peer)
        try:
            blocks = self._verify(response)
            if not blocks:
                return  # A late answer to a request that another peer has answered.
            self._on_blocks(peer, blocks, response.finalization)
        except (LedgerError, BlockRejected) as error:
            self.rejected[f"bad history: {type(error).__name__}"] += 1
            log.warning("bad history", peer=peer, reason=str(error))
            now = asyncio.get_running_loop().time()
            self._distrusted_until[peer] = now + DISTRUST_SECONDS
            if self._trusted_peers():
                self._answered.set()
            return
        self.fetched_blocks += len(blocks)
        self._answered.set()

    def _verify(self, response: HistoryResponse) -> list[SealedBlock]:
        """Blocks of a response that extend the own final ledger.

        Raises
        ------
        CodecError, SignatureError, HistoryError
            If the response does not prove them.
        """
        blocks = [open_block(raw) for raw in response.blocks]
        blocks = [block for block in blocks if block.header.height > self._archive.height]
        parent = self._tree.root
        for block in blocks:
            if block.header.parent != parent:
                raise HistoryError(f"block {block.header.height} does not extend the one before")
            parent = block.digest
        for header in response.link:
            if header.parent != parent:
                raise HistoryError(f"header {header.height} does not extend the one before")
            parent = header_digest(header)
        if blocks and response.finalization.proposal.payload != parent:
            raise HistoryError("the finalization is of another block")
        self._validators.verify_certificate(response.finalization)
        return blocks
