"""The ``braid_`` methods: the ledger below both chains."""

from typing import Final

from gateway import params as read
from gateway.backend import Json, LedgerBackend
from gateway.errors import InvalidParams
from gateway.limits import Limits
from gateway.methods.table import MethodTable
from gateway.params import BlockTag, Params
from ledger.types import ChainRole

CHAINS: Final = {"zk": ChainRole.ZK, "fast": ChainRole.FAST}

DEFAULT_EVIDENCE_ENTRIES: Final = 100


class LedgerMethods:
    """Checks parameters and passes on to the ledger's backend."""

    def __init__(self, backend: LedgerBackend, limits: Limits) -> None:
        self._backend = backend
        self._max_evidence = limits.evidence_entries

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "braid_status": self.status,
            "braid_getLedgerBlock": self.ledger_block,
            "braid_getCheckpoint": self.checkpoint,
            "braid_getRound": self.round,
            "braid_getLossBound": self.loss_bound,
            "braid_getSettlement": self.settlement,
            "braid_validators": self.validators,
            "braid_getEpoch": self.epoch,
            "braid_evidence": self.evidence,
        }

    async def status(self, params: Params) -> Json:
        """State of this node."""
        params.at_most(0)
        return await self._backend.status()

    async def ledger_block(self, params: Params) -> Json:
        """Ledger block at a height, or ``latest``: the newest finalized one; null if there is none.

        Every finalized block is safe, so ``latest``, ``safe`` and ``finalized`` mean the same here.
        """
        params.at_most(1)
        reference = read.block_reference(params.required(0))
        if isinstance(reference, int):
            return await self._backend.ledger_block(reference)
        if reference in (BlockTag.LATEST, BlockTag.SAFE, BlockTag.FINALIZED):
            return await self._backend.ledger_block(await self._backend.ledger_height())
        if reference is BlockTag.EARLIEST:
            return await self._backend.ledger_block(1)
        raise InvalidParams("a ledger block is named by its height or by latest")

    async def checkpoint(self, params: Params) -> Json:
        """Checkpoint certificate of a chain (``zk`` or ``fast``), newest or by block number."""
        params.at_most(2)
        chain = read.choice(params.required(0), CHAINS)
        number = params.optional(1)
        is_newest = number is None or number == BlockTag.LATEST
        return await self._backend.checkpoint(chain, None if is_newest else read.quantity(number))

    async def round(self, params: Params) -> Json:
        """A game round by id."""
        params.at_most(1)
        return await self._backend.round(read.quantity(params.required(0), 256))

    async def loss_bound(self, params: Params) -> Json:
        """The live loss bound."""
        params.at_most(0)
        return await self._backend.loss_bound()

    async def settlement(self, params: Params) -> Json:
        """Contracts on L1, batches, the queue, and what is proven."""
        params.at_most(0)
        return await self._backend.settlement()

    async def validators(self, params: Params) -> Json:
        """The validators."""
        params.at_most(0)
        return await self._backend.validators()

    async def epoch(self, params: Params) -> Json:
        """The epoch, its validators, and changes of them that are voted on or decided."""
        params.at_most(0)
        return await self._backend.epoch()

    async def evidence(self, params: Params) -> Json:
        """The newest evidence, at most as many entries as asked for."""
        params.at_most(1)
        value = params.optional(0)
        limit = DEFAULT_EVIDENCE_ENTRIES if value is None else read.quantity(value)
        return await self._backend.evidence(min(limit, self._max_evidence))
