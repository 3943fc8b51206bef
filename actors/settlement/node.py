"""One node's settlement: its view of L1 and, where it settles, what does that.

It begins when the contracts are there. A look at L1 that fails is made up for by the next;
what fails for another reason ends the process, which Ray starts again.
"""

import asyncio
from random import Random
from typing import Any, Final

from eth_account import Account

from actors.config import L1Connection, NodeConfig
from actors.prover.history import ChainHistory
from actors.settlement.blocks import HistoryBlocks
from actors.settlement.deploying import find_deployment, verifying_key
from actors.settlement.errors import NotWatching
from actors.settlement.jobs import NoProvers, PoolJobs
from actors.waiting import wait_at_most
from execution.types import Hash32
from ledger.crossing import Message
from ledger.genesis import Genesis
from settlement.batching import BatchPolicy
from settlement.deployment import Deployment
from settlement.l1.client import L1Client
from settlement.l1.provider import BoundedHttpProvider
from settlement.node import L1View, SettlementConfig, Settler, SettlerParts
from settlement.verifier import StarkPoster

SETTLE_SECONDS: Final = 0.5
WATCH_SECONDS: Final = 1.0
REQUEST_TIMEOUT_SECONDS: Final = 120.0
"""An embedded L1 on py-evm may take long over one transaction."""


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
        self._deployment: Deployment | None = None
        self._view: L1View | None = None
        self._settler: Settler | None = None
        self._wake = asyncio.Event()

    # WHAT OTHERS ASK

    def l1_messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries of L1's queue from a nonce on.

        Raises
        ------
        NotWatching
            Nothing of L1 was read yet, or it contradicts itself.
        """
        view = self._view
        if view is None or view.alarm is not None or not view.watcher.is_caught_up:
            raise NotWatching(self._alarm or self._problem or "L1 is being read")
        return view.messages(first_nonce, limit)

    def proven_block(self) -> int:
        """Last ZK block that is final on L1; 0 before the first."""
        return 0 if self._view is None else self._view.proven_block()

    def settle_up_to(self, number: int) -> bool:
        """Have a ZK block in a batch as soon as it can be; False if this node settles nothing."""
        if self._settler is None:
            return False
        self._settler.pipeline.settle_up_to(number)
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
        if self._view is not None:
            found |= _view_status(self._view)
        if self._settler is not None:
            found |= _settler_status(self._settler)
        return found

    @property
    def _problem(self) -> str | None:
        if self._view is None:
            return "looking for the contracts on L1"
        return self._view.problem or (None if self._settler is None else self._jobs.problem)

    @property
    def _alarm(self) -> str | None:
        return None if self._view is None else self._view.alarm

    # RUNNING

    async def run(self) -> None:
        """Look for the contracts, then follow L1 and settle, until cancelled."""
        self._deployment = await self._find_deployment()
        view = self._view = L1View(
            SettlementConfig(
                url=self._connection.url,
                deployment=self._deployment,
                confirmations=self._connection.confirmations,
                seed=self._config.index,
                request_timeout_seconds=REQUEST_TIMEOUT_SECONDS,
            )
        )
        if self._connection.settles:
            self._settler = self._new_settler(view, self._deployment)
        while True:
            self._wake.clear()
            if self._settler is None:
                await view.poll()
            else:
                await self._settle(self._settler)
            seconds = WATCH_SECONDS if self._settler is None else SETTLE_SECONDS
            await wait_at_most(self._wake, seconds)

    async def close(self) -> None:
        """Close the journal and the connections."""
        if self._settler is not None:
            self._settler.close()
        if self._view is not None:
            await self._view.close()

    async def _settle(self, settler: Settler) -> None:
        await settler.tick()
        open_batches = settler.pipeline.open_batches
        self._jobs.keep_only(frozenset(Hash32(batch.batch_id) for batch in open_batches))

    async def _find_deployment(self) -> Deployment:
        provider = BoundedHttpProvider(
            self._connection.url, timeout_seconds=REQUEST_TIMEOUT_SECONDS
        )
        client = L1Client(provider, Random(self._config.index))
        try:
            return await find_deployment(client, self._genesis, self._connection)
        finally:
            await client.close()

    def _new_settler(self, view: L1View, deployment: Deployment) -> Settler:
        parts = SettlerParts(
            blocks=HistoryBlocks(lambda: ChainHistory(self._config, self._genesis)),
            jobs=self._jobs,
            poster=StarkPoster(verifying_key(self._connection.parameter_set)),
            signer=Account.from_key(self._config.l1_key_file.read_bytes()),
        )
        policy = BatchPolicy(max_age_seconds=self._connection.batch_age_seconds)
        return Settler(view, self._config.settlement_directory, parts, policy)


def _view_status(view: L1View) -> dict[str, Any]:
    watcher = view.watcher
    batches = watcher.batches()
    return {
        "l1_block": watcher.read_up_to,
        "queue_length": watcher.queue.length,
        "consumed_entries": watcher.consumed_entries(),
        "batches_posted": len(batches),
        "batches_proven": sum(batch.is_proven for batch in batches),
        "batches_final": sum(batch.is_final for batch in batches),
    }


def _settler_status(settler: Settler) -> dict[str, Any]:
    sender = settler.sender.status
    return {
        "account": "0x" + settler.sender.address.hex(),
        "batches": [
            {"first_block": first, "last_block": last, "stage": stage.value}
            for first, last, stage in settler.status.stages
        ],
        "transactions_settled": sender.transactions_settled,
        "transactions_reverted": sender.reverted,
        "gas_used": sender.gas_used,
        "largest_gas_used": sender.largest_gas_used,
        "fees_paid_wei": str(sender.fees_paid_wei),
    }
