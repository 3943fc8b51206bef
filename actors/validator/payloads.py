"""Payloads: getting them, checking them, answering consensus.

A payload that is not here, or whose ancestors are not, is pending: it is asked for
and the answer waits. Everything else is decided at once, except for checkpoint
certificates, which the bridge verifies, entries of L1's queue, which wait until L1 shows
them here, and blocks dated in the future, which wait until the clock has caught up: an
answer has to be the same on every honest node.

A digest covers the header, and the header the body. So a copy whose body is not the
header's says nothing about the payload: it is thrown away, and another copy is asked for.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

from actors.messages import PayloadRequest
from actors.transport.interface import Channel, Transport
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.clients import BridgeClient, PartUnavailable
from actors.validator.errors import UnknownParent
from actors.validator.l1_desk import L1Desk
from actors.validator.proposer import unix_milliseconds
from actors.validator.tasks import Tasks
from actors.validator.vote_journal import VoteJournal
from bridge.checkpoints import certificates_of
from bridge.errors import BlockRejected, TimestampAhead, WrongBody
from bridge.membership import is_last_of_epoch
from bridge.rules import check_drift
from consensus.effects import CheckPayload
from consensus.events import PayloadChecked
from ledger.block import SealedBlock, open_block
from ledger.codec import encode
from ledger.errors import CodecError
from ledger.types import Digest, ValidatorIndex, View

MAX_UNCHECKED_PER_PEER: Final = 16
MAX_WANTED: Final = 512
RETRY_SECONDS: Final = 0.1

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Wanted:
    """Why a payload is wanted.

    ``view`` is the last view that needs it. ``questions`` are those of consensus.
    ``is_sought`` holds for an ancestor of a wanted payload or a final one, and
    ``is_final`` if a certificate has decided on it: neither its date nor the
    signatures in it nor its entries of L1 are checked then.
    """

    view: View
    questions: list[CheckPayload] = field(default_factory=list)
    is_sought: bool = False
    is_final: bool = False


class PayloadDesk:
    """Payloads between their arrival and the tree.

    Parameters
    ----------
    leader_of
        Leader of a view.
    on_checked
        Takes the answers for consensus.
    on_added
        Told every block that enters the tree here; calls :meth:`parent_arrived`.
    """

    def __init__(
        self,
        tree: BlockTree,
        journal: VoteJournal,
        transport: Transport,
        bridge: BridgeClient,
        l1: L1Desk,
        max_drift_ms: int,
        tasks: Tasks,
        leader_of: Callable[[View], ValidatorIndex],
        on_checked: Callable[[PayloadChecked], None],
        on_added: Callable[[TreeBlock], None],
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._tree = tree
        self._journal = journal
        self._transport = transport
        self._bridge = bridge
        self._l1 = l1
        self._max_drift_ms = max_drift_ms
        self._tasks = tasks
        self._leader_of = leader_of
        self._on_checked = on_checked
        self._on_added = on_added
        self._unchecked: dict[Digest, tuple[ValidatorIndex, SealedBlock]] = {}
        self._wanted: dict[Digest, _Wanted] = {}
        self._in_check: set[Digest] = set()

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

    # WHAT IS WANTED

    def add_own(self, block: TreeBlock) -> None:
        """Journal an own payload and put it into the tree."""
        self._journal.add_payload(block.sealed)
        self._add(block)

    def check(self, effect: CheckPayload) -> None:
        """Begin to check the payload of a proposal."""
        wanted = self._want(effect.proposal.payload, effect.proposal.view)
        wanted.questions.append(effect)
        self._examine(effect.proposal.payload)

    def want_final(self, digest: Digest, view: View) -> None:
        """Get a payload that is final by its certificate, and its ancestors."""
        self._seek(digest, view, is_final=True)

    def parent_arrived(self, parent: Digest) -> None:
        """Look again at wanted payloads that extend a block which is in the tree now."""
        children = [
            digest
            for digest, (_, sealed) in self._unchecked.items()
            if sealed.header.parent == parent and digest in self._wanted
        ]
        for child in children:
            self._examine(child)

    def forget_up_to(self, final_view: View) -> None:
        """Drop what belongs to views that are over for good."""
        self._wanted = {
            digest: wanted for digest, wanted in self._wanted.items() if wanted.view > final_view
        }
        self._unchecked = {
            digest: entry
            for digest, entry in self._unchecked.items()
            if entry[1].header.view > final_view
        }

    # WHAT COMES

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Take a payload from a peer: a leader's own, or one that was asked for."""
        try:
            sealed = open_block(payload)
        except CodecError as error:
            self.rejected[f"malformed payload: {type(error).__name__}"] += 1
            return
        is_known = sealed.digest in self._tree or sealed.digest in self._unchecked
        is_old = sealed.header.view <= self._tree.root_state.view
        if is_known or is_old:
            return
        is_solicited = sealed.digest in self._wanted
        if not is_solicited and sealed.header.proposer != peer:
            self.rejected["payload that nobody asked for"] += 1
            return
        if not is_solicited:
            self._make_room_for(peer)
        self._unchecked[sealed.digest] = (peer, sealed)
        if is_solicited:
            self._examine(sealed.digest)

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

    # DECIDING

    def _want(self, digest: Digest, view: View) -> _Wanted:
        wanted = self._wanted.get(digest)
        if wanted is None:
            if len(self._wanted) >= MAX_WANTED:
                del self._wanted[next(iter(self._wanted))]
            wanted = self._wanted[digest] = _Wanted(view)
        wanted.view = max(wanted.view, view)
        return wanted

    def _seek(self, digest: Digest, view: View, is_final: bool) -> None:
        wanted = self._want(digest, view)
        is_news = not wanted.is_sought or (is_final and not wanted.is_final)
        wanted.is_sought = True
        wanted.is_final = wanted.is_final or is_final
        if is_news:
            self._examine(digest)

    def _examine(self, digest: Digest) -> None:
        """Decide on a wanted payload, if everything that it needs is here."""
        wanted = self._wanted.get(digest)
        if wanted is None:
            return
        known = self._tree.get(digest)
        if known is not None:
            self._conclude(digest, known.sealed)
            return
        entry = self._unchecked.get(digest)
        if entry is None or (digest in self._in_check and not wanted.is_final):
            return
        sealed = entry[1]
        self._refuse_wrong_questions(wanted, sealed)
        if not wanted.questions and not wanted.is_sought:
            del self._wanted[digest]
            return
        if sealed.header.parent not in self._tree:
            self._seek(sealed.header.parent, sealed.header.view, wanted.is_final)
            return
        self._check(sealed, wanted)

    def _check(self, sealed: SealedBlock, wanted: _Wanted) -> None:
        digest = sealed.digest
        try:
            block = self._tree.check(sealed, self._leader_of(sealed.header.view))
            if not wanted.is_final:
                check_drift(sealed.header, unix_milliseconds(), self._max_drift_ms)
        except TimestampAhead:
            self.rejected["payload dated ahead: it waits"] += 1
            self._in_check.add(digest)
            self._tasks.start(self._examine_later(digest))
        except WrongBody:
            self.rejected["payload with another body than its header's"] += 1
            self._unchecked.pop(digest, None)
        except BlockRejected as error:
            self._reject(digest, type(error).__name__)
        else:
            has_questions = bool(certificates_of(sealed.block) or sealed.body.l1_messages)
            if has_questions and not wanted.is_final:
                self._in_check.add(digest)
                self._tasks.start(self._verify(block))
            else:
                self._accept(block)

    async def _examine_later(self, digest: Digest) -> None:
        await asyncio.sleep(RETRY_SECONDS)
        self._in_check.discard(digest)
        self._examine(digest)

    async def _verify(self, block: TreeBlock) -> None:
        """Ask the bridge and L1 what only they know of a block."""
        broken_rule: str | None = None
        if not await self._has_valid_certificates(block):
            broken_rule = "CheckpointSignature"
        elif not await self._agrees_with_l1(block):
            broken_rule = "OtherThanL1"
        self._in_check.discard(block.digest)
        if self._is_over(block):
            return
        if broken_rule is not None:
            self._reject(block.digest, broken_rule)
        elif block.sealed.header.parent in self._tree:
            self._accept(block)

    async def _has_valid_certificates(self, block: TreeBlock) -> bool:
        certificates = certificates_of(block.sealed.block)
        is_valid: bool | None = None if certificates else True
        while is_valid is None:
            try:
                is_valid = await self._bridge.verify(certificates)
            except PartUnavailable:
                await asyncio.sleep(RETRY_SECONDS)
        return is_valid

    async def _agrees_with_l1(self, block: TreeBlock) -> bool:
        """Wait until L1 shows a block's entries here, or others, or the block is forgotten."""
        messages = block.sealed.body.l1_messages
        agrees: bool | None = None if messages else True
        is_first_look = True
        while agrees is None and not self._is_over(block):
            agrees = await self._l1.agrees(messages)
            if agrees is None:
                self.rejected["payload ahead of L1 as seen here: it waits"] += is_first_look
                is_first_look = False
                await asyncio.sleep(RETRY_SECONDS)
        return agrees is True

    def _is_over(self, block: TreeBlock) -> bool:
        """Whether a payload in check was accepted or forgotten meanwhile."""
        return block.digest not in self._unchecked

    def _accept(self, block: TreeBlock) -> None:
        self._journal.add_payload(block.sealed)
        self._add(block)
        self._conclude(block.digest, block.sealed)

    def _add(self, block: TreeBlock) -> None:
        self._unchecked.pop(block.digest, None)
        self._tree.add(block)
        self._on_added(block)

    # ANSWERING

    def _refuse_wrong_questions(self, wanted: _Wanted, sealed: SealedBlock) -> None:
        """Answer proposals that this payload cannot be of: one of another view, or parent."""
        right = [question for question in wanted.questions if _is_about(question, sealed)]
        wrong = [question for question in wanted.questions if not _is_about(question, sealed)]
        wanted.questions = right
        for question in wrong:
            self.rejected["payload of another view or parent than the proposal's"] += 1
            self._answer(question, False)

    def _conclude(self, digest: Digest, sealed: SealedBlock) -> None:
        """Answer for a payload that is in the tree."""
        wanted = self._wanted.pop(digest, None)
        if wanted is None:
            return
        self._refuse_wrong_questions(wanted, sealed)
        for question in wanted.questions:
            self._answer(question, True)

    def _reject(self, digest: Digest, rule: str) -> None:
        self.rejected[f"invalid payload: {rule}"] += 1
        log.warning("invalid payload", digest=digest.hex()[:16], rule=rule)
        self._unchecked.pop(digest, None)
        wanted = self._wanted.pop(digest, None)
        if wanted is not None:
            for question in wanted.questions:
                self._answer(question, False)

    def _answer(self, question: CheckPayload, is_valid: bool) -> None:
        proposal = question.proposal
        self._on_checked(PayloadChecked(proposal.view, proposal.payload, is_valid))

    def _make_room_for(self, peer: ValidatorIndex) -> None:
        """Forget the oldest payload that a peer sent unasked, if it has too many here."""
        unasked = [
            digest
            for digest, (sender, _) in self._unchecked.items()
            if sender == peer and digest not in self._wanted
        ]
        if len(unasked) >= MAX_UNCHECKED_PER_PEER:
            del self._unchecked[unasked[0]]


def _is_about(question: CheckPayload, sealed: SealedBlock) -> bool:
    header = sealed.header
    is_proposed_again = question.parent_payload == sealed.digest
    if is_proposed_again:
        return is_last_of_epoch(sealed)
    is_of_view = header.view == question.proposal.view
    return is_of_view and header.parent == question.parent_payload
