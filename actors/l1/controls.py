"""Methods that change the chain's time, fees and history: for tests, where they are enabled.

Those that anvil has too have its names and meaning.
"""

from typing import Final

from eth_account import Account

from actors.l1.backend import L1Backend
from actors.l1.errors import ReorgTooDeep
from execution.mempool import pooled_transaction
from execution.transactions import decode_transaction
from execution.types import Address
from gateway import params as read
from gateway.backend import Json
from gateway.errors import InvalidParams, ServerError
from gateway.methods.table import MethodTable
from gateway.params import Params
from ledger.hashing import keccak

MAX_BLOCKS_PER_CALL: Final = 1024
MAX_SECONDS_PER_CALL: Final = 10 * 365 * 86_400
_TRANSFER_GAS: Final = 21_000
_BYSTANDER: Final = Account.from_key(keccak(b"braid embedded L1 bystander"))
"""Pays for the full blocks that raise the base fee."""

BYSTANDER_ADDRESS: Final = Address(bytes.fromhex(_BYSTANDER.address[2:]))
BYSTANDER_BALANCE_WEI: Final = 10**27


class ControlMethods:
    """The methods of one chain."""

    def __init__(self, backend: L1Backend) -> None:
        self._backend = backend

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "evm_mine": self.mine,
            "anvil_mine": self.mine_many,
            "evm_increaseTime": self.increase_time,
            "evm_setAutomine": self.set_automine,
            "anvil_reorg": self.reorg,
            "anvil_dropAllTransactions": self.drop_all,
            "braid_setBaseFee": self.set_base_fee,
        }

    async def mine(self, params: Params) -> Json:
        """Make one block of what waits."""
        params.at_most(0)
        await self._backend.run(self._backend.mine_one)
        return "0x0"

    async def mine_many(self, params: Params) -> Json:
        """Make so many blocks."""
        params.at_most(1)
        count = self._bounded(read.quantity(params.required(0)), MAX_BLOCKS_PER_CALL)

        def work() -> None:
            for _ in range(count):
                self._backend.mine_one()

        await self._backend.run(work)
        return None

    async def increase_time(self, params: Params) -> Json:
        """Move the clock of future blocks forward, in seconds; gives the whole offset."""
        params.at_most(1)
        value = params.required(0)
        is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        seconds = int(value) if is_number else read.quantity(value)
        self._backend.time_offset_seconds += self._bounded(seconds, MAX_SECONDS_PER_CALL)
        return self._backend.time_offset_seconds

    async def set_automine(self, params: Params) -> Json:
        """Whether each transaction gets a block at once."""
        params.at_most(1)
        self._backend.is_automatic = read.boolean(params.required(0))
        return None

    async def reorg(self, params: Params) -> Json:
        """Drop so many blocks with their transactions; others take their place."""
        params.at_most(2)
        if params.optional(1):
            raise InvalidParams("the blocks that take their place are empty")
        try:
            await self._backend.reorg(read.quantity(params.required(0)))
        except ReorgTooDeep as error:
            raise ServerError(str(error)) from error
        return None

    async def drop_all(self, params: Params) -> Json:
        """Empty the mempool."""
        params.at_most(0)
        await self._backend.run(self._backend.chain.forget_waiting)
        return None

    async def set_base_fee(self, params: Params) -> Json:
        """Make full or empty blocks until the next base fee is near this one, in wei; gives it.

        It ends with an empty block of the usual size: estimates look at the newest block.
        """
        params.at_most(1)
        wanted_wei = read.quantity(params.required(0))
        if not 7 <= wanted_wei <= 10**14:
            raise InvalidParams("a base fee between 7 wei and 100,000 gwei")
        await self._backend.run(lambda: self._approach(wanted_wei))
        return hex(self._backend.chain.next_base_fee_wei)

    def _approach(self, wanted_wei: int) -> None:
        chain = self._backend.chain
        is_rising = chain.next_base_fee_wei < wanted_wei
        for _ in range(MAX_BLOCKS_PER_CALL):
            fee_wei = chain.next_base_fee_wei
            now = self._backend.now_seconds()
            is_there = fee_wei * 7 // 8 >= wanted_wei if is_rising else fee_wei <= wanted_wei
            if is_rising and not is_there:
                self._mine_full(now)
                continue
            if is_there and not is_rising:
                return
            chain.mine_exactly((), now, chain.spec.gas_limit)
            if is_there:
                return

    def _mine_full(self, now: int) -> None:
        """A block that its only transaction fills: the base fee rises by an eighth."""
        chain = self._backend.chain
        (state,) = chain.engine.accounts([BYSTANDER_ADDRESS])
        signed = _BYSTANDER.sign_transaction(
            {
                "chainId": chain.spec.chain_id,
                "nonce": state.nonce,
                "to": _BYSTANDER.address,
                "value": 0,
                "gas": _TRANSFER_GAS,
                "maxFeePerGas": 2 * chain.next_base_fee_wei,
                "maxPriorityFeePerGas": 0,
            }
        )
        decoded = decode_transaction(bytes(signed.raw_transaction))
        chain.mine_exactly([pooled_transaction(decoded, BYSTANDER_ADDRESS)], now, _TRANSFER_GAS)

    def _bounded(self, value: int, limit: int) -> int:
        if value > limit:
            raise InvalidParams(f"at most {limit}, got {value}")
        return value
