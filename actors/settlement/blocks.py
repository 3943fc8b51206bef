"""Final blocks of the ZK chain for settlement, read beside the running node."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from actors.prover.history import ChainHistory
from execution.block_data import encode_block_data
from settlement.interfaces import BlockSummary

CYCLES_PER_BLOCK: Final = 150_000
CYCLES_PER_TRANSACTION: Final = 45_000
CYCLES_PER_GAS: Final = 3
"""Rough: a plain transfer, 21,000 gas, takes about 75,000 cycles of the zkVM, signature included
(``braid bench prove --batch``), and storage little more for its gas."""

Answer = TypeVar("Answer")


class HistoryBlocks:
    """A :class:`settlement.interfaces.BlockSource` over a node's stores.

    Parameters
    ----------
    open_history
        Opens them, showing what is final at that moment.
    """

    def __init__(self, open_history: Callable[[], ChainHistory]) -> None:
        self._open_history = open_history
        self._certified: dict[int, BlockSummary] = {}
        """Of blocks that were asked for last. With its certificate a summary never changes."""

    async def summaries(self, first_number: int, limit: int) -> Sequence[BlockSummary]:
        """Consecutive final blocks from a number on."""

        def read(history: ChainHistory) -> list[BlockSummary]:
            last = min(history.last_number, first_number + limit - 1)
            if last < first_number:
                return []
            known = self._certified
            found = [
                known.get(number) or _summary(history, number)
                for number in range(first_number, last + 1)
            ]
            self._certified = {
                block.number: block for block in found if block.certificate is not None
            }
            return found

        return await self._read(read)

    async def data(self, first_number: int, last_number: int) -> Sequence[bytes]:
        """Encoded data of final blocks; fewer than asked for if they are not final yet."""

        def read(history: ChainHistory) -> list[bytes]:
            last = min(history.last_number, last_number)
            if last < first_number:
                return []
            return [encode_block_data(block) for block in history.batch_blocks(first_number, last)]

        return await self._read(read)

    async def _read(self, read: Callable[[ChainHistory], Answer]) -> Answer:
        def run() -> Answer:
            with self._open_history() as history:
                return read(history)

        return await asyncio.to_thread(run)


def _summary(history: ChainHistory, number: int) -> BlockSummary:
    (entry,) = history.batch_blocks(number, number)
    count = len(entry.block.transactions) + len(entry.block.system_transactions)
    gas_used = history.gas_used(number)
    cycles = CYCLES_PER_BLOCK + CYCLES_PER_TRANSACTION * count + CYCLES_PER_GAS * gas_used
    return BlockSummary(
        number=number,
        size_bytes=len(encode_block_data(entry)),
        timestamp_ms=1000 * entry.block.timestamp_seconds,
        transaction_count=count,
        estimated_cycles=cycles,
        certificate=history.certificate_of(number),
    )
