"""Payloads: getting them, checking them, answering consensus.

A payload that is not here, or whose ancestors are not, is pending: it is asked for
and the answer waits. Everything else is decided at once, except for checkpoint
certificates, which the bridge verifies, and blocks dated in the future, which wait
until the clock has caught up: an answer has to be the same on every honest node.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from typing import Final

import structlog

from actors.messages import PayloadRequest
from actors.transport.interface import Channel, Transport
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.clients import BridgeClient, PartUnavailable
from actors.validator.errors import UnknownParent
from actors.validator.proposer import unix_milliseconds
from actors.validator.vote_journal import VoteJournal
from bridge.checkpoints import certificates_of
from bridge.errors import BlockRejected, TimestampAhead
from bridge.rules import check_drift
from consensus.effects import CheckPayload
from consensus.events import PayloadChecked
from ledger.block import SealedBlock, open_block
from ledger.codec import encode
from ledger.errors import CodecError
from ledger.types import Digest, ValidatorIndex, View
from ledger.votes import Proposal

MAX_UNCHECKED_PER_PEER: Final = 16
MAX_WANTED: Final = 512
RETRY_SECONDS: Final = 0.2

log = structlog.get_logger(__name__)


class PayloadDesk:
    """Payloads between their arrival and the tree.

    Parameters
    ----------
    leader_of
        Leader of a view.
    on_checked
        Takes the answers for consensus.
    on_added
        Told every block that entered the tree.
    """

    def __init__(
        self,
        tree: BlockTree,
        journal: VoteJournal,
        transport: Transport,
        bridge: BridgeClient,
        max_drift_ms: int,
        leader_of: Callable[[View], ValidatorIndex],
        on_checked: Callable[[PayloadChecked], None],
        on_added: Callable[[TreeBlock], None],
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._tree = tree
        self._journal = journal
        self._transport = transport
        self._bridge = bridge
        self._max_drift_ms = max_drift_ms
        self._leader_of = leader_of
        self._on_checked = on_checked
        self._on_added = on_added
        self._unchecked: OrderedDict[Digest, tuple[ValidatorIndex, SealedBlock]] = OrderedDict()
        self._unchecked_counts: Counter[ValidatorIndex] = Counter()
        self._wanted: dict[Digest, tuple[Proposal, Digest] | None] = {}
        self._in_check: set[Digest] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def restore(self, payloads: Iterable[SealedBlock]) -> None:
        """Put back the payloads of the journal that extend the final ledger."""
        for sealed in sorted(payloads, key=lambda block: block.header.height):
            if sealed.digest in self._tree:
                continue
            try:
                block = self._tree.check(sealed, self._leader_of(sealed.header.view))
            except (UnknownParent, BlockRejected):
                continue  # Of a branch that finality has left behind.
            self._tree.add(block)
            self._on_added(block)

    def add_own(self, block: TreeBlock) -> None:
        """Journal an own payload and put it into the tree."""
        self._journal.add_payload(block.sealed)
        self._add(block)

    def check(self, effect: CheckPayload) -> None:
        """Begin to check the payload of a proposal."""
        self._want(effect.proposal.payload, (effect.proposal, effect.parent_payload))

    def want(self, digest: Digest) -> None:
        """Get a payload that no proposal asks for, such as a missing ancestor."""
        self._want(digest, None)

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Take a payload from a peer: a leader's own, or one that was asked for."""
        try:
            sealed = open_block(payload)
        except CodecError as error:
            self.rejected[f"malformed payload: {type(error).__name__}"] += 1
            return
        if sealed.digest in self._tree or sealed.digest in self._unchecked:
            return
        is_solicited = sealed.digest in self._wanted
        if not is_solicited and sealed.header.proposer != peer:
            self.rejected["payload that nobody asked for"] += 1
            return
        if self._unchecked_counts[peer] >= MAX_UNCHECKED_PER_PEER and not is_solicited:
            self._forget_oldest_of(peer)
        self._unchecked[sealed.digest] = (peer, sealed)
        self._unchecked_counts[peer] += 1
        if is_solicited:
            self._examine(sealed.digest)

    def forget_below(self, view: View) -> None:
        """Drop what belongs to views that are over for good."""
        for digest, (_, sealed) in list(self._unchecked.items()):
            if sealed.header.view < view:
                self._remove_unchecked(digest)
        self._wanted = {
            digest: reason
            for digest, reason in self._wanted.items()
            if reason is None or reason[0].view >= view
        }

    async def request_missing(self, interval_seconds: float) -> None:
        """Ask peers for what is wanted and not here, until cancelled."""
        asked: dict[Digest, int] = {}
        while True:
            await asyncio.sleep(interval_seconds)
            missing = [digest for digest in self._wanted if digest not in self._unchecked]
            asked = {digest: asked.get(digest, 0) for digest in missing}
            for digest, count in asked.items():
                if count > 0:  # It has had one whole interval to arrive by itself.
                    self._transport.broadcast(Channel.BACKFILL, encode(PayloadRequest(digest)))
                asked[digest] = count + 1

    def close(self) -> None:
        """Stop checks that wait."""
        for task in self._tasks:
            task.cancel()

    def _want(self, digest: Digest, reason: tuple[Proposal, Digest] | None) -> None:
        if len(self._wanted) >= MAX_WANTED:
            del self._wanted[next(iter(self._wanted))]
        if reason is not None or digest not in self._wanted:
            self._wanted[digest] = reason
        self._examine(digest)

    def _examine(self, digest: Digest) -> None:
        """Decide on a wanted payload, if everything that it needs is here."""
        known = self._tree.get(digest)
        if known is not None:
            self._conclude(digest, known.sealed)
            return
        entry = self._unchecked.get(digest)
        if entry is None or digest in self._in_check:
            return
        sealed = entry[1]
        if sealed.header.parent not in self._tree:
            if sealed.header.parent not in self._wanted:
                self._want(sealed.header.parent, None)
            return
        try:
            block = self._tree.check(sealed, self._leader_of(sealed.header.view))
            check_drift(sealed.header, unix_milliseconds(), self._max_drift_ms)
        except TimestampAhead:
            self._start(self._examine_later(digest))
            return
        except BlockRejected as error:
            self._reject(digest, type(error).__name__)
            return
        if certificates_of(sealed.block):
            self._in_check.add(digest)
            self._start(self._verify(block))
        else:
            self._accept(block)

    async def _examine_later(self, digest: Digest) -> None:
        await asyncio.sleep(RETRY_SECONDS)
        self._examine(digest)

    async def _verify(self, block: TreeBlock) -> None:
        """Have the bridge verify a block's checkpoint certificates."""
        is_valid: bool | None = None
        while is_valid is None:
            try:
                is_valid = await self._bridge.verify(certificates_of(block.sealed.block))
            except PartUnavailable:
                await asyncio.sleep(RETRY_SECONDS)
        self._in_check.discard(block.digest)
        if not is_valid:
            self._reject(block.digest, "CheckpointSignature")
        elif block.sealed.header.parent in self._tree:
            self._accept(block)

    def _accept(self, block: TreeBlock) -> None:
        self._journal.add_payload(block.sealed)
        self._add(block)
        self._conclude(block.digest, block.sealed)

    def _add(self, block: TreeBlock) -> None:
        self._remove_unchecked(block.digest)
        self._tree.add(block)
        self._on_added(block)
        children = [
            digest
            for digest, (_, sealed) in self._unchecked.items()
            if sealed.header.parent == block.digest and digest in self._wanted
        ]
        for child in children:
            self._examine(child)

    def _conclude(self, digest: Digest, sealed: SealedBlock) -> None:
        """Answer for a payload that is in the tree."""
        reason = self._wanted.pop(digest, None)
        if reason is None:
            return
        proposal, parent_payload = reason
        is_for_this = sealed.header.view == proposal.view and sealed.header.parent == parent_payload
        self._on_checked(PayloadChecked(proposal.view, digest, is_for_this))

    def _reject(self, digest: Digest, rule: str) -> None:
        self.rejected[f"invalid payload: {rule}"] += 1
        log.warning("invalid payload", digest=digest.hex()[:16], rule=rule)
        self._remove_unchecked(digest)
        reason = self._wanted.pop(digest, None)
        if reason is not None:
            self._on_checked(PayloadChecked(reason[0].view, digest, False))

    def _remove_unchecked(self, digest: Digest) -> None:
        entry = self._unchecked.pop(digest, None)
        if entry is not None:
            self._unchecked_counts[entry[0]] -= 1

    def _forget_oldest_of(self, peer: ValidatorIndex) -> None:
        for digest, (sender, _) in self._unchecked.items():
            if sender == peer:
                self._remove_unchecked(digest)
                return

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
