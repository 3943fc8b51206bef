"""Four consensus drivers in virtual time; one of them has a real journal and dies at a boundary.

Driver, journal and core are the product's. Payloads are blocks with nothing in them, signatures
are keyed hashes, and the wire is a queue: a run takes milliseconds, and the same plan gives the
same run. What the drivers say is judged by the simulator's checker, which shares no code with them.
"""

import asyncio
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

from crash_journal import Boundary, Crash, CrashJournal, CrashPlan, Disk
from virtual_time import run_in_virtual_time

from actors.transport.interface import Channel
from actors.validator.consensus_driver import ConsensusDriver
from actors.validator.vote_journal import VoteJournal
from consensus.config import ConsensusConfig
from consensus.effects import (
    CheckPayload,
    EnteredView,
    EvidenceFound,
    Finalized,
    Notarized,
    Nullified,
    PublishPayload,
    RequestProposal,
)
from consensus.events import PayloadChecked, ProposalBuilt
from consensus.messages import open_message
from ledger.block import BlockBody, BlockHeader, LedgerBlock, SealedBlock, body_digest, seal
from ledger.types import (
    BlockNumber,
    ChainRole,
    Digest,
    Epoch,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.votes import Notarize
from storage.journal import Journal
from tests.simulation.checker import Checker
from tests.simulation.keys import KeyedHashValidators

VALIDATORS = 4
VICTIM = 1
DELTA_MS = 100
BUILD_SECONDS = 0.01
FETCH_SECONDS = 0.02
DOWN_SECONDS = 0.12
LATENCY_SECONDS = (0.001, 0.006)
VIEWS_AFTERWARDS = 6
LIMIT_SECONDS = 60.0


class NodeParts:
    """One driver with its journal, and the application and transport that it is given."""

    def __init__(self, world: "CrashWorld", index: int, journal: Journal, plan: CrashPlan) -> None:
        self.world = world
        self.index = index
        self.journal = VoteJournal(journal)
        self.plan = plan
        self.payloads = {block.digest: block for block in self.journal.payloads}
        self.waiting: dict[Digest, CheckPayload] = {}
        self.final_view = View(0)
        validators = world.validators
        config = ConsensusConfig(
            ValidatorIndex(index), validators, validators.signer(ValidatorIndex(index)), DELTA_MS
        )
        transport: Any = self
        self.driver = ConsensusDriver(config, self.journal, transport, self, world.clock_ms)

    # TRANSPORT

    def broadcast(self, channel: Channel, payload: bytes) -> None:
        self._send(range(VALIDATORS), payload)

    def send(self, peer: int, channel: Channel, payload: bytes) -> None:
        self._send([peer], payload)

    def _send(self, peers: Any, payload: bytes) -> None:
        self.plan.reach(Boundary.BEFORE_SEND)
        self.world.said(self, open_message(payload))
        for peer in peers:
            if peer != self.index:
                self.world.deliver(self.index, peer, payload)

    # APPLICATION

    def publish_payload(self, effect: PublishPayload) -> None:
        self.plan.reach(Boundary.BEFORE_SEND)
        self.world.publish(self.index, self.payloads[effect.payload])

    def request_proposal(self, effect: RequestProposal) -> None:
        self.world.after(BUILD_SECONDS, self, lambda: self._build(effect))

    def _build(self, effect: RequestProposal) -> None:
        block = empty_block(effect.view, effect.parent_payload, self.index)
        self._keep(block)
        self.driver.post(ProposalBuilt(effect.view, block.digest))
        self.driver.turn()

    def check_payload(self, effect: CheckPayload) -> None:
        self.waiting[effect.proposal.payload] = effect
        if effect.proposal.payload in self.payloads:
            self._answer(effect.proposal.payload)
        else:
            self.world.after(FETCH_SECONDS, self, lambda: self._fetch(effect.proposal.payload))

    def take_payload(self, block: SealedBlock) -> None:
        """A payload that has arrived; what was waiting for it goes on."""
        if block.digest not in self.payloads:
            self._keep(block)
        self._answer(block.digest)

    def _keep(self, block: SealedBlock) -> None:
        self.payloads[block.digest] = block
        self.journal.add_payload(block)

    def _fetch(self, digest: Digest) -> None:
        """Ask the others for a payload that has not come by itself."""
        if digest in self.payloads:
            return
        found = self.world.find(digest)
        if found is not None:
            self.take_payload(found)
        else:
            self.world.after(FETCH_SECONDS, self, lambda: self._fetch(digest))

    def _answer(self, digest: Digest) -> None:
        effect = self.waiting.pop(digest, None)
        if effect is None:
            return
        is_valid = self.payloads[digest].header.parent == effect.parent_payload
        self.driver.post(PayloadChecked(effect.proposal.view, digest, is_valid))

    def entered_view(self, effect: EnteredView) -> None:
        pass

    def notarized(self, effect: Notarized) -> None:
        pass

    def nullified(self, effect: Nullified) -> None:
        pass

    def finalized(self, effect: Finalized) -> None:
        self.world.checker.certified_final(self.index, effect)
        self.final_view = max(self.final_view, effect.certificate.proposal.view)

    def evidence_found(self, effect: EvidenceFound) -> None:
        self.world.checker.found(self.index, effect)

    def heard_of_epoch(self, peer: ValidatorIndex, epoch: Epoch) -> None:
        raise AssertionError(f"there is one epoch here, and {peer} speaks in {epoch}")


class CrashWorld:
    """One run.

    Parameters
    ----------
    fatal
        Boundaries at which the victim dies, one for each of its lives; then it lives on.
    views
        The victim may die in this many views; afterwards all have to make progress.
    journal_class
        The victim's journal; a test of this harness hands in a broken one.
    """

    def __init__(
        self,
        directory: Path,
        fatal: tuple[int, ...],
        disk: Disk,
        views: int,
        *,
        seed: int = 1,
        segment_bytes: int = 1 << 25,
        journal_class: type[CrashJournal] = CrashJournal,
    ) -> None:
        self.validators = KeyedHashValidators(VALIDATORS)
        self.checker = Checker(self.validators, frozenset())
        self.plans = [CrashPlan(number) for number in fatal] + [CrashPlan()]
        self.lives = 0
        self._directory = directory
        self._disk = disk
        self._views = views
        self._segment_bytes = segment_bytes
        self._journal_class = journal_class
        self._random = Random(seed)
        self._nodes: dict[int, NodeParts] = {}
        self._runs: dict[int, asyncio.Task[None]] = {}
        self._promised: set[Digest] = set()
        """Payloads for which the victim's vote has left."""
        self._last_vote_view = View(0)
        self._errors: list[BaseException] = []
        self._queues: defaultdict[tuple[int, int], float] = defaultdict(float)

    def run(self) -> None:
        """Run to the end.

        Raises
        ------
        AssertionError
            If a promise is broken, or the victim does not vote again.
        """
        run_in_virtual_time(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._failed)
        for index in range(VALIDATORS):
            self._start(index)
        goal = View(self._views)
        while not (self._is_last_life and self._have_reached(goal)):
            if self._errors:
                raise self._errors[0]
            assert loop.time() < LIMIT_SECONDS, f"no progress to view {goal}: {self._describe()}"
            if not self._is_last_life and self._have_reached(goal):
                break  # The boundary lies beyond the run.
            await asyncio.sleep(DELTA_MS / 1000)
        final = View(min(node.final_view for node in self._nodes.values()))
        goal = View(final + VIEWS_AFTERWARDS)
        while not (self._have_reached(goal) and self._last_vote_view > final):
            if self._errors:
                raise self._errors[0]
            assert loop.time() < 2 * LIMIT_SECONDS, f"it ended at {final}: {self._describe()}"
            await asyncio.sleep(DELTA_MS / 1000)
        for task in self._runs.values():
            task.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)
        for node in self._nodes.values():
            assert node.driver.peer_faults == {}, node.driver.peer_faults
            node.driver.close()
            node.journal.close()

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._errors.append(context.get("exception") or AssertionError(context["message"]))

    # LIVES

    @property
    def _is_last_life(self) -> bool:
        return self.lives == len(self.plans)

    def _start(self, index: int) -> None:
        if index == VICTIM:
            plan = self.plans[self.lives]
            node = NodeParts(self, index, self._open(plan), plan)
        else:
            journal = Journal(self._directory / f"peer-{index}")
            node = NodeParts(self, index, journal, CrashPlan())
        self._nodes[index] = node
        self._guard(node, node.driver.start)
        if self._nodes.get(index) is node:
            task = asyncio.get_running_loop().create_task(node.driver.run())
            self._runs[index] = task
            task.add_done_callback(lambda task: self._ended(node, task))

    def _open(self, plan: CrashPlan) -> Journal:
        path = self._directory / f"life-{self.lives}"
        journal = self._journal_class(path, plan, segment_bytes=self._segment_bytes)
        self.lives += 1
        self._victim_journal = journal
        kept = {block.digest for block in VoteJournal(journal).payloads}
        assert self._promised <= kept, "a payload that was voted for is lost"
        return journal

    def _guard(self, node: NodeParts, work: Any) -> None:
        """Run a part of a node's work; it may be its last."""
        if self._nodes.get(node.index) is not node:
            return
        try:
            work()
        except Crash:
            self._crashed(node)

    def _ended(self, node: NodeParts, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Crash):
            self._crashed(node)
        elif error is not None:
            self._errors.append(error)

    def _crashed(self, node: NodeParts) -> None:
        if self._nodes.get(node.index) is not node:
            return
        del self._nodes[node.index]
        node.driver.close()
        task = self._runs.pop(node.index, None)
        if task is not None:
            task.cancel()
        target = self._directory / f"life-{self.lives}"
        self._victim_journal.copy_as_left_by(self._disk, target, self._random)
        self.checker.restarted(node.index)
        asyncio.get_running_loop().call_later(DOWN_SECONDS, self._start, node.index)

    # WIRE

    def clock_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    def after(self, seconds: float, node: NodeParts, work: Any) -> None:
        asyncio.get_running_loop().call_later(seconds, self._guard, node, work)

    def said(self, node: NodeParts, message: Any) -> None:
        self.checker.sent(node.index, message)
        if node.index == VICTIM and isinstance(message, Notarize):
            self._promised.add(message.proposal.payload)
            self._last_vote_view = max(self._last_vote_view, message.proposal.view)

    def deliver(self, sender: int, receiver: int, payload: bytes) -> None:
        """Have a message arrive some time later, after those that were sent before it."""

        def receive() -> None:
            node = self._nodes.get(receiver)
            if node is not None:
                node.driver.receive(ValidatorIndex(sender), payload)
                self._guard(node, node.driver.turn)

        self._at_arrival(sender, receiver, receive)

    def publish(self, sender: int, block: SealedBlock) -> None:
        for receiver in range(VALIDATORS):
            if receiver != sender:
                self._at_arrival(sender, receiver, lambda to=receiver: self._hand(to, block))

    def _hand(self, receiver: int, block: SealedBlock) -> None:
        node = self._nodes.get(receiver)
        if node is not None:
            self._guard(node, lambda: node.take_payload(block))

    def _at_arrival(self, sender: int, receiver: int, work: Any) -> None:
        loop = asyncio.get_running_loop()
        arrival = loop.time() + self._random.uniform(*LATENCY_SECONDS)
        arrival = max(arrival, self._queues[sender, receiver])
        self._queues[sender, receiver] = arrival
        loop.call_at(arrival, work)

    def find(self, digest: Digest) -> SealedBlock | None:
        for node in self._nodes.values():
            if digest in node.payloads:
                return node.payloads[digest]
        return None

    # LOOKING

    def _have_reached(self, view: View) -> bool:
        is_complete = len(self._nodes) == VALIDATORS
        return is_complete and all(node.final_view >= view for node in self._nodes.values())

    def _describe(self) -> str:
        return ", ".join(
            f"{index}: view {node.driver.state.view}, final {node.final_view}"
            for index, node in sorted(self._nodes.items())
        )


def empty_block(view: View, parent: Digest, proposer: int) -> SealedBlock:
    """A block with nothing in it."""
    body = BlockBody((), (), (), (), ())
    header = BlockHeader(
        epoch=Epoch(0),
        view=view,
        height=Height(view),
        parent=parent,
        chain=ChainRole.FAST,
        chain_block_number=BlockNumber(view),
        timestamp_ms=TimestampMs(1),
        proposer=ValidatorIndex(proposer),
        body=body_digest(body),
    )
    return seal(LedgerBlock(header, body))
