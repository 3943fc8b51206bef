"""Witnesses as a Ray actor: executing and measuring blocks takes a processor for a while."""

from __future__ import annotations

import ray

from actors.boot import load_genesis
from actors.config import NodeConfig
from actors.logs import configure_logs
from actors.prover.pool.messages import SegmentInput
from ledger.types import ChainRole

WITNESS = "witness"


@ray.remote(num_cpus=0, max_restarts=-1)
class WitnessActor:
    """Makes witnesses of a node's final blocks; one call at a time."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, WITNESS)
        # Here and not above: who looks this actor up by name imports this module too.
        from actors.prover.frontier import Frontier
        from actors.prover.history import ChainHistory
        from actors.prover.stf import load_guest
        from actors.prover.witnesses import WitnessMaker
        from execution.genesis import chain_spec

        genesis = load_genesis(config)
        spec = chain_spec(genesis, ChainRole.ZK)
        self._frontier = Frontier(config.prover_directory / "frontier", spec)
        self._maker = WitnessMaker(
            lambda: ChainHistory(config, genesis), load_guest(), self._frontier
        )

    def ready(self) -> bool:
        """Answers once the guest is loaded."""
        return True

    def segments_for(
        self, first: int, last: int, segment_cycles: int | None = None
    ) -> list[SegmentInput]:
        """Segments of the final blocks `first` to `last`, as the pool takes them.

        Asking for the next blocks is cheap, also after a restart; for earlier ones the chain is
        executed from genesis.

        Raises
        ------
        HistoryIncomplete, BlockTooLarge, GuestDisagrees
            As :meth:`actors.prover.witnesses.WitnessMaker.segments_for` raises them.
        """
        if segment_cycles is None:
            return self._maker.segments_for(first, last)
        return self._maker.segments_for(first, last, segment_cycles)

    def split(self, first_block: int, last_block: int) -> list[SegmentInput]:
        """Two segments of the blocks of one; the pool asks for them.

        Raises
        ------
        SegmentUnsplittable
            It is one block.
        """
        return self._maker.split(first_block, last_block)

    def stop(self) -> None:
        """Flush and close; no call follows."""
        self._frontier.close()


def witness_name(config: NodeConfig) -> str:
    """Name under which Ray knows a node's maker of witnesses."""
    return config.actor_name(WITNESS)
