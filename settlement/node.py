"""One node's part in settlement, put together: watching L1, and settling if it has a key.

Every validator watches, since it compares the ledger's L1 messages with its own view of
the queue. One node, or several, settles.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog
from eth_account.signers.local import LocalAccount

from ledger.crossing import Message
from settlement.batching import BatchPolicy
from settlement.deployment import Deployment
from settlement.errors import DeepReorg, L1Error, QueueMismatch, WrongChain
from settlement.interfaces import BlockSource, ProofJobs, ProofPoster
from settlement.journal import SettlementJournal
from settlement.l1.account import AccountPolicy
from settlement.l1.client import L1Client
from settlement.l1.provider import BoundedHttpProvider
from settlement.l1.sender import TransactionSender
from settlement.l1.watcher import L1Watcher, WatcherSettings
from settlement.pipeline.pipeline import PipelineStatus, SettlementPipeline
from settlement.pipeline.views import BatchReader

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SettlementConfig:
    """Where L1 is and how to treat it.

    Attributes
    ----------
    seed
        Of the jitter of retries.
    """

    url: str
    deployment: Deployment
    confirmations: int
    poll_seconds: float = 2.0
    seed: int = 0
    request_timeout_seconds: float = 30.0


class L1View:
    """L1 as a validator sees it."""

    def __init__(self, config: SettlementConfig) -> None:
        self.config = config
        provider = BoundedHttpProvider(config.url, timeout_seconds=config.request_timeout_seconds)
        self.client = L1Client(provider, Random(config.seed))
        deployment = config.deployment
        self.watcher = L1Watcher(
            self.client,
            WatcherSettings(
                deployment.rollup,
                deployment.l1_chain_id,
                deployment.start_block,
                config.confirmations,
            ),
        )
        self.problem: str | None = "not asked yet"
        self.alarm: str | None = None
        self._is_chain_known = False

    def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries of L1's queue from a nonce on."""
        return self.watcher.messages(first_nonce, limit)

    def proven_block(self) -> int:
        """Last ZK block that is final on L1; 0 for the genesis."""
        return self.watcher.proven_block()

    async def poll(self) -> None:
        """Look at L1 once; what goes wrong is in ``problem``, what stays wrong in ``alarm``."""
        if await self.is_usable():
            await self._run(self.watcher.poll)

    async def is_usable(self) -> bool:
        """Whether L1 answers, is the chain that it should be, and has not raised an alarm."""
        if self.alarm is None and not self._is_chain_known:
            await self._run(self._learn_chain)
        return self.alarm is None and self._is_chain_known

    async def _learn_chain(self) -> None:
        await self.client.require_chain(self.config.deployment.l1_chain_id)
        self._is_chain_known = True

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (DeepReorg, QueueMismatch, WrongChain) as error:
            log.error("L1 is not what it was", reason=str(error))
            self.alarm = str(error)
        except L1Error as error:
            self.problem = str(error)
        else:
            self.problem = None

    async def run(self, poll: Callable[[], Awaitable[object]] | None = None) -> None:
        """Look again and again, until cancelled."""
        look = poll or self.poll
        while True:
            await look()
            await asyncio.sleep(self.config.poll_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


@dataclass(frozen=True, slots=True)
class SettlerParts:
    """What the rest of the node gives to settlement."""

    blocks: BlockSource
    jobs: ProofJobs
    poster: ProofPoster
    signer: LocalAccount = field(repr=False)


class Settler:
    """A node that settles.

    Raises
    ------
    StorageLockedError, JournalCorruptError, JournalUnreadable
        The journal in ``directory`` cannot be used.
    """

    def __init__(
        self,
        view: L1View,
        directory: Path,
        parts: SettlerParts,
        batches: BatchPolicy,
        sending: AccountPolicy | None = None,
    ) -> None:
        config, deployment = view.config, view.config.deployment
        self.view = view
        self.journal = SettlementJournal(directory)
        self.sender = TransactionSender(
            view.client,
            parts.signer,
            deployment.l1_chain_id,
            sending or AccountPolicy(confirmations=config.confirmations),
            self.journal,
            time.monotonic,
        )
        reader = BatchReader(
            view.client,
            deployment.rollup,
            view.watcher,
            parts.blocks,
            parts.jobs,
            parts.poster,
        )
        self.pipeline = SettlementPipeline(
            client=view.client,
            watcher=view.watcher,
            sender=self.sender,
            journal=self.journal,
            blocks=parts.blocks,
            jobs=parts.jobs,
            reader=reader,
            rollup_address=deployment.rollup,
            policy=batches,
            clock=time.time,
        )

    @property
    def status(self) -> PipelineStatus:
        """What the last tick found."""
        return self.pipeline.status

    async def tick(self) -> PipelineStatus:
        """Do what can be done now; watches L1 as well, so ``view.poll`` is not needed beside it."""
        if not await self.view.is_usable():
            return self.pipeline.status
        status = await self.pipeline.tick()
        self.view.problem, self.view.alarm = status.problem, status.alarm
        return status

    async def run(self) -> None:
        """Settle, until cancelled."""
        await self.view.run(self.tick)

    def close(self) -> None:
        """Close the journal; the view stays with its owner."""
        self.journal.close()
