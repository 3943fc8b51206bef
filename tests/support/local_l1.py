"""L1 for whole validators in one process: its queue, and a view of it for each that may differ."""

import asyncio
from dataclasses import replace

from actors.validator.clients import PartUnavailable
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, Message
from ledger.genesis import L1Anchor
from ledger.types import ChainId, EvmAddress

ANCHOR = L1Anchor(ChainId(900_001), EvmAddress(b"\x99" * 20))
DEPOSITOR = EvmAddress(b"\x77" * 20)


class LocalL1:
    """The queue that the Rollup contract keeps."""

    def __init__(self) -> None:
        self.queue: list[Message] = []

    def deposit(self, target: bytes, value_wei: int, gas_limit: int = 100_000) -> Message:
        """Append a deposit of ETH."""
        message = Message(
            source_chain_id=ANCHOR.chain_id,
            nonce=len(self.queue),
            sender=DEPOSITOR,
            target=EvmAddress(target),
            value_wei=value_wei,
            gas_limit=gas_limit,
            data=b"",
        )
        self.queue.append(message)
        return message

    def force(self, raw: bytes) -> Message:
        """Append a forced transaction."""
        message = replace(
            self.deposit(FORCED_TRANSACTION_ADDRESS, 0, gas_limit=0),
            data=raw,
        )
        self.queue[-1] = message
        return message


class LocalL1View:
    """One node's view of the queue: whole, behind, or away."""

    def __init__(self, l1: LocalL1) -> None:
        self._l1 = l1
        self.confirmed: int | None = None
        """So many entries are confirmed here; all of them if None."""
        self.is_away = False

    async def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        await asyncio.sleep(0)
        if self.is_away:
            raise PartUnavailable("L1 is down")
        return tuple(self._l1.queue[: self.confirmed][first_nonce : first_nonce + limit])
