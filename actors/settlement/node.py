"""One node's settlement: its view of L1 and, where it settles, the pipeline.

It begins when the contracts are there. A tick that fails for L1's sake is made up for by the
next; what fails for another reason ends the process, which Ray starts again.
"""

import asyncio
import time
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import structlog
from eth_account import Account

from actors.config import L1Connection, NodeConfig
from actors.prover.history import ChainHistory
from actors.settlement.blocks import HistoryBlocks
from actors.settlement.deploying import find_deployment, verifying_key
from actors.settlement.errors import NotWatching
from actors.settlement.jobs import NoProvers, PoolJobs
from execution.types import Hash32
from ledger.crossing import Message
from ledger.genesis import Genesis
from settlement.batching import BatchPolicy
from settlement.deployment import Deployment
from settlement.errors import DeepReorg, L1Error, QueueMismatch
from settlement.journal import SettlementJournal
from settlement.l1.account import AccountPolicy
from settlement.l1.client import L1Client
from settlement.l1.provider import BoundedHttpProvider
from settlement.l1.sender import TransactionSender
from settlement.l1.watcher import L1Watcher, WatcherSettings
from settlement.pipeline.pipeline import SettlementPipeline
from settlement.pipeline.views import BatchReader
from settlement.verifier import StarkPoster

TICK_SECONDS: Final = 0.5
REQUEST_TIMEOUT_SECONDS: Final = 120.0
"""An embedded L1 on py-evm may take long over one transaction."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Poster:
    """What a node has that settles."""

    pipeline: SettlementPipeline
    sender: TransactionSender
    journal: SettlementJournal


class SettlementNode:
    """Parameters: see :class:`actors.config.L1Connection`; ``jobs`` makes the proofs."""

    def __init__(
        self,
        config: NodeConfig,
        connection: L1Connection,
        genesis: Genesis,
        jobs: PoolJobs | NoProvers,
    ) -> None:
        self._config = config
        self._connection = connection
        self._genesis = genesis
        self._jobs = jobs
        self._client = L1Client(
            BoundedHttpProvider(connection.url, timeout_seconds=REQUEST_TIMEOUT_SECONDS),
            Random(config.index),
        )
        self._deployment: Deployment | None = None
        self._watcher: L1Watcher | None = None
        self._poster: _Poster | None = None
        self._problem: str | None = "looking for the contracts on L1"
        self._alarm: str | None = None
        self._wake = asyncio.Event()

    # WHAT OTHERS ASK

    def l1_messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries of L1's queue from a nonce on.

        Raises
        ------
        NotWatching
            Nothing of L1 was read yet, or it contradicts itself.
        """
        if self._watcher is None or not self._watcher.is_caught_up or self._alarm is not None:
            raise NotWatching(self._alarm or self._problem or "L1 is being read")
        return self._watcher.messages(first_nonce, limit)

    def proven_block(self) -> int:
        """Last ZK block that is final on L1; 0 before the first."""
        return 0 if self._watcher is None else self._watcher.proven_block()

    def settle_up_to(self, number: int) -> bool:
        """Have a ZK block in a batch as soon as it can be; False if this node settles nothing."""
        if self._poster is None:
            return False
        self._poster.pipeline.settle_up_to(number)
        self._wake.set()
        return True

    def status(self) -> dict[str, Any]:
        """State of settlement, ready for JSON."""
        found: dict[str, Any] = {
            "l1": self._connection.url,
            "settles": self._connection.settles,
            "problem": self._problem,
            "alarm": self._alarm,
            "rollup": None,
            "proven_block": self.proven_block(),
        }
        if self._deployment is not None:
            for name in ("rollup", "exits", "registry", "verifier"):
                found[name] = "0x" + getattr(self._deployment, name).hex()
        if self._watcher is not None:
            found["l1_block"] = self._watcher.read_up_to
            found["queue_length"] = self._watcher.queue.length
            found["consumed_entries"] = self._watcher.consumed_entries()
            batches = self._watcher.batches()
            found["batches_posted"] = len(batches)
            found["batches_proven"] = sum(batch.is_proven for batch in batches)
            found["batches_final"] = sum(batch.is_final for batch in batches)
        if self._poster is not None:
            found |= self._poster_status(self._poster)
        return found

    def _poster_status(self, poster: _Poster) -> dict[str, Any]:
        sender, pipeline = poster.sender.status, poster.pipeline.status
        return {
            "account": "0x" + poster.sender.address.hex(),
            "batches": [
                {"first_block": first, "last_block": last, "stage": stage.value}
                for first, last, stage in pipeline.stages
            ],
            "transactions_settled": sender.transactions_settled,
            "transactions_reverted": sender.reverted,
            "gas_used": sender.gas_used,
            "largest_gas_used": sender.largest_gas_used,
            "fees_paid_wei": str(sender.fees_paid_wei),
        }

    # RUNNING

    async def run(self) -> None:
        """Look for the contracts, then follow L1 and settle, until cancelled."""
        self._deployment = await find_deployment(self._client, self._genesis, self._connection)
        self._watcher = self._new_watcher(self._deployment)
        if self._connection.settles:
            self._poster = self._new_poster(self._deployment, self._watcher)
        while True:
            self._wake.clear()
            await self._tick()
            try:
                await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Close the journal and the connections."""
        if self._poster is not None:
            self._poster.journal.close()
        await self._client.close()

    async def _tick(self) -> None:
        assert self._watcher is not None
        if self._poster is not None:
            status = await self._poster.pipeline.tick()
            self._alarm = status.alarm
            self._problem = status.problem or self._jobs.problem
            open_batches = self._poster.pipeline.open_batches
            self._jobs.keep_only(frozenset(Hash32(batch.batch_id) for batch in open_batches))
            return
        if self._alarm is not None:
            return
        try:
            await self._watcher.poll()
        except (DeepReorg, QueueMismatch) as error:
            log.error("L1 contradicts itself: it is not believed any more", reason=str(error))
            self._alarm = str(error)
        except L1Error as error:
            self._problem = str(error)
        else:
            self._problem = None

    def _new_watcher(self, deployment: Deployment) -> L1Watcher:
        return L1Watcher(
            self._client,
            WatcherSettings(
                rollup=deployment.rollup,
                l1_chain_id=deployment.l1_chain_id,
                start_block=deployment.start_block,
                confirmations=self._connection.confirmations,
            ),
        )

    def _new_poster(self, deployment: Deployment, watcher: L1Watcher) -> _Poster:
        journal = SettlementJournal(self._config.settlement_directory)
        sender = TransactionSender(
            self._client,
            Account.from_key(self._config.l1_key_file.read_bytes()),
            deployment.l1_chain_id,
            AccountPolicy(confirmations=self._connection.confirmations),
            journal,
            time.monotonic,
        )
        blocks = HistoryBlocks(lambda: ChainHistory(self._config, self._genesis))
        reader = BatchReader(
            self._client,
            deployment.rollup,
            deployment.verifier,
            watcher,
            blocks,
            self._jobs,
            StarkPoster(deployment.verifier, verifying_key(self._connection.parameter_set)),
        )
        pipeline = SettlementPipeline(
            client=self._client,
            watcher=watcher,
            sender=sender,
            journal=journal,
            blocks=blocks,
            jobs=self._jobs,
            reader=reader,
            rollup_address=deployment.rollup,
            policy=BatchPolicy(max_age_seconds=self._connection.batch_age_seconds),
            clock=time.time,
        )
        return _Poster(pipeline, sender, journal)
