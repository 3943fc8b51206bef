"""One validator: consensus in the middle, everything that it asks for around it.

The life of a block here: its payload arrives (``payloads``), consensus votes on it
(``consensus_driver``), at notarization its chain's executor gets it (``feed``), at
finalization it goes to the archive, its result is attested (``checkpoints``), and
its transactions leave the mempools (``pools``).

A node lives for one epoch. When the last block of it is final, everything is on the disk
and the node has said its last word; its owner closes it and makes another one, which
finds the next epoch's set there. To the new one this is a restart like any other.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random

import structlog

from actors.execution_messages import ExecutorAnswer, FinalBlock
from actors.snapshots.server import SnapshotServer
from actors.snapshots.shelf import SnapshotShelf
from actors.snapshots.state_sync import StateSync
from actors.transport.errors import NotRunningError
from actors.transport.interface import Channel, Transport
from actors.validator.archive import Archive
from actors.validator.backfill import Backfill
from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.checkpoints import CheckpointDesk
from actors.validator.clients import BridgeClient, ExecutorClient, L1View
from actors.validator.consensus_driver import ConsensusDriver
from actors.validator.epoch_guide import EpochGuide
from actors.validator.errors import GenesisMismatch, UnknownParent
from actors.validator.feed import ExecutionFeed
from actors.validator.finality import Finality
from actors.validator.history import History
from actors.validator.history_server import HistoryServer
from actors.validator.l1_desk import L1Desk
from actors.validator.latency import NodeLatencies
from actors.validator.operator_votes import StoredVotes
from actors.validator.operators import OperatorDesk
from actors.validator.payloads import PayloadDesk
from actors.validator.peer_standing import PeerStandings
from actors.validator.pools import TransactionPools
from actors.validator.proposer import Proposer
from actors.validator.snapshots import (
    NodeSnapshots,
    SnapshotSettings,
    install_if_ready,
    plan_recent,
)
from actors.validator.tasks import Tasks
from actors.validator.vote_journal import VoteJournal
from bridge.attestations import Divergence
from bridge.membership import is_last_of_epoch
from bridge.state import BridgeState
from bridge.triggers import DEFAULT_LIMITS, TriggerLimits
from bridge.watch import QuarantineWatch
from bridge.work import ChainWork, FastReplay
from consensus.config import GENESIS_VIEW, ConsensusConfig
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
from consensus.events import LeadersConvicted, MessageReceived, PayloadChecked, ProposalBuilt
from execution.mempool import AddOutcome
from gateway.backend import SubmittedTransaction
from ledger.block import SealedBlock, header_digest
from ledger.genesis import Genesis
from ledger.keys import ValidatorKeys
from ledger.types import NO_VALIDATOR, ChainRole, Digest, Epoch, ValidatorIndex, View
from ledger.validators import ValidatorSet
from ledger.votes import Finalization
from storage.journal import Journal
from storage.store import Store

MAX_TIMED_VIEWS = 256
PRUNE_INTERVAL_VIEWS = 512

log = structlog.get_logger(__name__)


def monotonic_milliseconds() -> int:
    """The clock of consensus."""
    return time.monotonic_ns() // 1_000_000


class ValidatorNode:
    """A validator without its actor: no Ray, and any :class:`Transport`.

    Parameters
    ----------
    index
        Own number in the set of the epoch that the ledger in ``store`` has come to;
        ``NO_VALIDATOR`` for a node that follows the ledger and says nothing.
    transport
        Its peers are the validators of that set, by their numbers.
    journal, store
        Opened by the caller; closed by :meth:`close`.
    on_failure
        Called with the error if a part of the node stops by an error: the node has to restart.
    snapshots
        What the node does about snapshots, and where.
    on_restart
        Called when the node has to start again, from a snapshot that lies ready.
    on_epoch_over
        Called once when the epoch has ended here.
    triggers
        When this node votes by itself to quarantine the fast chain; None for never.
    challenge
        Fresh random bytes with which the others are asked, if the journal does not say from
        which view on this validator may vote (:mod:`consensus`, rule 17); None takes an empty
        journal for that of a new validator.
    """

    def __init__(
        self,
        index: ValidatorIndex,
        genesis: Genesis,
        keys: ValidatorKeys,
        transport: Transport,
        journal: Journal,
        store: Store,
        executors: dict[ChainRole, ExecutorClient],
        bridge: BridgeClient,
        l1: L1View,
        on_failure: Callable[[BaseException], None],
        snapshots: SnapshotSettings,
        on_restart: Callable[[], None],
        seed: int = 0,
        triggers: TriggerLimits | None = DEFAULT_LIMITS,
        challenge: bytes | None = None,
        on_epoch_over: Callable[[], None] = lambda: None,
    ) -> None:
        self.index = index
        self.genesis = genesis
        self.is_epoch_over = False
        self.transport = transport
        self.latencies = NodeLatencies()
        install_if_ready(snapshots, store, genesis)
        self.archive = Archive(store, genesis, ValidatorSet(genesis))
        self.shelf = SnapshotShelf(snapshots.root, snapshots.spacing_blocks)
        self.view = View(0)
        self.notarized_height = self.archive.height
        self._tasks = Tasks(on_failure)
        self._journal = VoteJournal(journal)
        self._proposed_at: dict[View, float] = {}
        self._proposal_task: asyncio.Task[None] | None = None
        self._notarized: dict[Digest, View] = {}
        self._works: dict[Digest, ChainWork] = {}
        self._pruned_below = 0
        self._told_convictions: frozenset[ValidatorIndex] = frozenset()
        self._on_epoch_over = on_epoch_over
        self._tree_grew = asyncio.Event()

        state = self.archive.state_after(self.archive.height)
        self.validators = self.archive.validators_after(state)
        self._check_own_key(keys)
        bridge.begin_epoch(self.validators)
        plan_recent(self.shelf, self.archive, self.archive.first_height_of(self.epoch))
        heads = self.archive.chain_heads(self.archive.height)
        self.tree = BlockTree(self.validators, state.digest, state, heads)
        self.operators = OperatorDesk(
            index, keys, self.validators.epoch, self.validators.digest, StoredVotes(store)
        )
        self.watch = QuarantineWatch(
            state,
            triggers if self.is_validator else None,
            self.validators.count - self.validators.quorum,
        )
        self.pools = TransactionPools(genesis, transport, executors, self._notice_work)
        self.checkpoints = CheckpointDesk(
            genesis,
            state,
            bridge,
            transport,
            self.latencies,
            self._notice_work,
            self._diverged,
        )
        self.l1 = L1Desk(state, l1, genesis.timing.delta_ms, self._notice_work)
        self.proposer = Proposer(
            index,
            genesis,
            self.validators,
            self.tree,
            self.pools,
            self.checkpoints,
            self.operators,
            self.l1,
        )
        origin_view, origin_payload = self._origin()
        config = ConsensusConfig(
            index,
            self.validators,
            keys.consensus.sign,
            genesis.timing.delta_ms,
            origin_view,
            origin_payload,
        )
        self.payloads = PayloadDesk(
            self.tree,
            self._journal,
            transport,
            bridge,
            self.l1,
            genesis.timing.max_drift_ms,
            self._tasks,
            config.leader_of,
            self._payload_checked,
            self._block_added,
        )
        self.driver = ConsensusDriver(
            config, self._journal, transport, self, monotonic_milliseconds, challenge
        )
        peers = [ValidatorIndex(peer) for peer in range(self.validators.count) if peer != index]
        self.standings = PeerStandings(peers, self._peer_id, time.monotonic)
        self.snapshot_server = SnapshotServer(
            index,
            genesis,
            self.validators,
            keys,
            self.archive,
            self.shelf,
            executors,
            transport,
            time.monotonic,
        )
        self.history_server = HistoryServer(
            self.archive,
            self.tree,
            transport,
            peers,
            self.snapshot_server if self.is_validator else None,
        )
        self.sync = StateSync(
            snapshots.root,
            genesis,
            self.validators,
            transport,
            self.standings,
            peers,
            time.monotonic,
        )
        self.history = History(
            self.archive,
            self.validators,
            transport,
            self.standings,
            peers,
            self._adopt_history,
            Random(f"{seed}/{index}"),
            NodeSnapshots(snapshots, self.sync, on_restart),
            is_follower=not self.is_validator,
        )
        self.backfill = Backfill(self.standings, self.history, self.sync, self.history_server)
        self._guide = EpochGuide(self.archive, transport, genesis.timing.delta_ms / 4000)
        self._finality = Finality(
            self.tree, self.payloads, self.history, self._block_added, self._make_final
        )
        self.feeds = {
            role: ExecutionFeed(
                role,
                executors[role],
                self.archive,
                self.tree,
                self.pools.senders_of,
                self._newest_notarized_path,
                self._executor_answered,
                self._replay_differs,
                self.shelf.height_for,
                snapshots.base,
            )
            for role in ChainRole
        }

    def _check_own_key(self, keys: ValidatorKeys) -> None:
        """Refuse to speak for a validator whose key is another one."""
        if not self.is_validator:
            return
        expected = self.validators.index_of(keys.consensus.public_key)
        if expected != self.index:
            raise GenesisMismatch(
                f"these keys are those of validator {expected} in epoch {self.epoch}, "
                f"not of {self.index}"
            )

    def _origin(self) -> tuple[View, Digest | None]:
        """What the epoch starts from."""
        is_first = self.epoch == self.genesis.epoch
        change = None if is_first else self.archive.epoch_change(self.epoch - 1)
        if change is None:
            return GENESIS_VIEW, None
        return View(change.header.view), header_digest(change.header)

    # LIFE

    async def start(self) -> None:
        """Connect, replay the journal, and take part."""
        await self.transport.start()
        self.payloads.restore(self._journal.payloads)
        if self.is_validator:
            self.driver.start()
            self._tell_convictions()
        else:
            log.warning("not a validator: this node follows the ledger", epoch=self.epoch)
        retry_seconds = self.genesis.timing.delta_ms / 4000
        parts = (
            self._receive(),
            self.driver.run(),
            self.pools.run(),
            self.checkpoints.run(),
            self.checkpoints.repeat(),
            self.l1.run(),
            self.history.run(),
            self.history_server.run(),
            self.snapshot_server.run(),
            self.payloads.request_missing(retry_seconds),
            *(feed.run() for feed in self.feeds.values()),
        )
        for part in parts:
            self._tasks.start(part)

    async def close(self) -> None:
        """Stop taking part; everything that was promised is on disk."""
        self.driver.close()
        self.pools.close()
        await self._tasks.close()
        await self.transport.close()
        self._journal.close()
        self.archive.close()

    def submit(
        self, role: ChainRole, transactions: Sequence[SubmittedTransaction]
    ) -> list[AddOutcome]:
        """Offer transactions of the own gateway to the mempool."""
        return self.pools.submit(role, transactions)

    def notice_work(self) -> None:
        """Look for something to propose: the operator has cast a vote."""
        self._notice_work()

    @property
    def epoch(self) -> Epoch:
        """The epoch that this node lives in."""
        return self.validators.epoch

    @property
    def is_validator(self) -> bool:
        """Whether the node has a validator in its epoch."""
        return self.index != NO_VALIDATOR

    @property
    def final_state(self) -> BridgeState:
        """Bridge state after the newest final block."""
        return self.tree.root_state

    # WHAT CONSENSUS ASKS FOR

    def publish_payload(self, effect: PublishPayload) -> None:
        """Send an own payload to all peers."""
        block = self.tree.get(effect.payload)
        if block is not None:
            self.transport.broadcast(Channel.PAYLOAD, block.sealed.encoded)

    def request_proposal(self, effect: RequestProposal) -> None:
        """Begin to build a payload."""
        self._cancel_proposal()
        self._proposal_task = self._tasks.start(self._propose(effect))

    def check_payload(self, effect: CheckPayload) -> None:
        """Begin to check a payload."""
        self.payloads.check(effect)

    def entered_view(self, effect: EnteredView) -> None:
        """Drop work for earlier views."""
        if effect.view > self.view:
            self.view = effect.view
            self._cancel_proposal()

    def notarized(self, effect: Notarized) -> None:
        """Execute a payload speculatively, once it is here."""
        proposal = effect.certificate.proposal
        proposed_at = self._proposed_at.get(proposal.view)
        if proposed_at is not None:
            self.latencies.soft_ms.add((time.monotonic() - proposed_at) * 1000)
        self._notarized[proposal.payload] = proposal.view
        self._execute_notarized()

    def nullified(self, effect: Nullified) -> None:
        """Tell the leader; a dropped payload is rolled back when another one takes its place."""
        self.l1.nullified(effect.certificate.round.view)

    def finalized(self, effect: Finalized) -> None:
        """Make payloads final, once they are here."""
        proposal = effect.certificate.proposal
        proposed_at = self._proposed_at.pop(proposal.view, None)
        if proposed_at is not None:
            self.latencies.final_ms.add((time.monotonic() - proposed_at) * 1000)
        self._finality.add(effect)

    def evidence_found(self, effect: EvidenceFound) -> None:
        """Keep evidence for a block."""
        log.warning("misbehaviour", evidence=type(effect.evidence).__name__)
        self.operators.add_evidence(effect.evidence)
        self._notice_work()

    def heard_of_epoch(self, peer: ValidatorIndex, epoch: Epoch) -> None:
        """Help a peer that is behind, or find out whether this node is."""
        if epoch < self.epoch:
            self._guide.answer(peer, epoch, time.monotonic())
        elif not self.is_epoch_over:
            self.history.request()

    # PAYLOADS

    async def _propose(self, request: RequestProposal) -> None:
        if self.is_epoch_over:
            return
        while request.parent_payload not in self.tree:
            # Final by its certificate, but the payload is still on its way; the view may time out.
            self.payloads.want_final(request.parent_payload, request.parent_view)
            self._tree_grew.clear()
            await self._tree_grew.wait()
        parent = self.tree.get(request.parent_payload)
        if parent is not None and is_last_of_epoch(parent.sealed):
            self.driver.post(ProposalBuilt(request.view, parent.digest))
            self.driver.turn()
            return
        try:
            block = await self.proposer.build(request)
        except UnknownParent:
            return  # Finality has passed the parent by, and so this view.
        self.payloads.add_own(block)
        if block.sealed.body.l1_messages:
            self.l1.proposed(request.view)
        self._proposed_at[request.view] = time.monotonic()
        while len(self._proposed_at) > MAX_TIMED_VIEWS:
            del self._proposed_at[next(iter(self._proposed_at))]
        self.driver.post(ProposalBuilt(request.view, block.digest))
        self.driver.turn()

    def _payload_checked(self, event: PayloadChecked) -> None:
        self.driver.post(event)

    def _block_added(self, block: TreeBlock) -> None:
        self._tree_grew.set()
        self.pools.mark_in_flight(block.sealed)
        self._works[block.digest] = block.work
        if block.digest in self._notarized:
            self._execute_notarized()
        self._finality.advance()
        self.payloads.parent_arrived(block.digest)

    def _cancel_proposal(self) -> None:
        if self._proposal_task is not None:
            self._proposal_task.cancel()
            self._proposal_task = None

    def _notice_work(self) -> None:
        self.proposer.notice_work()

    # EXECUTION

    def _execute_notarized(self) -> None:
        """Execute the way to the newest notarized block that is here."""
        path = self._newest_notarized_path()
        if path:
            height = path[-1].sealed.header.height
            self.notarized_height = max(self.notarized_height, height)
        for feed in self.feeds.values():
            feed.follow(path)

    def _newest_notarized_path(self) -> list[TreeBlock]:
        """Blocks from the final root to the notarized block of the highest view."""
        here = [
            (view, digest)
            for digest, view in self._notarized.items()
            if self.tree.get(digest) is not None
        ]
        return self.tree.path(max(here)[1]) if here else []

    def _executor_answered(self, answer: ExecutorAnswer) -> None:
        for executed in answer.executed:
            work = self._works.get(executed.digest)
            if work is not None:
                self.checkpoints.executed(executed, work)
        for final in answer.final:
            executed = final.executed
            self._works.pop(executed.digest, None)
            self.pools.commit(executed)
            if executed.role is ChainRole.ZK:
                self.watch.executed_zk(executed.number, executed.refusals)
            else:
                self.watch.executed_fast(executed.number)
        if answer.final:
            self.checkpoints.executed_final(answer.final)
            self._vote_if_alarmed()

    # WATCHING THE FAST CHAIN

    def _diverged(self, divergence: Divergence) -> None:
        self.watch.diverged(divergence)
        self._vote_if_alarmed()

    def _replay_differs(self, block: FinalBlock, replay: FastReplay) -> None:
        self.watch.replay_is_wrong()
        self._vote_if_alarmed()

    def _vote_if_alarmed(self) -> None:
        """Vote to cut the fast chain off, if what was seen is a reason to."""
        reason = self.watch.take_vote()
        if reason is not None:
            log.error("voting to quarantine the fast chain", reason=reason.value)
            self.operators.vote_quarantine(self.final_state, reason.value)
            self._notice_work()

    # FINALITY

    def _make_final(
        self, final: list[TreeBlock], dropped: list[TreeBlock], certificate: Finalization
    ) -> None:
        ends_epoch = is_last_of_epoch(final[-1].sealed)
        if ends_epoch:
            self._promise_next_epoch(final[-1].sealed)
        self.archive.append(final, certificate)
        for block in final:
            header = block.sealed.header
            if self.shelf.is_due(header.height) and not header.ends_epoch:
                self.shelf.add(block.state)
            self.feeds[block.role].finalize(block)
            replay = block.work.replay
            if replay is not None:
                self.checkpoints.restart_after(ChainRole.FAST, replay.checkpoint_number)
                self.snapshot_server.forget_after(replay.checkpoint_number)
                self.feeds[ChainRole.FAST].start_over()
        for block in dropped:
            self.pools.release(block.role, block.digest)
            self._works.pop(block.digest, None)
        self.notarized_height = max(self.notarized_height, self.archive.height)
        self.operators.settle(self.final_state)
        self.watch.settle(self.final_state)
        self.checkpoints.settle(self.final_state)
        self.l1.settle(self.final_state)
        if ends_epoch:
            self._end_epoch()
            return
        self._tell_convictions()
        self._prune(final[-1].sealed.header.view)

    def _promise_next_epoch(self, last: SealedBlock) -> None:
        """Note that this validator has said nothing in the next epoch, if it can know that.

        Who has forgotten votes in this epoch may have forgotten some of the next one, too, also
        if it has asked since: it asks the others again (rule 17). On the disk before the epoch
        is over there, or after a crash of all, all would ask.
        """
        consensus = self.driver.state
        votes_from, first_view = consensus.votes_from, consensus.config.origin_view + 1
        knows_all_votes = votes_from is not None and votes_from <= first_view
        if self.is_validator and knows_all_votes:
            self._journal.promise(Epoch(self.epoch + 1), View(last.header.view + 1))

    def _end_epoch(self) -> None:
        """Say nothing more: what comes is the next epoch's, and begins from the disk."""
        log.warning("the epoch is over", epoch=self.epoch, height=self.archive.height)
        self.archive.sync()
        self.is_epoch_over = True
        self.driver.close()
        self._cancel_proposal()
        self._on_epoch_over()

    def _tell_convictions(self) -> None:
        """Have consensus skip leaders that the ledger convicts."""
        convicted = frozenset(self.final_state.convicted)
        if self.is_validator and convicted != self._told_convictions:
            self._told_convictions = convicted
            self.driver.post(LeadersConvicted(convicted))

    def _prune(self, final_view: View) -> None:
        self.payloads.forget_up_to(final_view)
        self._notarized = {
            digest: view for digest, view in self._notarized.items() if view > final_view
        }
        if final_view >= self._pruned_below + PRUNE_INTERVAL_VIEWS:
            self._pruned_below = final_view
            self.archive.sync()
            self._journal.prune(final_view - PRUNE_INTERVAL_VIEWS)

    def _adopt_history(
        self, peer: ValidatorIndex, blocks: list[SealedBlock], finalization: Finalization
    ) -> None:
        self._finality.adopt(blocks, finalization)
        if self.is_validator:
            self.driver.post(MessageReceived(peer, finalization))

    # TASKS

    def _peer_id(self, peer: ValidatorIndex) -> str:
        return self.transport.status().peers[peer].peer_id

    async def _receive(self) -> None:
        handlers: dict[Channel, Callable[[ValidatorIndex, bytes], None]] = {
            Channel.CONSENSUS: self.driver.receive,
            Channel.PAYLOAD: self.payloads.receive,
            Channel.TRANSACTIONS: self.pools.receive,
            Channel.ATTESTATION: self.checkpoints.receive,
            Channel.BACKFILL: self.backfill.receive,
        }
        while True:
            try:
                batch = await self.transport.receive()
            except NotRunningError:
                return
            for received in batch:
                handlers[received.channel](ValidatorIndex(received.peer), received.payload)
            self.driver.turn()
