"""Settlement as a Ray actor: a node's view of L1, and its part in settling."""

import asyncio
from typing import Any

import ray

from actors.boot import die_if_failed, load_genesis
from actors.calls import ActorLink
from actors.config import NodeConfig
from actors.logs import configure_logs
from ledger.crossing import Message

SETTLEMENT = "settlement"


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=100)
class SettlementActor:
    """Follows L1 for the node's other actors; settles batches there if told to."""

    def __init__(self, config: NodeConfig, has_provers: bool) -> None:
        configure_logs(config, SETTLEMENT)
        # Here and not above: who looks this actor up by name imports this module too.
        from actors.prover.pool.options import pool_name
        from actors.prover.segments import segment_cycles
        from actors.prover.witness_actor import witness_name
        from actors.settlement.jobs import NoProvers, PoolJobs
        from actors.settlement.node import SettlementNode

        assert config.l1 is not None, "a node without L1 has no settlement"
        jobs: PoolJobs | NoProvers = NoProvers()
        if has_provers:
            jobs = PoolJobs(
                ActorLink(witness_name(config)),
                ActorLink(pool_name(config)),
                segment_cycles(config.l1.parameter_set),
            )
        self._node = SettlementNode(config, config.l1, load_genesis(config), jobs)
        self._run = asyncio.get_running_loop().create_task(self._node.run())
        self._run.add_done_callback(die_if_failed)

    async def ready(self) -> bool:
        """Answers once the actor runs; the contracts may not be there yet."""
        return True

    async def l1_messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries of L1's queue; raises :class:`NotWatching` before L1 was read."""
        return self._node.l1_messages(first_nonce, limit)

    async def proven_block(self) -> int:
        """Last ZK block that is final on L1."""
        return self._node.proven_block()

    async def settle_up_to(self, number: int) -> bool:
        """Have a ZK block in a batch at once; False if the contracts or the poster are not here."""
        return self._node.settle_up_to(number)

    async def status(self) -> dict[str, Any]:
        """State of settlement, ready for JSON."""
        return self._node.status()

    async def stop(self) -> None:
        """Close the journal; no call follows."""
        self._run.cancel()
        await asyncio.wait([self._run])
        await self._node.close()
