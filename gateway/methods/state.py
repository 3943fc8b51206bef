"""Methods that read or run on the state: balances, code, calls, proofs."""

from execution.types import CallRequest, CallResult
from gateway import params as read
from gateway import render
from gateway.backend import Json
from gateway.errors import InvalidParams
from gateway.limits import Limits
from gateway.methods.table import MethodTable
from gateway.outcome import call_output, estimated_gas
from gateway.params import BlockTag, Params
from gateway.reader import ChainReader
from gateway.views import ChainInfo


class StateMethods:
    """Reads of accounts and storage, calls, gas estimates and proofs."""

    def __init__(self, info: ChainInfo, reader: ChainReader, limits: Limits) -> None:
        self._gas_cap = info.gas_limit
        self._reader = reader
        self._proof_slots = limits.proof_slots

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_getBalance": self.balance,
            "eth_getTransactionCount": self.transaction_count,
            "eth_getCode": self.code,
            "eth_getStorageAt": self.storage_at,
            "eth_call": self.call,
            "eth_estimateGas": self.estimate_gas,
            "eth_getProof": self.proof,
        }

    async def balance(self, params: Params) -> Json:
        """Balance of an account in wei."""
        params.at_most(2)
        address = read.address(params.required(0))
        at = await self._position(params, 1)
        return hex((await self._reader.account(address, at)).balance_wei)

    async def transaction_count(self, params: Params) -> Json:
        """Nonce of an account; with ``pending`` the mempool counts too."""
        params.at_most(2)
        address = read.address(params.required(0))
        reference = read.block_reference(params.optional(1))
        if reference is BlockTag.PENDING:
            return hex(await self._reader.pending_nonce(address))
        at = await self._reader.state_position(reference)
        return hex((await self._reader.account(address, at)).nonce)

    async def code(self, params: Params) -> Json:
        """Code of a contract."""
        params.at_most(2)
        address = read.address(params.required(0))
        at = await self._position(params, 1)
        return render.to_hex(await self._reader.run(lambda: self._reader.backend.code(address, at)))

    async def storage_at(self, params: Params) -> Json:
        """A storage slot, as 32 bytes."""
        params.at_most(3)
        address = read.address(params.required(0))
        slot = read.storage_slot(params.required(1))
        at = await self._position(params, 2)
        value = await self._reader.run(lambda: self._reader.backend.storage_at(address, slot, at))
        return f"0x{value:064x}"

    async def call(self, params: Params) -> Json:
        """Run a call and give its return data."""
        request, at = await self._request(params)
        return call_output(await self._run_call(request, at))

    async def estimate_gas(self, params: Params) -> Json:
        """The least gas limit with which a transaction succeeds."""
        request, at = await self._request(params)
        result = await self._reader.run(lambda: self._reader.backend.estimate_gas(request, at))
        return estimated_gas(result, request.gas_limit or self._gas_cap)

    async def proof(self, params: Params) -> Json:
        """EIP-1186 proof of an account and some of its slots."""
        params.at_most(3)
        address = read.address(params.required(0))
        slots = [
            read.storage_slot(value)
            for value in read.array(params.optional(1) or [], self._proof_slots)
        ]
        at = await self._position(params, 2)
        return render.account_proof(
            await self._reader.run(lambda: self._reader.backend.proof(address, slots, at))
        )

    async def _run_call(self, request: CallRequest, at: int | None) -> CallResult:
        return await self._reader.run(lambda: self._reader.backend.call(request, at))

    async def _request(self, params: Params) -> tuple[CallRequest, int | None]:
        params.at_most(4)
        has_overrides = bool(params.optional(2)) or bool(params.optional(3))
        if has_overrides:
            raise InvalidParams("state and block overrides are not supported")
        request = read.call_request(params.required(0), self._gas_cap)
        return request, await self._position(params, 1)

    async def _position(self, params: Params, index: int) -> int | None:
        return await self._reader.state_position(read.block_reference(params.optional(index)))
