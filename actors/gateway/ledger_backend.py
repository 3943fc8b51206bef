"""The ledger as the ``braid_`` methods show it: the validator, and the ZK chain's predeploys."""

from typing import Any, cast

from actors.calls import ActorAway, ActorLink
from actors.gateway.chain_backend import ChainBackend
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.bindings import (
    cap_halvings_call,
    decode_uint256,
    locked_wei_call,
    remaining_exposure_call,
)
from contracts.bridged_tokens import locked_tokens_call
from contracts.rounds import decode_round, round_call
from execution.types import SYSTEM_ADDRESS, Address, CallRequest
from gateway.backend import Json
from gateway.errors import BackendUnavailable
from ledger.types import ChainRole


class LedgerBackend:
    """A :class:`gateway.backend.LedgerBackend` over Ray."""

    def __init__(
        self, validator: ActorLink, zk: ChainBackend, settlement: ActorLink | None = None
    ) -> None:
        self._validator = validator
        self._zk = zk
        self._settlement = settlement

    async def status(self) -> Json:
        """State of this node."""
        return await self._ask("status")

    async def ledger_block(self, height: int) -> Json:
        """Ledger block at a height."""
        return await self._ask("ledger_block", height)

    async def peer_count(self) -> int:
        """Connected peers."""
        return cast(int, await self._ask("peer_count"))

    async def ledger_height(self) -> int:
        """Height of the newest final ledger block."""
        return cast(int, await self._ask("ledger_height"))

    async def checkpoint(self, chain: ChainRole, number: int | None) -> Json:
        """Checkpoint of a chain's block."""
        return await self._ask("checkpoint", chain, number)

    async def round(self, round_id: int) -> Json:
        """A game round with what is left of its caps."""
        output = await self._view(ROUND_GUARD_ADDRESS, round_call(round_id))
        found = decode_round(round_id, output)
        if found is None:
            return None
        return {
            "round_id": found.round_id,
            "owner": "0x" + found.owner.hex(),
            "game_on_fast": "0x" + found.game_on_fast.hex(),
            "trophy": "0x" + found.trophy.hex(),
            "deadline_seconds": found.deadline_seconds,
            "unit_value_wei": str(found.unit_value_wei),
            "remaining_mints": found.remaining_mints,
            "remaining_value_wei": str(found.remaining_value_wei),
            "surplus_mints": found.surplus_mints,
            "surplus_value_wei": str(found.surplus_value_wei),
            "is_open": found.is_open,
        }

    async def loss_bound(self) -> Json:
        """The live loss bound and what it is the sum of."""
        locked = await self._view(PORTAL_ADDRESS, locked_wei_call())
        exposure = await self._view(ROUND_GUARD_ADDRESS, remaining_exposure_call())
        tokens = await self._view(BRIDGED_TOKENS_ADDRESS, locked_tokens_call())
        halvings = await self._view(ROUND_GUARD_ADDRESS, cap_halvings_call())
        locked_wei = decode_uint256("Portal.locked_wei", locked)
        exposure_wei = decode_uint256("RoundGuard.remaining_exposure_wei", exposure)
        return {
            "locked_wei": str(locked_wei),
            "remaining_exposure_wei": str(exposure_wei),
            "loss_bound_wei": str(locked_wei + exposure_wei),
            "locked_tokens": decode_uint256("BridgedTokens.locked_tokens", tokens),
            "cap_halvings": decode_uint256("RoundGuard.cap_halvings", halvings),
        }

    async def settlement(self) -> Json:
        """Settlement on L1 as this node sees it."""
        if self._settlement is None:
            return None
        try:
            answer: Json = await self._settlement.call("status")
            return answer
        except ActorAway as error:
            raise BackendUnavailable("settlement restarts; try again in a moment") from error

    async def validators(self) -> Json:
        """The validators and how they take part."""
        return await self._ask("validators")

    async def epoch(self) -> Json:
        """The epoch, its set, and what may come after it."""
        return await self._ask("epoch")

    async def evidence(self, limit: int) -> Json:
        """The newest evidence."""
        return await self._ask("evidence", limit)

    async def _view(self, target: Address, data: bytes) -> bytes:
        result = await self._zk.call(CallRequest(SYSTEM_ADDRESS, target, data), None)
        return result.output

    async def _ask(self, method: str, *arguments: Any) -> Json:
        try:
            answer: Json = await self._validator.call(method, *arguments)
            return answer
        except ActorAway as error:
            raise BackendUnavailable("the validator restarts; try again in a moment") from error
