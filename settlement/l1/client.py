"""Typed reads of L1, and sending what is signed already."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from web3.types import RPCEndpoint

from execution.types import Address, CallRequest, Hash32
from ledger.types import ChainId
from settlement.errors import L1Down, L1Refused, MalformedAnswer, WrongChain
from settlement.l1 import answers
from settlement.l1.answers import BlockHead, FeeMarket, L1Log, L1Receipt
from settlement.l1.provider import BoundedHttpProvider
from settlement.l1.refusals import refusal

LATEST: Final = "latest"
MAX_CALL_BYTES: Final = 1024 * 1024
MAX_CODE_BYTES: Final = 64 * 1024
MAX_LOGS: Final = 10_000
FEE_BLOCKS: Final = 10
TIP_PERCENTILE: Final = 50.0

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after which pauses a request that got no answer is made again."""

    attempts: int = 4
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 4.0

    def pause_seconds(self, attempt: int, random: Random) -> float:
        """Pause after the attempt: exponential, and anywhere in its upper half."""
        whole = min(self.longest_pause_seconds, self.first_pause_seconds * 2.0**attempt)
        return whole * (0.5 + random.random() / 2)


class L1Client:
    """One endpoint.

    Parameters
    ----------
    random
        Source of the jitter of retries.
    sleep
        Waits; tests give one that moves their clock.
    """

    def __init__(
        self,
        provider: BoundedHttpProvider,
        random: Random,
        *,
        retries: RetryPolicy | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._provider = provider
        self._random = random
        self._retries = retries or RetryPolicy()
        self._sleep = sleep

    async def close(self) -> None:
        """Close the connections."""
        await self._provider.disconnect()

    async def request(self, method: str, *params: Any) -> Any:
        """The result of one method. Every method that is used here may be repeated.

        Raises
        ------
        L1Down, MalformedAnswer, L1Refused
        """
        attempt = 0
        while True:
            try:
                answer = await self._provider.make_request(RPCEndpoint(method), list(params))
                break
            except L1Down:
                attempt += 1
                if attempt >= self._retries.attempts:
                    raise
                await self._sleep(self._retries.pause_seconds(attempt - 1, self._random))
        if answer.get("error") is not None:
            raise refusal(answer["error"])
        if "result" not in answer:
            raise MalformedAnswer(f"{method}: neither result nor error")
        return answer["result"]

    # THE CHAIN

    async def require_chain(self, expected: ChainId) -> None:
        """Make sure that the endpoint serves a chain.

        Raises
        ------
        WrongChain
        """
        got = answers.quantity(await self.request("eth_chainId"))
        if got != expected:
            raise WrongChain(got, expected)

    async def block_number(self) -> int:
        """Number of the newest block."""
        return answers.quantity(await self.request("eth_blockNumber"))

    async def head(self, number: int | None = None) -> BlockHead | None:
        """The block with a number, or the newest one; ``None`` if there is none."""
        found = await self.request("eth_getBlockByNumber", _at(number), False)
        if found is None:
            return None
        head = answers.head(found)
        if number is not None and head.number != number:
            raise MalformedAnswer(f"block {head.number}, asked for {number}")
        return head

    async def fee_market(self) -> FeeMarket:
        """Fees now."""
        found = await self.request("eth_feeHistory", hex(FEE_BLOCKS), LATEST, [TIP_PERCENTILE])
        return answers.fee_history(found)

    async def logs(
        self,
        contract: Address,
        topics: Sequence[Hash32],
        first_block: int,
        last_block: int,
    ) -> tuple[L1Log, ...]:
        """Logs of a contract with one of the first topics, in a range of blocks, in order.

        Raises
        ------
        MalformedAnswer
            If one of them is not what was asked for.
        TooManyResults
        """
        query = {
            "address": "0x" + contract.hex(),
            "topics": [["0x" + topic.hex() for topic in topics]],
            "fromBlock": hex(first_block),
            "toBlock": hex(last_block),
        }
        found = answers.logs(await self.request("eth_getLogs", query), MAX_LOGS)
        places = [(log.block_number, log.log_index) for log in found]
        if places != sorted(set(places)):
            raise MalformedAnswer("logs out of order")
        for log in found:
            is_asked_for = (
                log.address == contract
                and first_block <= log.block_number <= last_block
                and log.topics[:1] != ()
                and log.topics[0] in topics
            )
            if not is_asked_for:
                raise MalformedAnswer("a log that was not asked for")
        return found

    # ACCOUNTS AND CALLS

    async def nonce(self, account: Address, *, is_pending: bool = False) -> int:
        """Transactions that an account has in blocks, or in blocks and the mempool."""
        tag = "pending" if is_pending else LATEST
        return answers.quantity(
            await self.request("eth_getTransactionCount", "0x" + account.hex(), tag)
        )

    async def balance_wei(self, account: Address) -> int:
        """Balance of an account."""
        found = await self.request("eth_getBalance", "0x" + account.hex(), LATEST)
        return answers.quantity(found, 256)

    async def code(self, account: Address, at: int | None = None) -> bytes:
        """Code of a contract; empty if there is none."""
        found = await self.request("eth_getCode", "0x" + account.hex(), _at(at))
        return answers.data(found, MAX_CODE_BYTES)

    async def call(self, to: Address, call_data: bytes, at: int | None = None) -> bytes:
        """Return data of a view.

        Raises
        ------
        CallReverted
        """
        query = {"to": "0x" + to.hex(), "data": "0x" + call_data.hex()}
        return answers.data(await self.request("eth_call", query, _at(at)), MAX_CALL_BYTES)

    async def estimate_gas(self, request: CallRequest) -> int:
        """Gas that a transaction needs.

        Raises
        ------
        CallReverted
            If it would revert.
        """
        query = {"from": "0x" + request.sender.hex(), "data": "0x" + request.data.hex()}
        if request.to is not None:
            query["to"] = "0x" + request.to.hex()
        if request.value_wei:
            query["value"] = hex(request.value_wei)
        return answers.quantity(await self.request("eth_estimateGas", query))

    # TRANSACTIONS

    async def send(self, raw: bytes) -> Hash32:
        """Send a signed transaction; gives its hash.

        Raises
        ------
        L1Refused
            One of its subclasses.
        """
        return answers.hash32(await self.request("eth_sendRawTransaction", "0x" + raw.hex()))

    async def receipt(self, transaction_hash: Hash32) -> L1Receipt | None:
        """Receipt of a transaction; ``None`` while it is in no block."""
        found = await self.request("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
        return None if found is None else answers.receipt(found, transaction_hash)

    async def revert_reason(self, request: CallRequest, block_number: int) -> str | None:
        """Why a transaction reverted: its call once more, on the state before its block.

        A best effort: other transactions of the block may have changed the outcome.
        """
        query = {"from": "0x" + request.sender.hex(), "data": "0x" + request.data.hex()}
        if request.to is not None:
            query["to"] = "0x" + request.to.hex()
        try:
            await self.request("eth_call", query, hex(max(0, block_number - 1)))
        except L1Refused as error:
            return error.message
        return None


def _at(number: int | None) -> str:
    return LATEST if number is None else hex(number)
